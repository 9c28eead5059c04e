package io.ratissidecar.snapshot;

import java.io.Closeable;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.security.MessageDigest;

/**
 * The primitives of an RDB, read one after the other: bytes, lengths, strings. Keeps the checksum
 * of all that was read, and can hand the bytes themselves on as they are. For one thread.
 */
final class RdbInput implements Closeable {
  private static final int BUFFER_BYTES = 1 << 18;

  private int longestString = Integer.MAX_VALUE - 16;

  /** In place of a length: the string is a number, or compressed. */
  private static final int INT8 = 0;

  private static final int INT16 = 1;
  private static final int INT32 = 2;
  private static final int COMPRESSED = 3;

  private final InputStream in;
  private final byte[] buffer = new byte[BUFFER_BYTES];
  private int position;
  private int limit;
  private int summed;
  private long before;
  private long crc;
  private OutputStream copy;
  private int copied;
  private int special = -1;

  /** Refuses longer strings from now on: the memory for one is taken before it is read. */
  void limitStrings(int bytes) {
    longestString = bytes;
  }

  RdbInput(InputStream in) {
    this.in = in;
  }

  /** How many bytes were read. */
  long offset() {
    return before + position;
  }

  /** The checksum of all that was read. */
  long crc() {
    crc = Crc64.update(crc, buffer, summed, position - summed);
    summed = position;
    return crc;
  }

  /**
   * Hands the bytes of all that is read from here on to this stream as well; null ends that. They
   * arrive when the buffer is read to its end, or when the copy is ended.
   */
  void copyTo(OutputStream target) throws IOException {
    if (target != copy) {
      handOver();
      copy = target;
    }
  }

  private void handOver() throws IOException {
    if (copy != null) {
      copy.write(buffer, copied, position - copied);
    }
    copied = position;
  }

  private void refill() throws IOException {
    crc();
    handOver();
    before += limit;
    position = 0;
    summed = 0;
    copied = 0;
    limit = Math.max(0, in.read(buffer));
  }

  private void fill() throws IOException {
    refill();
    if (limit == 0) {
      throw new InvalidSnapshotException("the RDB ends too early, at byte " + before);
    }
  }

  /** Whether there is nothing more. */
  boolean isAtEnd() throws IOException {
    if (position < limit) {
      return false;
    }
    refill();
    return limit == 0;
  }

  /** The byte that comes next, which is not read by that. */
  int peekByte() throws IOException {
    if (position == limit) {
      fill();
    }
    return buffer[position] & 0xff;
  }

  int readByte() throws IOException {
    if (position == limit) {
      fill();
    }
    return buffer[position++] & 0xff;
  }

  byte[] read(int length) throws IOException {
    byte[] bytes = new byte[length];
    int done = 0;
    while (done < length) {
      if (position == limit) {
        fill();
      }
      int count = Math.min(length - done, limit - position);
      System.arraycopy(buffer, position, bytes, done, count);
      position += count;
      done += count;
    }
    return bytes;
  }

  void skip(long length) throws IOException {
    if (length < 0) {
      throw new InvalidSnapshotException("a length in the RDB is negative, at byte " + offset());
    }
    long left = length;
    while (left > 0) {
      if (position == limit) {
        fill();
      }
      int count = (int) Math.min(left, limit - position);
      position += count;
      left -= count;
    }
  }

  /** Eight bytes, the lowest first. */
  long readLong() throws IOException {
    return Crc64.littleEndian(read(8), 0);
  }

  /** Four bytes, the lowest first. */
  int readInt() throws IOException {
    return readByte() | readByte() << 8 | readByte() << 16 | readByte() << 24;
  }

  /** A length that must be one. */
  long readLength() throws IOException {
    long length = readLengthOrSpecial();
    if (special >= 0) {
      throw new InvalidSnapshotException(
          "the RDB has an encoded string where a length belongs, at byte " + offset());
    }
    return length;
  }

  /** Sets {@link #special} when the string is a number or compressed. */
  private long readLengthOrSpecial() throws IOException {
    int first = readByte();
    special = -1;
    switch (first >> 6) {
      case 0:
        return first & 0x3f;
      case 1:
        return (first & 0x3fL) << 8 | readByte();
      case 2:
        if (first == 0x80) {
          return bigEndian(4);
        }
        if (first == 0x81) {
          return bigEndian(8);
        }
        throw new InvalidSnapshotException("the RDB has an unknown length at byte " + offset());
      default:
        special = first & 0x3f;
        return 0;
    }
  }

  private long bigEndian(int bytes) throws IOException {
    long value = 0;
    for (int i = 0; i < bytes; i++) {
      value = value << 8 | readByte();
    }
    return value;
  }

  void skipString() throws IOException {
    long length = readLengthOrSpecial();
    switch (special) {
      case -1 -> skip(length);
      case INT8 -> skip(1);
      case INT16 -> skip(2);
      case INT32 -> skip(4);
      case COMPRESSED -> {
        long compressed = readLength();
        readLength();
        skip(compressed);
      }
      default ->
          throw new InvalidSnapshotException(
              "the RDB has a string of unknown encoding " + special + " at byte " + offset());
    }
  }

  /** The bytes of a string; numbers as Redis shows them. */
  byte[] readString() throws IOException {
    long length = readLengthOrSpecial();
    if (special == -1) {
      return read(checked(length));
    }
    if (special == COMPRESSED) {
      int compressed = checked(readLength());
      int expanded = checked(readLength());
      return Lzf.expand(read(compressed), expanded);
    }
    return readNumber(special);
  }

  private byte[] readNumber(int encoding) throws IOException {
    return switch (encoding) {
      case INT8 -> number((byte) readByte());
      case INT16 -> number((short) (readByte() | readByte() << 8));
      case INT32 -> number(readInt());
      default ->
          throw new InvalidSnapshotException(
              "the RDB has a string of unknown encoding " + encoding + " at byte " + offset());
    };
  }

  /**
   * Adds a string to a digest, its length first. However long it is, it is never in memory as a
   * whole.
   */
  void digestString(MessageDigest digest) throws IOException {
    long length = readLengthOrSpecial();
    if (special == COMPRESSED) {
      long compressed = readLength();
      long expanded = readLength();
      Sha256.add(digest, expanded);
      long end = offset() + compressed;
      new LzfStream(this, end, expanded).digest(digest);
      return;
    }
    if (special >= 0) {
      byte[] text = readNumber(special);
      Sha256.add(digest, text.length);
      digest.update(text);
      return;
    }
    Sha256.add(digest, length);
    long left = length;
    while (left > 0) {
      if (position == limit) {
        fill();
      }
      int count = (int) Math.min(left, limit - position);
      digest.update(buffer, position, count);
      position += count;
      left -= count;
    }
  }

  private int checked(long length) throws IOException {
    if (length < 0 || length > longestString) {
      throw new InvalidSnapshotException(
          "the RDB has a string of " + length + " bytes at byte " + offset());
    }
    return (int) length;
  }

  private static byte[] number(int value) {
    return Integer.toString(value).getBytes(java.nio.charset.StandardCharsets.US_ASCII);
  }

  @Override
  public void close() throws IOException {
    in.close();
  }
}
