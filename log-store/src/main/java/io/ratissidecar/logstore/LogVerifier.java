package io.ratissidecar.logstore;

import io.ratissidecar.logstore.Disk.DiskFile;
import io.ratissidecar.logstore.LogReport.Damage;
import io.ratissidecar.logstore.LogSummary.SegmentSummary;
import io.ratissidecar.statemachine.entry.Entry;
import io.ratissidecar.statemachine.entry.UnsupportedFormatException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.function.Consumer;

/**
 * Reads every byte of a stopped node's payload log and says what is in it and what is wrong with
 * it. Opens nothing for writing and takes no lock; of a running node it sees some moment, perhaps
 * with a torn tail.
 */
public final class LogVerifier {
  private final Path dir;
  private final Consumer<Entry> payloadCheck;
  private final Disk disk = new LocalDisk();
  private final ByteBuffer buffer = ByteBuffer.allocateDirect(RecordScanner.BUFFER_BYTES);
  private final List<Damage> damages = new ArrayList<>();
  private final List<SegmentSummary> segments = new ArrayList<>();
  private Damage tornTail;
  private LogIdentity identity;
  private Segment previous;
  private long payloadBytes;
  private long sizeBytes;

  private LogVerifier(Path dir, Consumer<Entry> payloadCheck) {
    this.dir = dir;
    this.payloadCheck = payloadCheck;
  }

  /**
   * Verifies the log in this directory. The calling thread reads about a gigabyte a second.
   *
   * @throws UnsupportedFormatException when a newer version wrote it
   * @throws IOException when the files cannot be read; damage is no exception but in the report
   */
  public static LogReport verify(Path dir) throws IOException {
    return verify(dir, null);
  }

  /**
   * As {@link #verify(Path)}, and looks into the payloads, which to the log itself are just bytes.
   *
   * @param payloadCheck throws an IllegalArgumentException when the payload of the entry is not
   *     what it should be; null for none
   */
  public static LogReport verify(Path dir, Consumer<Entry> payloadCheck) throws IOException {
    return new LogVerifier(dir, payloadCheck).run();
  }

  private LogReport run() throws IOException {
    TruncationIntent intent = null;
    try {
      intent = TruncationIntent.read(dir);
    } catch (LogDamagedException e) {
      damages.add(damage(e));
    }
    List<Path> files = Recovery.segmentFiles(dir);
    for (Path path : files) {
      try (DiskFile file = disk.file(path)) {
        verify(path, file, path.equals(files.get(files.size() - 1)));
      }
    }
    CleanMark mark = CleanMark.read(dir);
    if (mark != null) {
      compare(mark);
    }
    OptionalLong interrupted =
        intent == null ? OptionalLong.empty() : OptionalLong.of(intent.index());
    return new LogReport(
        summary(mark != null, interrupted), damages, Optional.ofNullable(tornTail));
  }

  private void verify(Path path, DiskFile file, boolean newest) throws IOException {
    long size = file.size();
    sizeBytes += size;
    SegmentHeader header;
    try {
      header = Recovery.header(path, file, newest);
    } catch (LogDamagedException e) {
      damages.add(damage(e));
      previous = null; // what follows cannot be compared with it
      return;
    }
    if (header == null) {
      tornTail =
          new Damage(path, 0, Segment.nameOf(path), "the creation of this file was interrupted");
      return;
    }
    if (identity != null && !identity.equals(header.identity())) {
      damages.add(new Damage(path, 0, Segment.nameOf(path), "it belongs to " + header.identity()));
    }
    identity = header.identity();
    Segment segment = new Segment(path, header, file);
    try {
      Recovery.requireChain(previous, segment);
    } catch (LogDamagedException e) {
      damages.add(damage(e));
    }
    readRecords(segment, size, newest);
    segments.add(
        new SegmentSummary(
            path,
            size,
            header.prevTerm(),
            header.prevIndex(),
            segment.firstIndex,
            segment.count == 0 ? 0 : segment.lastIndex,
            segment.count));
    previous = segment;
  }

  /** Goes on behind each damage, so that the report has all of them. */
  private void readRecords(Segment s, long size, boolean newest) throws IOException {
    long start = SegmentHeader.BYTES;
    while (start < size) {
      SegmentScan scan =
          SegmentScan.run(
              s.path, s.file, start, size, s.lastIndex, s.lastTerm, buffer, at -> record(s, at));
      long first = s.count == 0 ? scan.firstIndex() : s.firstIndex;
      s.restore(scan.end(), first, scan.lastIndex(), scan.lastTerm(), s.count + scan.count());
      SegmentScan.Broken broken = scan.broken();
      if (broken == null) {
        return;
      }
      Damage found = new Damage(s.path, broken.offset(), s.lastIndex + 1, broken.what());
      if (newest && broken.durable() <= s.lastIndex) {
        tornTail = found; // nothing behind it was flushed either
        return;
      }
      damages.add(found);
      start = broken.resume();
    }
  }

  private void record(Segment s, RecordScanner at) {
    payloadBytes += RecordCodec.payloadBytes(at.length());
    if (payloadCheck == null) {
      return;
    }
    try {
      payloadCheck.accept(at.entry());
    } catch (IllegalArgumentException e) {
      String what = "what entry " + at.index() + " holds is no list of commands: " + e.getMessage();
      damages.add(new Damage(s.path, at.offset(), at.index(), what));
    }
  }

  private void compare(CleanMark mark) {
    for (CleanMark.Held held : mark.segments()) {
      Path path = Segment.pathOf(dir, held.name());
      long size = -1;
      for (SegmentSummary s : segments) {
        size = s.file().equals(path) ? s.sizeBytes() : size;
      }
      boolean known = damages.stream().anyMatch(d -> d.file().equals(path));
      if (size < held.end() && !known) {
        String what = "it had " + held.end() + " bytes when the node closed it";
        damages.add(new Damage(path, Math.max(size, 0), held.name(), what));
      }
    }
    if (tornTail != null && tornTail.index() <= mark.lastIndex()) {
      damages.add(tornTail); // all of it was flushed
      tornTail = null;
    }
  }

  private LogSummary summary(boolean clean, OptionalLong interrupted) {
    long first = 0;
    long last = 0;
    long count = 0;
    for (SegmentSummary s : segments) {
      if (s.entryCount() > 0) {
        first = first == 0 ? s.firstIndex() : first;
        last = s.lastIndex();
        count += s.entryCount();
      }
    }
    return new LogSummary(
        Optional.ofNullable(identity),
        identity == null ? 0 : SegmentHeader.VERSION,
        first,
        last,
        last == 0 ? 0 : previous == null ? 0 : previous.lastTerm,
        count,
        sizeBytes,
        payloadBytes,
        clean,
        interrupted,
        segments);
  }

  private static Damage damage(LogDamagedException e) {
    return new Damage(e.file(), e.offset(), e.index(), e.what());
  }
}
