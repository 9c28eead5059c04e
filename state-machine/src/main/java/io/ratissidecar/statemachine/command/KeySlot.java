package io.ratissidecar.statemachine.command;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;

/** Redis Cluster's hash slot of a key. */
public final class KeySlot {
  /** The number of slots. */
  public static final int SLOTS = 16384;

  private static final int POLYNOMIAL = 0x1021; // CRC16/XMODEM
  private static final char[] TABLE = table();

  private KeySlot() {}

  /** The slot of a key. */
  public static int of(byte[] key) {
    return of(Unpooled.wrappedBuffer(key), 0, key.length);
  }

  /** The slot of a key in a buffer; of a hash tag in it ({@code {…}}) if there is one. */
  public static int of(ByteBuf buffer, int start, int length) {
    int end = start + length;
    int open = buffer.indexOf(start, end, (byte) '{');
    if (open >= 0) {
      int close = buffer.indexOf(open + 1, end, (byte) '}');
      if (close > open + 1) {
        return crc(buffer, open + 1, close) % SLOTS;
      }
    }
    return crc(buffer, start, end) % SLOTS;
  }

  private static int crc(ByteBuf buffer, int start, int end) {
    int crc = 0;
    for (int i = start; i < end; i++) {
      crc = (crc << 8 & 0xFFFF) ^ TABLE[crc >>> 8 ^ buffer.getUnsignedByte(i)];
    }
    return crc;
  }

  private static char[] table() {
    char[] table = new char[256];
    for (int i = 0; i < table.length; i++) {
      int crc = i << 8;
      for (int bit = 0; bit < 8; bit++) {
        crc = (crc & 0x8000) != 0 ? crc << 1 ^ POLYNOMIAL : crc << 1;
      }
      table[i] = (char) crc;
    }
    return table;
  }
}
