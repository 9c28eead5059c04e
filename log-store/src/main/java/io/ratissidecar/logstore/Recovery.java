package io.ratissidecar.logstore;

import io.ratissidecar.logstore.Disk.DiskFile;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.stream.Stream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Opens what a clean close or a crash left: finishes an interrupted removal, reads the segments,
 * cuts a torn tail, rebuilds the index. Everything is checked before anything is cut.
 */
final class Recovery {
  private static final Logger LOG = LoggerFactory.getLogger(Recovery.class);
  private static final String INDEX = "index";

  private final Path dir;
  private final LogIdentity identity;
  private final Disk disk;
  private final List<Segment> segments = new ArrayList<>();
  private Path unfinished;
  private long knownDurable;

  /** The directory's contents, ready for use. */
  record Recovered(List<Segment> segments, OffsetIndex index, TruncationIntent intent) {}

  /** {@code knownDurable}: the caller knows that entries up to this index were flushed. */
  Recovery(Path dir, LogIdentity identity, Disk disk, long knownDurable) {
    this.dir = dir;
    this.identity = identity;
    this.disk = disk;
    this.knownDurable = knownDurable;
  }

  Recovered run() throws IOException {
    OffsetIndex index = null;
    try {
      removeTemporaries();
      TruncationIntent intent = TruncationIntent.read(dir);
      if (intent != null) {
        knownDurable = Math.min(knownDurable, intent.index() - 1);
        if (intent.redo(disk, segmentFiles(dir))) {
          LOG.warn("{}: finished the removal of entries from index {}", dir, intent.index());
        }
      }
      readHeaders();
      CleanMark mark = CleanMark.read(dir);
      if (mark != null) {
        index = indexOf(mark);
        knownDurable = Math.max(knownDurable, mark.lastIndex());
      }
      if (index == null) {
        deleteIndex();
        index = OffsetIndex.open(dir.resolve(INDEX));
        readRecords(index);
      }
      CleanMark.remove(disk, dir);
      cut();
      return new Recovered(segments, index, intent);
    } catch (IOException | RuntimeException e) {
      if (index != null) {
        index.close();
      }
      closeSegments();
      throw e;
    }
  }

  static List<Path> segmentFiles(Path dir) throws IOException {
    try (Stream<Path> files = Files.list(dir)) {
      return files.filter(Segment::isSegment).sorted().toList();
    }
  }

  private void removeTemporaries() throws IOException {
    try (Stream<Path> files = Files.list(dir)) {
      for (Path file : files.toList()) {
        if (file.getFileName().toString().endsWith(SmallFile.TEMPORARY)) {
          disk.delete(file);
        }
      }
    }
  }

  private void readHeaders() throws IOException {
    List<Path> files = segmentFiles(dir);
    for (Path path : files) {
      DiskFile file = disk.file(path);
      boolean newest = path.equals(files.get(files.size() - 1));
      SegmentHeader header = null;
      try {
        header = header(path, file, newest);
      } finally {
        if (header == null) {
          file.close();
        }
      }
      if (header == null) {
        unfinished = path;
        continue;
      }
      segments.add(new Segment(path, header, file));
      header.requireIdentity(identity, path);
      if (header.prevIndex() >= Segment.nameOf(path)) {
        throw new LogDamagedException(
            path, 0, header.prevIndex() + 1, "its header says that it follows that index");
      }
    }
  }

  /** Null for a file whose creation was interrupted. */
  static SegmentHeader header(Path path, DiskFile file, boolean newest) throws IOException {
    ByteBuffer head = ByteBuffer.allocate(SegmentHeader.BYTES);
    file.read(head, 0);
    head.flip();
    long size = file.size();
    boolean empty =
        size <= SegmentHeader.BYTES
            || new RecordScanner(file, SegmentHeader.BYTES, size, ByteBuffer.allocate(1 << 16))
                    .firstNonZero()
                == size;
    return switch (SegmentHeader.state(path, head, newest && empty)) {
      case COMPLETE -> SegmentHeader.parse(head);
      case INCOMPLETE -> null;
      case DAMAGED ->
          throw new LogDamagedException(path, 0, Segment.nameOf(path), "its header is not valid");
    };
  }

  /** The index that was stored at the clean close, or null when it must be built again. */
  private OffsetIndex indexOf(CleanMark mark) throws IOException {
    boolean same = mark.segments().size() == segments.size() && unfinished == null;
    for (CleanMark.Held held : mark.segments()) {
      Segment s = segments.stream().filter(x -> x.name == held.name()).findFirst().orElse(null);
      long size = s == null ? 0 : s.file.size();
      if (size < held.end()) {
        Path path = Segment.pathOf(dir, held.name());
        throw new LogDamagedException(
            path,
            size,
            Math.max(held.first(), held.name()),
            "segment " + held.name() + " had " + held.end() + " bytes when it was closed");
      }
      same &= size == held.end();
      if (s != null) {
        s.restore(held.end(), held.first(), held.last(), held.term(), held.count());
      }
    }
    for (int i = 1; same && i < segments.size(); i++) {
      requireChain(segments.get(i - 1), segments.get(i));
    }
    OffsetIndex index = same ? openIndex(mark.token()) : null;
    if (index == null) {
      LOG.warn("{}: the index does not match the segments and will be rebuilt", dir);
    }
    return index;
  }

  private OffsetIndex openIndex(String token) {
    if (!Files.isDirectory(dir.resolve(INDEX))) {
      return null;
    }
    OffsetIndex index = null;
    try {
      index = OffsetIndex.open(dir.resolve(INDEX));
      if (token.equals(index.token())) {
        return index;
      }
    } catch (IOException e) {
      LOG.warn("{}: cannot use the index: {}", dir, e.getMessage());
    }
    if (index != null) {
      index.close();
    }
    return null;
  }

  private void deleteIndex() throws IOException {
    Path index = dir.resolve(INDEX);
    if (!Files.exists(index)) {
      return;
    }
    try (Stream<Path> files = Files.walk(index)) {
      files
          .sorted(Comparator.reverseOrder())
          .forEach(
              file -> {
                try {
                  Files.delete(file);
                } catch (IOException e) {
                  throw new UncheckedIOException(e);
                }
              });
    } catch (UncheckedIOException e) {
      throw e.getCause();
    }
  }

  private void readRecords(OffsetIndex index) throws IOException {
    ByteBuffer buffer = ByteBuffer.allocateDirect(RecordScanner.BUFFER_BYTES);
    Segment previous = null;
    for (Segment s : segments) {
      requireChain(previous, s);
      SegmentScan scan =
          SegmentScan.run(
              s.path,
              s.file,
              SegmentHeader.BYTES,
              s.file.size(),
              s.header.prevIndex(),
              s.header.prevTerm(),
              buffer,
              at -> index.add(at.index(), at.term(), s.name, at.offset(), at.length()));
      if (scan.broken() != null) {
        requireTorn(s, scan);
      }
      s.restore(scan.end(), scan.firstIndex(), scan.lastIndex(), scan.lastTerm(), scan.count());
      previous = s;
    }
  }

  /** Every segment's header names the last entry of the one before it. */
  static void requireChain(Segment previous, Segment s) throws LogDamagedException {
    if (previous != null
        && (previous.lastIndex != s.header.prevIndex()
            || previous.lastTerm != s.header.prevTerm())) {
      throw new LogDamagedException(
          s.path,
          0,
          Math.min(previous.lastIndex, s.header.prevIndex()) + 1,
          String.format(
              "it follows term %d index %d, but the segment before it, %s, ends with term %d index"
                  + " %d: entries between them are missing",
              s.header.prevTerm(),
              s.header.prevIndex(),
              previous,
              previous.lastTerm,
              previous.lastIndex));
    }
  }

  /** Only bytes that were never flushed may be cut. */
  private void requireTorn(Segment s, SegmentScan scan) throws IOException {
    SegmentScan.Broken broken = scan.broken();
    boolean newest = s == segments.get(segments.size() - 1) && unfinished == null;
    if (!newest || Math.max(broken.durable(), knownDurable) > scan.lastIndex()) {
      throw new LogDamagedException(s.path, broken.offset(), scan.lastIndex() + 1, broken.what());
    }
    LOG.warn(
        "{}: cutting a torn tail of {} bytes at byte {}, after index {}; it was never flushed",
        s.path,
        s.file.size() - broken.offset(),
        broken.offset(),
        scan.lastIndex());
  }

  private void cut() throws IOException {
    if (unfinished != null) {
      LOG.warn("{}: removing a segment whose creation was interrupted", unfinished);
      disk.delete(unfinished);
      disk.syncDirectory(dir);
    }
    if (!segments.isEmpty()) {
      // What a killed process had written but not flushed is in the page cache only; from here on
      // it counts as durable.
      segments.get(segments.size() - 1).seal();
    }
  }

  private void closeSegments() {
    for (Segment s : segments) {
      try {
        s.close();
      } catch (IOException e) {
        LOG.warn("{}: cannot close", s.path, e);
      }
    }
  }
}
