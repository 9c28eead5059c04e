package io.ratissidecar.snapshot;

import java.io.IOException;
import java.nio.file.FileStore;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * The room that snapshots leave on their disk. A snapshot that does not fit is tried again, but a
 * log that can't be written stops the node: so some is left to the log. For any thread.
 */
@FunctionalInterface
interface DiskRoom {
  /** Beyond this a larger disk needs no larger reserve: it is twice what a log may grow by. */
  long MOST_LEFT_BYTES = 1L << 30;

  /** Of a small disk, one part in so many is left. */
  int PART_LEFT = 20;

  /**
   * @param bytes that are about to be written
   * @throws NoRoomException when they would take what is left to the log
   */
  void require(long bytes) throws IOException;

  /** That of the disk with this directory. */
  static DiskRoom of(Path dir) {
    return bytes -> {
      FileStore disk = Files.getFileStore(dir);
      long left = Math.min(MOST_LEFT_BYTES, disk.getTotalSpace() / PART_LEFT);
      if (disk.getUsableSpace() < left + bytes) {
        throw new NoRoomException(dir, disk.getUsableSpace(), left, bytes);
      }
    };
  }
}
