package io.ratissidecar.snapshot;

import java.io.IOException;

/**
 * The snapshots of another node, to be read in pieces. For one thread; its methods block.
 *
 * <p>Each fails with {@link SnapshotGoneException} when the snapshot is not there (any more), and
 * with any other {@link IOException} when the node can't be reached: then it may be asked again.
 */
public interface ChunkSource {
  /** The manifest of the newest snapshot, as {@link SnapshotManifest#toBytes} wrote it. */
  byte[] latest() throws IOException;

  /** The manifest of the snapshot of an entry, as {@link SnapshotManifest#toBytes} wrote it. */
  byte[] manifest(long index, long term) throws IOException;

  /**
   * A part of the RDB of the snapshot of an entry.
   *
   * @param length bytes at the most, 1 to {@link Snapshot#MAX_CHUNK_BYTES}
   * @return at least one byte, if there is one behind {@code offset}
   */
  byte[] read(long index, long term, long offset, int length) throws IOException;

  /** What came of the snapshot of an entry was damaged: the node should check what it has. */
  void doubt(long index, long term) throws IOException;
}
