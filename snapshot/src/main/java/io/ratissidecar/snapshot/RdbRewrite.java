package io.ratissidecar.snapshot;

import io.ratissidecar.snapshot.RdbCopier.Deadlines;
import io.ratissidecar.statemachine.apply.AppliedMarker;
import io.ratissidecar.statemachine.command.LogicalTime;
import io.ratissidecar.statemachine.script.Prelude;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.function.LongConsumer;

/**
 * Makes an RDB for another purpose out of one. The source is read twice: it is checked whole before
 * anything is written. Needs little memory, whatever the size.
 */
public final class RdbRewrite {
  private RdbRewrite() {}

  /**
   * Makes a plain RDB, which any Redis loads, of one from a node of a cluster: everything but the
   * sidecar's reserved database, with the deadlines that users know and the functions that they
   * loaded.
   *
   * @param target gets the RDB; is not closed. What it got is of no use after an exception
   * @param onRead called often, with how many bytes were just read; the source is read twice
   * @return what was read
   * @throws InvalidSnapshotException when the source is damaged, or not from a node of a cluster
   */
  public static RdbFile export(Path source, OutputStream target, LongConsumer onRead)
      throws IOException {
    RdbFile file = RdbFile.read(source, onRead);
    if (file.marker().isEmpty()) {
      throw new InvalidSnapshotException(
          source
              + " is not from a node of a cluster, so there is nothing to leave out. Load it as it"
              + " is");
    }
    try (RdbInput in = new RdbInput(new WatchedInput(source, onRead))) {
      RdbOutput out = new RdbOutput(target);
      out.end(
          new RdbCopier(in, out, reservedOf(file), Deadlines.FROM_REDIS, Prelude::ofUser).copy());
    }
    return file;
  }

  /**
   * Makes the base snapshot of a new cluster of any Redis's RDB: adds the marker which says that it
   * is the state at one entry, moves deadlines to where nodes keep them, and gives functions the
   * prelude that makes them do the same on every node. Of a snapshot of another cluster, whose
   * deadlines are there, only the users' databases are taken.
   *
   * @param target gets the RDB; is not closed. What it got is of no use after an exception
   * @param reservedDatabase the last one of the new cluster's Redis servers
   * @param clusterId of the new cluster
   * @param term of the entry
   * @param index of the entry
   * @return what was read
   * @throws InvalidSnapshotException when the source is damaged, has data of a module, or has keys
   *     where users can't have any; says what to do
   */
  public static RdbFile seed(
      Path source,
      OutputStream target,
      int reservedDatabase,
      String clusterId,
      long term,
      long index)
      throws IOException {
    RdbFile file = RdbFile.read(source);
    int dropped = file.marker().isPresent() ? reservedOf(file) : -1;
    try (RdbInput in = new RdbInput(Files.newInputStream(source))) {
      RdbOutput out = new RdbOutput(target);
      int version = new Seed(in, out, dropped, reservedDatabase).copy();
      out.select(reservedDatabase);
      out.string(AppliedMarker.BEGIN_KEY, Long.toString(index));
      out.string(AppliedMarker.APPLIED_KEY, AppliedMarker.appliedValue(index, term, clusterId));
      out.end(version);
    } catch (InvalidSnapshotException e) {
      throw new InvalidSnapshotException(source + ": " + e.getMessage());
    }
    return file;
  }

  /** The marker is always in the last database that has keys. */
  private static int reservedOf(RdbFile file) {
    return file.databases() - 1;
  }

  /** Refuses what a cluster can't have. */
  private static final class Seed extends RdbCopier {
    private static final String ELSEWHERE = "beside the keys";

    private final int dropped;
    private final int reserved;
    private String place = ELSEWHERE;

    Seed(RdbInput in, RdbOutput out, int dropped, int reserved) {
      super(
          in,
          out,
          dropped,
          dropped >= 0 ? Deadlines.AS_THEY_ARE : Deadlines.TO_REDIS,
          Prelude.of(reserved, LogicalTime.SHIFT_MILLIS)::ofCluster);
      this.dropped = dropped;
      this.reserved = reserved;
    }

    @Override
    public void beginValue(int database, byte[] key, int type) throws IOException {
      String name = new String(key, StandardCharsets.UTF_8);
      if (database >= reserved && database != dropped) {
        throw new InvalidSnapshotException(
            "there are keys in database "
                + database
                + ", such as '"
                + name
                + "', but users of the cluster have the databases 0 to "
                + (reserved - 1)
                + ". Move them to another database, or set 'databases' of each node's Redis to "
                + (database + 2));
      }
      place = "in key '" + name + "' of database " + database;
    }

    @Override
    public void onKey(int database, byte[] key) {
      place = ELSEWHERE;
    }

    @Override
    public void onModule(String module) throws InvalidSnapshotException {
      throw new InvalidSnapshotException(
          "there is data of the module "
              + module
              + " "
              + place
              + ", which is not replicated here. Delete it at the source and save again");
    }
  }
}
