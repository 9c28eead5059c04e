package io.ratissidecar.snapshot;

import io.ratissidecar.statemachine.apply.AppliedMarker;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.security.MessageDigest;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.function.LongConsumer;

/**
 * A snapshot that was published: a directory with an RDB and its manifest. Neither changes any
 * more; both may be deleted once newer ones are there.
 */
public record Snapshot(Path dir, SnapshotManifest manifest) {
  /** How much of an RDB is sent from node to node at once. */
  public static final int MAX_CHUNK_BYTES = 1 << 20;

  static final String RDB_NAME = "dump.rdb";
  static final String MANIFEST_NAME = "manifest";

  /** The RDB. */
  public Path rdb() {
    return dir.resolve(RDB_NAME);
  }

  /** Reads the manifest of a directory. */
  public static Snapshot read(Path dir) throws IOException {
    Path file = dir.resolve(MANIFEST_NAME);
    return new Snapshot(dir, SnapshotManifest.parse(Files.readAllBytes(file), file.toString()));
  }

  /**
   * A part of the RDB; shorter where the RDB ends, empty behind its end.
   *
   * @throws SnapshotGoneException when the snapshot was deleted
   */
  public byte[] read(long offset, int length) throws IOException {
    try (FileChannel channel = FileChannel.open(rdb(), StandardOpenOption.READ)) {
      ByteBuffer chunk =
          ByteBuffer.allocate((int) Math.max(0, Math.min(length, channel.size() - offset)));
      int count = 0;
      while (chunk.hasRemaining() && count >= 0) {
        count = channel.read(chunk, offset + chunk.position());
      }
      return Arrays.copyOf(chunk.array(), chunk.position());
    } catch (NoSuchFileException e) {
      throw new SnapshotGoneException("the snapshot of entry " + manifest.index() + " was deleted");
    }
  }

  /**
   * Reads all of the RDB and checks it against its checksums and its manifest.
   *
   * @return what the RDB says of itself
   * @throws InvalidSnapshotException when it may not be loaded; says why
   */
  public RdbFile verify() throws IOException {
    return verify(count -> {});
  }

  /**
   * As {@link #verify()}.
   *
   * @param onRead called often, with how many bytes were just read; the RDB is read twice
   */
  public RdbFile verify(LongConsumer onRead) throws IOException {
    long size = Files.size(rdb());
    if (size != manifest.rdbBytes()) {
      throw new InvalidSnapshotException(
          rdb() + " has " + size + " bytes, its manifest says " + manifest.rdbBytes());
    }
    String sum = sha256(rdb(), onRead);
    if (!sum.equals(manifest.sha256())) {
      throw new InvalidSnapshotException(
          rdb()
              + " is damaged: its SHA-256 is "
              + sum
              + ", its manifest says "
              + manifest.sha256());
    }
    RdbFile read = RdbFile.read(rdb(), onRead);
    AppliedMarker marker = read.wholeMarker(manifest.clusterId());
    if (marker.applied() != manifest.index() || marker.term() != manifest.term()) {
      throw new InvalidSnapshotException(
          String.format(
              "%s is the state of entry %d of term %d, its manifest says entry %d of term %d",
              rdb(), marker.applied(), marker.term(), manifest.index(), manifest.term()));
    }
    return read;
  }

  private static String sha256(Path file, LongConsumer onRead) throws IOException {
    MessageDigest digest = Sha256.create();
    byte[] buffer = new byte[1 << 18];
    try (InputStream in = new WatchedInput(file, onRead)) {
      int count;
      while ((count = in.read(buffer)) > 0) {
        digest.update(buffer, 0, count);
      }
    }
    return HexFormat.of().formatHex(digest.digest());
  }
}
