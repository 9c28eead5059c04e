package io.ratissidecar.snapshot;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/**
 * The copy of another node's snapshot, as far as it has come: its manifest, and its RDB from the
 * beginning. For one thread.
 *
 * <p>After a loss of power its end may be garbage; the checksum finds that out.
 */
public final class PartialSnapshot {
  /** So that the disk is busy all the time and not for long at the end. */
  private static final long SYNC_BYTES = 32L << 20;

  private final SnapshotStore store;
  private final Path dir;
  private final SnapshotManifest manifest;
  private final DiskRoom room;
  private long unsynced;

  PartialSnapshot(SnapshotStore store, Path dir, SnapshotManifest manifest, DiskRoom room) {
    this.store = store;
    this.room = room;
    this.dir = dir;
    this.manifest = manifest;
  }

  /** What the other node says of it. */
  public SnapshotManifest manifest() {
    return manifest;
  }

  private FileChannel open() throws IOException {
    return FileChannel.open(
        dir.resolve(Snapshot.RDB_NAME), StandardOpenOption.CREATE, StandardOpenOption.APPEND);
  }

  /** How much of the RDB is there. */
  long bytes() throws IOException {
    try (FileChannel rdb = open()) {
      return rdb.size();
    }
  }

  /**
   * The version of the RDB, whose first bytes must be there.
   *
   * @throws InvalidSnapshotException when it is none
   */
  int version() throws IOException {
    try (RdbInput in = new RdbInput(Files.newInputStream(dir.resolve(Snapshot.RDB_NAME)))) {
      return RdbScanner.version(in);
    }
  }

  /**
   * @throws NoRoomException when the rest of it does not fit on the disk
   */
  void append(byte[] chunk) throws IOException {
    if (unsynced == 0) {
      room.require(manifest.rdbBytes() - bytes());
    }
    try (FileChannel rdb = open()) {
      ByteBuffer left = ByteBuffer.wrap(chunk);
      while (left.hasRemaining()) {
        rdb.write(left);
      }
      unsynced += chunk.length;
      if (unsynced >= SYNC_BYTES) {
        rdb.force(false);
        unsynced = 0;
      }
    }
  }

  /**
   * Checks all of it, and makes it durable.
   *
   * @throws InvalidSnapshotException when it may not be loaded; says why
   */
  void verify() throws IOException {
    try (FileChannel rdb = open()) {
      rdb.force(true);
    }
    new Snapshot(dir, manifest).verify();
  }

  /** Publishes it, once it was checked: when this returns, it is there after any crash. */
  Snapshot publish() throws IOException {
    return store.publish(dir, manifest);
  }

  /** As {@link #publish}, and deletes all other snapshots of this node, which are wrong. */
  public Snapshot publishAlone() throws IOException {
    return store.publishAlone(dir, manifest);
  }

  void delete() throws IOException {
    SnapshotStore.deleteDirectory(dir);
  }
}
