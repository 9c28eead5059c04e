package io.ratissidecar.logstore;

import java.nio.ByteBuffer;

/**
 * Where up to 128 successive entries of one segment are. One thread adds; others may look things up
 * meanwhile, since slots below the published count never change.
 *
 * <p>Stored form, after the key, which is the first index: varints of segment name, first offset
 * and count, then for each entry its distance to the index before it (shifted left by one; the low
 * bit says that a term follows) and its length. Records lie back to back, so offsets need no bytes.
 */
final class IndexBlock {
  static final int CAPACITY = 128;

  private final long segment;
  private final long[] indexes;
  private final long[] terms;
  private final int[] offsets;
  private final int[] lengths;
  private volatile int count;

  /** Where one record is. */
  record Location(long index, long term, long segment, int offset, int length) {}

  IndexBlock(long segment) {
    this(segment, CAPACITY);
  }

  private IndexBlock(long segment, int capacity) {
    this.segment = segment;
    indexes = new long[capacity];
    terms = new long[capacity];
    offsets = new int[capacity];
    lengths = new int[capacity];
  }

  void add(long index, long term, int offset, int length) {
    int i = count;
    indexes[i] = index;
    terms[i] = term;
    offsets[i] = offset;
    lengths[i] = length;
    count = i + 1;
  }

  /** True when an entry of this segment has room here. */
  boolean takes(long ofSegment) {
    return segment == ofSegment && count < CAPACITY;
  }

  int count() {
    return count;
  }

  long firstIndex() {
    return indexes[0];
  }

  /** The entry with the lowest index that is at least this; null when none is. */
  Location ceiling(long index) {
    int i = position(index);
    return i < count ? at(i) : null;
  }

  /** The entry with the highest index that is at most this; null when none is. */
  Location floor(long index) {
    int n = count;
    int i = position(index);
    if (i < n && indexes[i] == index) {
      return at(i);
    }
    return i > 0 ? at(i - 1) : null;
  }

  /** A copy of the entries below this index. */
  IndexBlock below(long index) {
    IndexBlock copy = new IndexBlock(segment);
    for (int i = 0; i < count && indexes[i] < index; i++) {
      copy.add(indexes[i], terms[i], offsets[i], lengths[i]);
    }
    return copy;
  }

  byte[] toBytes() {
    ByteBuffer out = ByteBuffer.allocate(30 + count * 25);
    putVarint(out, segment);
    putVarint(out, offsets[0]);
    putVarint(out, count);
    long index = indexes[0];
    long term = 0;
    for (int i = 0; i < count; i++) {
      boolean newTerm = terms[i] != term;
      putVarint(out, (indexes[i] - index) << 1 | (newTerm ? 1 : 0));
      if (newTerm) {
        putVarint(out, terms[i]);
      }
      putVarint(out, lengths[i]);
      index = indexes[i];
      term = terms[i];
    }
    byte[] bytes = new byte[out.position()];
    out.get(0, bytes);
    return bytes;
  }

  static IndexBlock parse(long firstIndex, byte[] bytes) {
    ByteBuffer in = ByteBuffer.wrap(bytes);
    long segment = varint(in);
    int offset = (int) varint(in);
    int entries = (int) varint(in);
    IndexBlock block = new IndexBlock(segment, entries);
    long index = firstIndex;
    long term = 0;
    for (int i = 0; i < entries; i++) {
      long step = varint(in);
      index += step >>> 1;
      if ((step & 1) == 1) {
        term = varint(in);
      }
      int length = (int) varint(in);
      block.add(index, term, offset, length);
      offset += length;
    }
    return block;
  }

  private Location at(int i) {
    return new Location(indexes[i], terms[i], segment, offsets[i], lengths[i]);
  }

  private int position(long index) {
    int low = 0;
    int high = count;
    while (low < high) {
      int middle = (low + high) >>> 1;
      if (indexes[middle] < index) {
        low = middle + 1;
      } else {
        high = middle;
      }
    }
    return low;
  }

  private static void putVarint(ByteBuffer out, long value) {
    long rest = value;
    while ((rest & ~0x7fL) != 0) {
      out.put((byte) (rest & 0x7f | 0x80));
      rest >>>= 7;
    }
    out.put((byte) rest);
  }

  private static long varint(ByteBuffer in) {
    long value = 0;
    for (int shift = 0; ; shift += 7) {
      byte b = in.get();
      value |= (b & 0x7fL) << shift;
      if (b >= 0) {
        return value;
      }
    }
  }
}
