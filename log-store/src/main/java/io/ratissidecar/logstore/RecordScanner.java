package io.ratissidecar.logstore;

import io.ratissidecar.logstore.Disk.DiskFile;
import io.ratissidecar.statemachine.entry.Entry;
import java.io.IOException;
import java.nio.ByteBuffer;

/** Reads the records of a file one after the other through a large buffer. For one thread. */
final class RecordScanner {
  static final int BUFFER_BYTES = 1 << 20;

  private final DiskFile file;
  private final long end;
  private ByteBuffer buffer;

  /** File offset of the buffer's first byte. */
  private long base;

  private long offset;
  private int length;

  /** Scans from {@code start}, where a record begins, to {@code end}. */
  RecordScanner(DiskFile file, long start, long end, ByteBuffer buffer) {
    this.file = file;
    this.end = end;
    this.buffer = buffer;
    this.base = start;
    this.offset = start;
    buffer.limit(0);
  }

  /**
   * Moves to the next record; false when no whole valid record starts at {@link #offset()}, be it
   * because that is the end.
   */
  boolean next() throws IOException {
    offset += length;
    length = 0;
    if (offset >= end) {
      return false;
    }
    long found = RecordCodec.lengthAt(buffer, at());
    if (found == 0) {
      fill(Math.min(end - offset, RecordCodec.recordBytes(0) + 10));
      found = RecordCodec.lengthAt(buffer, at());
    }
    if (found <= 0 || found > end - offset) {
      return false;
    }
    if (at() + found > buffer.limit()) {
      fill(found);
    }
    if (at() + found > buffer.limit() || !RecordCodec.isValid(buffer, at(), (int) found, offset)) {
      return false;
    }
    length = (int) found;
    return true;
  }

  /** Goes on at another offset, which need not be the start of a record. */
  void seek(long newOffset) {
    offset = newOffset;
    length = 0;
    if (newOffset < base || newOffset > base + buffer.limit()) {
      base = newOffset;
      buffer.limit(0);
    }
  }

  /** Where the record found last starts, or where none was found. */
  long offset() {
    return offset;
  }

  int length() {
    return length;
  }

  long index() {
    return RecordCodec.index(buffer, at());
  }

  long term() {
    return RecordCodec.term(buffer, at());
  }

  long durableIndex() {
    return RecordCodec.durableIndex(buffer, at());
  }

  int typeCode() {
    return RecordCodec.typeCode(buffer, at());
  }

  int crc() {
    return RecordCodec.crc(buffer, at(), length);
  }

  Entry entry() {
    return RecordCodec.entry(buffer, at(), length);
  }

  /** The offset of the first byte from here on that is not zero; the end when all are. */
  long firstNonZero() throws IOException {
    for (long p = offset; p < end; p++) {
      if (p >= base + buffer.limit()) {
        seek(p);
        fill(1);
        if (buffer.limit() == 0) {
          return end;
        }
      }
      if (buffer.get((int) (p - base)) != 0) {
        return p;
      }
    }
    return end;
  }

  /** The next offset from here on where a record's first bytes stand; the end when none does. */
  long nextMagic() throws IOException {
    byte[] magic = RecordCodec.MAGIC;
    for (long p = offset; p + magic.length <= end; p++) {
      if (p + magic.length > base + buffer.limit()) {
        seek(p);
        fill(magic.length);
        if (buffer.limit() < magic.length) {
          return end;
        }
      }
      int i = 0;
      while (i < magic.length && buffer.get((int) (p - base) + i) == magic[i]) {
        i++;
      }
      if (i == magic.length) {
        return p;
      }
    }
    return end;
  }

  private int at() {
    return (int) (offset - base);
  }

  /** Moves what is left to the front and reads on; the buffer grows when one record needs it. */
  private void fill(long needed) throws IOException {
    int kept = Math.max(0, buffer.limit() - at());
    ByteBuffer target = buffer;
    if (needed > buffer.capacity()) {
      target = ByteBuffer.allocate((int) needed);
      target.put(buffer.position(at()));
    } else if (kept > 0) {
      buffer.position(at());
      buffer.compact();
    }
    base = offset;
    target.clear().position(kept);
    target.limit((int) Math.min(target.capacity(), end - base));
    file.read(target, base + kept);
    target.flip();
    buffer = target;
  }
}
