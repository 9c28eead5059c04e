package io.ratissidecar.sidecar.raft;

import java.util.Arrays;
import java.util.zip.CRC32C;

/**
 * What stands in a segment of Ratis's log where its last good entry ends. An entry is its length (a
 * varint), its bytes and a checksum of both; behind the last there are zeros, written in advance.
 *
 * <p>Ratis acknowledges an entry once it has synced it, so the end of an entry may be missing only
 * where none was ever written behind it. Payload on disk says nothing about that: it is synced
 * before the entry that promises it.
 */
final class SegmentTail {
  private static final int CHECKSUM_BYTES = 4;

  /** Ratis's entries begin with their term, or, in term 0, with their index. */
  private static final byte TERM_TAG = 0x08;

  private static final byte INDEX_TAG = 0x10;

  private final byte[] bytes;
  private final int start;

  /** Behind the last byte that is not zero. */
  private final int end;

  /**
   * @param bytes the whole file
   * @param start where the next entry would begin
   */
  SegmentTail(byte[] bytes, int start) {
    this.bytes = bytes;
    this.start = start;
    int last = bytes.length;
    while (last > start && bytes[last - 1] == 0) {
      last--;
    }
    this.end = last;
  }

  /** True when nothing was written here. */
  boolean isEmpty() {
    return end == start;
  }

  /**
   * True for what a power loss leaves of a write that was not synced: the beginning of an entry,
   * without its end and with nothing behind it. A length that is damaged looks alike; but then
   * there is a good entry further on.
   */
  boolean isTorn() {
    if (isEmpty() || bytes[start] == 0) {
      return false;
    }
    Varint length = varint(start);
    return end < start + length.bytes() + length.value() + CHECKSUM_BYTES
        && !hasEntryBehind()
        && !isWholeButItsLength();
  }

  /**
   * True when body and checksum agree with another length than the one that stands before them: the
   * entry was written whole. The checksum's last bytes may be zeros.
   */
  private boolean isWholeButItsLength() {
    for (int entryEnd = end; entryEnd <= Math.min(end + 3, bytes.length); entryEnd++) {
      for (int digits = 1; digits <= 5; digits++) {
        int length = entryEnd - CHECKSUM_BYTES - start - digits;
        if (length > 0 && encoded(length).length == digits && agrees(length, entryEnd)) {
          return true;
        }
      }
    }
    return false;
  }

  private boolean agrees(int length, int entryEnd) {
    CRC32C checksum = new CRC32C();
    checksum.update(encoded(length));
    checksum.update(bytes, entryEnd - CHECKSUM_BYTES - length, length);
    return (int) checksum.getValue() == intAt(entryEnd - CHECKSUM_BYTES);
  }

  private static byte[] encoded(int length) {
    byte[] digits = new byte[5];
    int count = 0;
    int rest = length;
    while (rest > 0x7f) {
      digits[count++] = (byte) (rest | 0x80);
      rest >>>= 7;
    }
    digits[count++] = (byte) rest;
    return Arrays.copyOf(digits, count);
  }

  private boolean hasEntryBehind() {
    for (int at = start + 1; at < end; at++) {
      if (isEntry(at)) {
        return true;
      }
    }
    return false;
  }

  private boolean isEntry(int at) {
    Varint length = varint(at);
    int body = at + length.bytes();
    long checksumAt = body + length.value();
    if (length.value() < 2
        || checksumAt + CHECKSUM_BYTES > bytes.length
        || (bytes[body] != TERM_TAG && bytes[body] != INDEX_TAG)) {
      return false;
    }
    CRC32C checksum = new CRC32C();
    checksum.update(bytes, at, (int) checksumAt - at);
    return (int) checksum.getValue() == intAt((int) checksumAt);
  }

  private int intAt(int at) {
    int value = 0;
    for (int i = 0; i < CHECKSUM_BYTES; i++) {
      value = value << 8 | bytes[at + i] & 0xff;
    }
    return value;
  }

  private record Varint(long value, int bytes) {}

  private Varint varint(int at) {
    long value = 0;
    int count = 0;
    while (at + count < bytes.length && count < 5) {
      byte b = bytes[at + count];
      value |= (long) (b & 0x7f) << 7 * count++;
      if (b >= 0) {
        break;
      }
    }
    return new Varint(value, count);
  }
}
