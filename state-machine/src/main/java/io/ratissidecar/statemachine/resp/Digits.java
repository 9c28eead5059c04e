package io.ratissidecar.statemachine.resp;

import io.netty.buffer.ByteBuf;

/** Decimal numbers in a buffer, both ways, without an allocation. */
final class Digits {
  /** What {@link #parse} returns for text that is no number. */
  static final long NOT_A_NUMBER = Long.MIN_VALUE;

  private static final int LONGEST = 20;

  private Digits() {}

  /**
   * Reads a number as strictly as Redis's {@code string2ll}: no plus sign, no leading zeros, no
   * spaces. Long.MIN_VALUE itself counts as no number; nobody has a use for it.
   */
  static long parse(ByteBuf in, int start, int length) {
    if (length == 0 || length > LONGEST) {
      return NOT_A_NUMBER;
    }
    int at = start;
    int end = start + length;
    boolean negative = in.getByte(at) == '-';
    if (negative) {
      at++;
    }
    if (at == end) {
      return NOT_A_NUMBER;
    }
    if (in.getByte(at) == '0') {
      return length == 1 ? 0 : NOT_A_NUMBER;
    }
    long value = 0; // counted downwards: the negative range is the longer one
    for (; at < end; at++) {
      int digit = in.getByte(at) - '0';
      if (digit < 0 || digit > 9 || value < Long.MIN_VALUE / 10) {
        return NOT_A_NUMBER;
      }
      value = value * 10 - digit;
      if (value > 0) {
        return NOT_A_NUMBER;
      }
    }
    if (negative) {
      return value;
    }
    return value == Long.MIN_VALUE ? NOT_A_NUMBER : -value;
  }

  /** Appends the number in decimal. */
  static void write(ByteBuf out, long value) {
    if (value >= 0 && value < 10) {
      out.writeByte('0' + (int) value);
      return;
    }
    long rest = value > 0 ? -value : value;
    int digits = count(rest);
    int length = digits + (value < 0 ? 1 : 0);
    out.ensureWritable(length);
    int start = out.writerIndex();
    int at = start + length;
    for (int i = 0; i < digits; i++) {
      out.setByte(--at, '0' - (int) (rest % 10));
      rest /= 10;
    }
    if (value < 0) {
      out.setByte(start, '-');
    }
    out.writerIndex(start + length);
  }

  private static int count(long negative) {
    int digits = 1;
    for (long rest = negative / 10; rest != 0; rest /= 10) {
      digits++;
    }
    return digits;
  }
}
