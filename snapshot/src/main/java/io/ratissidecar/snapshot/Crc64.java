package io.ratissidecar.snapshot;

/**
 * The checksum at the end of an RDB: CRC-64 with the polynomial {@code ad93d23594c935a9} ("Jones"),
 * reflected, starting at 0. Eight bytes a step with tables (slicing, Kounavis and Berry, 2005).
 */
final class Crc64 {
  private static final long REFLECTED_POLYNOMIAL = 0x95ac9329ac4bc9b5L;
  private static final long[][] TABLES = tables();

  private Crc64() {}

  private static long[][] tables() {
    long[][] t = new long[8][256];
    for (int i = 0; i < 256; i++) {
      long crc = i;
      for (int bit = 0; bit < 8; bit++) {
        crc = (crc & 1) == 0 ? crc >>> 1 : crc >>> 1 ^ REFLECTED_POLYNOMIAL;
      }
      t[0][i] = crc;
    }
    for (int k = 1; k < 8; k++) {
      for (int i = 0; i < 256; i++) {
        long before = t[k - 1][i];
        t[k][i] = before >>> 8 ^ t[0][(int) before & 0xff];
      }
    }
    return t;
  }

  /** The checksum of what {@code crc} is the checksum of, followed by these bytes. */
  static long update(long crc, byte[] bytes, int from, int length) {
    int at = from;
    int end = from + length;
    long c = crc;
    while (end - at >= 8) {
      c ^= littleEndian(bytes, at);
      c =
          TABLES[7][(int) c & 0xff]
              ^ TABLES[6][(int) (c >>> 8) & 0xff]
              ^ TABLES[5][(int) (c >>> 16) & 0xff]
              ^ TABLES[4][(int) (c >>> 24) & 0xff]
              ^ TABLES[3][(int) (c >>> 32) & 0xff]
              ^ TABLES[2][(int) (c >>> 40) & 0xff]
              ^ TABLES[1][(int) (c >>> 48) & 0xff]
              ^ TABLES[0][(int) (c >>> 56)];
      at += 8;
    }
    while (at < end) {
      c = c >>> 8 ^ TABLES[0][(int) (c ^ bytes[at++]) & 0xff];
    }
    return c;
  }

  /** Eight bytes as an RDB writes numbers. */
  static long littleEndian(byte[] bytes, int at) {
    long value = 0;
    for (int i = 7; i >= 0; i--) {
      value = value << 8 | bytes[at + i] & 0xff;
    }
    return value;
  }

  /** Writes eight bytes as an RDB writes numbers. */
  static void putLittleEndian(byte[] bytes, int at, long value) {
    for (int i = 0; i < 8; i++) {
      bytes[at + i] = (byte) (value >>> 8 * i);
    }
  }
}
