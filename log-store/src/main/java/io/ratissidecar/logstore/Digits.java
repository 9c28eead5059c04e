package io.ratissidecar.logstore;

import java.nio.ByteBuffer;

/** Fixed-width numbers in ASCII. Readers expect bytes that a checksum has already vouched for. */
final class Digits {
  private static final byte[] HEX = {
    '0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'a', 'b', 'c', 'd', 'e', 'f'
  };

  private Digits() {}

  /** Writes {@code value} with leading zeros; a minus sign takes the first place. */
  static void putDecimal(byte[] to, int at, int width, long value) {
    long rest = value;
    for (int i = at + width - 1; i >= at; i--) {
      to[i] = (byte) ('0' + Math.abs(rest % 10));
      rest /= 10;
    }
    if (value < 0) {
      to[at] = '-';
    }
  }

  static long decimal(ByteBuffer from, int at, int width) {
    long value = 0;
    boolean negative = from.get(at) == '-';
    for (int i = at + (negative ? 1 : 0); i < at + width; i++) {
      value = value * 10 - (from.get(i) - '0'); // downwards, so that the lowest long fits
    }
    return negative ? value : -value;
  }

  static void putHex(byte[] to, int at, int width, long value) {
    long rest = value;
    for (int i = at + width - 1; i >= at; i--) {
      to[i] = HEX[(int) (rest & 15)];
      rest >>>= 4;
    }
  }

  static long hex(ByteBuffer from, int at, int width) {
    long value = 0;
    for (int i = at; i < at + width; i++) {
      value = value << 4 | (Character.digit(from.get(i), 16) & 15);
    }
    return value;
  }
}
