package io.ratissidecar.snapshot;

import io.ratissidecar.statemachine.apply.AppliedMarker;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Optional;
import java.util.function.LongConsumer;

/**
 * What a whole and undamaged RDB says of itself.
 *
 * @param version of the format
 * @param marker the entry whose state it is; empty when it is not from a node of a cluster
 * @param databases the highest database with a key in it, plus one; 0 when it holds none
 * @param keys how many keys it holds, the sidecar's own among them
 */
public record RdbFile(int version, Optional<AppliedMarker> marker, int databases, long keys) {
  /**
   * Reads all of the file. Needs little memory, whatever its size.
   *
   * @throws InvalidSnapshotException when it is damaged, or of an unknown version
   */
  public static RdbFile read(Path file) throws IOException {
    return read(file, count -> {});
  }

  /**
   * As {@link #read(Path)}.
   *
   * @param onRead called often, with how many bytes were just read
   */
  public static RdbFile read(Path file, LongConsumer onRead) throws IOException {
    try (InputStream in = new WatchedInput(file, onRead);
        RdbInput rdb = new RdbInput(in)) {
      Finder finder = new Finder();
      int version = new RdbScanner(rdb, finder).scan();
      return new RdbFile(version, finder.marker(), finder.databases, finder.keys);
    } catch (InvalidSnapshotException e) {
      throw new InvalidSnapshotException(file + ": " + e.getMessage());
    }
  }

  /** What is wrong with the local Redis when it can only load RDBs up to an older version. */
  public static String tooNew(int version, int newest) {
    return "the local Redis reads RDB files up to version "
        + newest
        + ", and the cluster's data is in version "
        + version
        + ". Give this node a Redis that is as new as the other nodes'";
  }

  /**
   * The entry whose state it is.
   *
   * @throws InvalidSnapshotException when it is not of the cluster, or of a state between two
   *     entries
   */
  AppliedMarker wholeMarker(String clusterId) throws InvalidSnapshotException {
    AppliedMarker found =
        marker.orElseThrow(
            () -> new InvalidSnapshotException("the RDB does not say whose state it is"));
    if (!found.clusterId().equals(clusterId)) {
      throw new InvalidSnapshotException(
          "the RDB is of cluster " + found.clusterId() + ", not of " + clusterId);
    }
    if (!found.isWhole()) {
      throw new InvalidSnapshotException(
          "the RDB was taken in the middle of entry " + found.begun());
    }
    return found;
  }

  private static final class Finder implements RdbScanner.Visitor {
    private int databases;
    private long keys;
    private int markerDatabase = -1;
    private String begun;
    private String applied;

    @Override
    public boolean wants(int database, byte[] key) {
      String name = new String(key, StandardCharsets.ISO_8859_1);
      return name.equals(AppliedMarker.BEGIN_KEY) || name.equals(AppliedMarker.APPLIED_KEY);
    }

    @Override
    public void onString(int database, byte[] key, byte[] value) {
      // A client may use the same names elsewhere; the sidecar's database is the last one.
      if (database > markerDatabase) {
        markerDatabase = database;
        begun = null;
        applied = null;
      }
      String text = new String(value, StandardCharsets.ISO_8859_1);
      if (new String(key, StandardCharsets.ISO_8859_1).equals(AppliedMarker.BEGIN_KEY)) {
        begun = text;
      } else {
        applied = text;
      }
    }

    @Override
    public void onKey(int database, byte[] key) {
      databases = Math.max(databases, database + 1);
      keys++;
    }

    /** Only in the last of the databases that hold keys: there the sidecar's own are. */
    Optional<AppliedMarker> marker() throws InvalidSnapshotException {
      if (markerDatabase != databases - 1) {
        return Optional.empty();
      }
      try {
        return AppliedMarker.parse(begun, applied);
      } catch (IllegalArgumentException e) {
        throw new InvalidSnapshotException(e.getMessage());
      }
    }
  }
}
