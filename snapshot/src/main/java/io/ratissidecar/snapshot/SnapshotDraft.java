package io.ratissidecar.snapshot;

import io.ratissidecar.statemachine.apply.AppliedMarker;
import java.io.Closeable;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.security.MessageDigest;
import java.time.Instant;
import java.util.HexFormat;
import java.util.List;

/**
 * A snapshot that is being written, in a temporary directory. Nothing of it is left when it is
 * closed before it was published. For one thread.
 */
public final class SnapshotDraft implements Closeable {
  /** Written in small portions, so that the log's own writes to the disk never wait for long. */
  private static final int SYNC_BYTES = 8 << 20;

  private final SnapshotStore store;
  private final Path dir;
  private final DiskRoom room;
  private final FileChannel rdb;
  private final MessageDigest digest = Sha256.create();
  private volatile long bytes;
  private long synced;

  /** So far there was room. */
  private long checked;

  SnapshotDraft(SnapshotStore store, Path dir, DiskRoom room) throws IOException {
    this.store = store;
    this.dir = dir;
    this.room = room;
    this.rdb =
        FileChannel.open(
            dir.resolve(Snapshot.RDB_NAME),
            StandardOpenOption.CREATE_NEW,
            StandardOpenOption.WRITE);
  }

  /** Where the RDB goes, as long as there is room; closing it does nothing. */
  public OutputStream out() {
    return new OutputStream() {
      @Override
      public void write(int b) throws IOException {
        write(new byte[] {(byte) b}, 0, 1);
      }

      @Override
      public void write(byte[] b, int from, int length) throws IOException {
        if (bytes >= checked) {
          room.require(SYNC_BYTES);
          checked = bytes + SYNC_BYTES;
        }
        digest.update(b, from, length);
        ByteBuffer left = ByteBuffer.wrap(b, from, length);
        while (left.hasRemaining()) {
          rdb.write(left);
        }
        bytes += length;
        if (bytes - synced > SYNC_BYTES) {
          rdb.force(false);
          synced = bytes;
        }
      }
    };
  }

  /** How many bytes were written. Any thread may ask; the answer may be a little old. */
  public long bytes() {
    return bytes;
  }

  /**
   * Checks what was written and publishes it: once this returns, it is there after any crash.
   *
   * @param clusterId the cluster whose state it must be
   * @param index the entry whose state it must be
   * @param members the nodes of the cluster, one word each
   * @throws InvalidSnapshotException when it is no RDB of this cluster, or of a state between two
   *     entries
   */
  public Snapshot publish(String clusterId, long index, List<String> members, String redisVersion)
      throws IOException {
    rdb.force(true);
    AppliedMarker marker = RdbFile.read(dir.resolve(Snapshot.RDB_NAME)).wholeMarker(clusterId);
    if (marker.applied() != index) {
      throw new InvalidSnapshotException(
          "the RDB is of entry " + marker.applied() + ", not of " + index);
    }
    SnapshotManifest manifest =
        new SnapshotManifest(
            clusterId,
            marker.term(),
            marker.applied(),
            members,
            Instant.now(),
            bytes,
            HexFormat.of().formatHex(digest.digest()),
            redisVersion);
    SnapshotStore.writeManifest(dir, manifest);
    return store.publish(dir, manifest);
  }

  @Override
  public void close() throws IOException {
    rdb.close();
    if (Files.exists(dir)) { // it was not published, which gives it another name
      SnapshotStore.deleteDirectory(dir);
    }
  }
}
