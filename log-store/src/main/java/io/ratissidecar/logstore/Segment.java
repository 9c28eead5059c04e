package io.ratissidecar.logstore;

import io.ratissidecar.logstore.Disk.DiskFile;
import java.io.Closeable;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One segment file and what is in it. Written by the appender alone; any thread reads the fields,
 * each of which is right once the index knows the entry.
 */
final class Segment implements Closeable {
  private static final Logger LOG = LoggerFactory.getLogger(Segment.class);
  private static final String PREFIX = "segment-";
  private static final String SUFFIX = ".resp";
  private static final int ZEROS_BYTES = 1 << 16;

  final Path path;
  final long name;
  final SegmentHeader header;
  final DiskFile file;

  /** Bytes of header and records; zeros or nothing follow. */
  volatile long end;

  volatile long firstIndex;
  volatile long lastIndex;
  volatile long lastTerm;
  volatile long count;

  private long allocated;
  private boolean preallocates = true;

  Segment(Path path, SegmentHeader header, DiskFile file) {
    this.path = path;
    this.name = nameOf(path);
    this.header = header;
    this.file = file;
    this.end = SegmentHeader.BYTES;
    this.allocated = SegmentHeader.BYTES;
    this.lastIndex = header.prevIndex();
    this.lastTerm = header.prevTerm();
  }

  /** Makes the file and its header, both durable, before anything can be appended. */
  static Segment create(Disk disk, Path dir, long name, SegmentHeader header) throws IOException {
    Path path = pathOf(dir, name);
    disk.create(path);
    Segment segment = new Segment(path, header, disk.file(path));
    segment.file.write(ByteBuffer.wrap(header.toBytes()), 0);
    segment.file.sync(true);
    disk.syncDirectory(dir);
    return segment;
  }

  static Path pathOf(Path dir, long name) {
    return dir.resolve(PREFIX + String.format("%020d", name) + SUFFIX);
  }

  static boolean isSegment(Path path) {
    String file = path.getFileName().toString();
    return file.matches(PREFIX + "[0-9]{20}\\" + SUFFIX);
  }

  /** The index in the file's name: no entry in it has a lower one. */
  static long nameOf(Path path) {
    String file = path.getFileName().toString();
    return Long.parseLong(file.substring(PREFIX.length(), file.length() - SUFFIX.length()));
  }

  /** Takes note of a record at the end, which is in the file already. */
  void add(long index, long term, long length) {
    if (count == 0) {
      firstIndex = index;
    }
    lastIndex = index;
    lastTerm = term;
    count = count + 1;
    end = end + length;
  }

  /** Takes note of a removal, which may have left no entry. */
  void cut(long newEnd, long removed, long newLastIndex, long newLastTerm) {
    end = newEnd;
    allocated = newEnd;
    count = count - removed;
    lastIndex = newLastIndex;
    lastTerm = newLastTerm;
  }

  /** What was scanned or noted at the last close. */
  void restore(long end, long first, long last, long term, long entries) {
    this.end = end;
    this.allocated = end;
    this.firstIndex = first;
    this.lastIndex = last;
    this.lastTerm = term;
    this.count = entries;
  }

  void write(ByteBuffer record, long preallocateBytes) throws IOException {
    long after = end + record.remaining();
    file.write(record, end);
    if (after > allocated) {
      allocated = after;
      if (preallocateBytes > 0 && preallocates) {
        preallocate(preallocateBytes);
      }
    }
  }

  /** Removes the zeros at the end; durable, as is every record, when this returns. */
  void seal() throws IOException {
    if (file.size() != end) {
      file.truncate(end);
      allocated = end;
    }
    file.sync(true);
    file.closeWriter();
  }

  private void preallocate(long bytes) {
    ByteBuffer zeros = ByteBuffer.allocate((int) Math.min(ZEROS_BYTES, bytes));
    try {
      for (long left = bytes; left > 0; left -= zeros.limit()) {
        zeros.clear().limit((int) Math.min(left, zeros.capacity()));
        int step = zeros.limit();
        file.write(zeros, allocated);
        allocated += step;
      }
    } catch (IOException e) {
      // It only saves time. A disk that is full or broken will fail the record that needs the room.
      preallocates = false;
      LOG.warn("{}: cannot preallocate {} bytes at {}", path, bytes, allocated, e);
    }
  }

  @Override
  public void close() throws IOException {
    file.close();
  }

  @Override
  public String toString() {
    return path.getFileName().toString();
  }
}
