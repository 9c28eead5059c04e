package io.ratissidecar.logstore;

import io.ratissidecar.logstore.Disk.DiskFile;
import io.ratissidecar.statemachine.entry.EntryType;
import io.ratissidecar.statemachine.entry.UnsupportedFormatException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;

/**
 * What reading a segment's records showed, up to the end or to the first that is broken.
 *
 * @param end behind the last good record
 * @param firstIndex 0 when there is no record
 * @param broken null when nothing but zeros follows
 */
record SegmentScan(
    long end, long firstIndex, long lastIndex, long lastTerm, long count, Broken broken) {

  /**
   * Bytes that are no record where one should be.
   *
   * @param durable the highest index that any valid record behind them says was flushed
   * @param resume where the next valid record starts; the end of the file when there is none
   */
  record Broken(long offset, String what, long durable, long resume) {}

  /** Takes each good record, at which the scanner stands. */
  interface Sink {
    void record(RecordScanner at) throws IOException;
  }

  /**
   * Reads from {@code start}, which follows the entry given by the last index and term.
   *
   * @throws UnsupportedFormatException when a record is of a type that this version does not know
   */
  static SegmentScan run(
      Path path,
      DiskFile file,
      long start,
      long size,
      long lastIndex,
      long lastTerm,
      ByteBuffer buffer,
      Sink sink)
      throws IOException {
    RecordScanner scanner = new RecordScanner(file, start, size, buffer);
    long first = 0;
    long last = lastIndex;
    long term = lastTerm;
    long count = 0;
    while (scanner.next()) {
      requireKnownType(path, scanner);
      if (scanner.index() <= last || scanner.term() < term) {
        String what =
            String.format(
                "term %d index %d follows term %d index %d",
                scanner.term(), scanner.index(), term, last);
        Broken broken =
            new Broken(scanner.offset(), what, Long.MAX_VALUE, scanner.offset() + scanner.length());
        return new SegmentScan(scanner.offset(), first, last, term, count, broken);
      }
      last = scanner.index();
      term = scanner.term();
      first = count++ == 0 ? last : first;
      sink.record(scanner);
    }
    long end = scanner.offset();
    Broken broken = scanner.firstNonZero() == size ? null : broken(scanner, end, size);
    return new SegmentScan(end, first, last, term, count, broken);
  }

  private static Broken broken(RecordScanner scanner, long at, long size) throws IOException {
    scanner.seek(at);
    String what = "no valid record (checksum or form is wrong)";
    long durable = 0;
    long resume = size;
    long from = at + 1;
    while (from < size) {
      scanner.seek(from);
      long candidate = scanner.nextMagic();
      scanner.seek(candidate);
      if (candidate < size && scanner.next()) {
        durable = Math.max(durable, scanner.durableIndex());
        resume = Math.min(resume, candidate);
        from = candidate + scanner.length();
      } else {
        from = candidate + 1;
      }
    }
    return new Broken(at, what, durable, resume);
  }

  private static void requireKnownType(Path path, RecordScanner scanner) {
    try {
      EntryType.ofCode(scanner.typeCode());
    } catch (UnsupportedFormatException e) {
      throw new UnsupportedFormatException(
          path + " at byte " + scanner.offset() + ": " + e.getMessage());
    }
  }
}
