package io.ratissidecar.logstore;

import io.ratissidecar.logstore.Disk.DiskFile;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/**
 * The file that says that a removal at the end of the log began, until the caller has done the same
 * to its own log.
 *
 * @param index the lowest index removed
 * @param segment name of the segment in which the last removal cuts
 * @param offset where it cuts
 * @param crc checksum of the record that stood there: a restart repeats the removal only while that
 *     same record is still in place, so entries appended after the removal are never taken for it
 */
record TruncationIntent(long index, long segment, long offset, int crc) {
  private static final String FILE = "truncating";
  private static final String FORMAT = "ratis-sidecar-truncating";

  void write(Disk disk, Path dir) throws IOException {
    List<String> values =
        List.of(
            FORMAT,
            Long.toString(index),
            Long.toString(segment),
            Long.toString(offset),
            Integer.toHexString(crc));
    SmallFile.write(disk, dir.resolve(FILE), new RespList(values));
  }

  static void remove(Disk disk, Path dir) throws IOException {
    SmallFile.remove(disk, dir.resolve(FILE));
  }

  /** The intent that a crash or a close left behind, or null. */
  static TruncationIntent read(Path dir) throws IOException {
    Path path = dir.resolve(FILE);
    if (!Files.exists(path)) {
      return null;
    }
    RespList list = SmallFile.read(path);
    if (list == null || list.values().size() != 5 || !FORMAT.equals(list.values().get(0))) {
      throw new LogDamagedException(path, 0, 0, "not a whole truncation intent");
    }
    List<String> values = list.values();
    return new TruncationIntent(
        Long.parseLong(values.get(1)),
        Long.parseLong(values.get(2)),
        Long.parseLong(values.get(3)),
        Integer.parseUnsignedInt(values.get(4), 16));
  }

  /** Finishes the removal if a crash interrupted it. {@code files} are the segments, ascending. */
  boolean redo(Disk disk, List<Path> files) throws IOException {
    for (int i = 0; i < files.size(); i++) {
      if (Segment.nameOf(files.get(i)) == segment) {
        try (DiskFile file = disk.file(files.get(i))) {
          if (!stillThere(file)) {
            return false;
          }
          remove(disk, files.subList(i + 1, files.size()), files.get(i), file, offset, i > 0);
          return true;
        }
      }
    }
    return false;
  }

  private boolean stillThere(DiskFile file) throws IOException {
    ByteBuffer buffer = ByteBuffer.allocate(RecordScanner.BUFFER_BYTES);
    RecordScanner scanner = new RecordScanner(file, offset, file.size(), buffer);
    return scanner.next() && scanner.crc() == crc;
  }

  /**
   * Removes whole segments, newest first, and last of all cuts the one in which the removal starts:
   * whatever a crash leaves is a log without holes whose cut has not happened, or has.
   */
  static void remove(
      Disk disk, List<Path> later, Path cut, DiskFile file, long offset, boolean hasEarlier)
      throws IOException {
    for (int i = later.size() - 1; i >= 0; i--) {
      disk.delete(later.get(i));
      disk.syncDirectory(cut.getParent());
    }
    if (offset == SegmentHeader.BYTES && hasEarlier) {
      disk.delete(cut);
      disk.syncDirectory(cut.getParent());
    } else {
      file.truncate(offset);
      file.sync(true);
    }
  }
}
