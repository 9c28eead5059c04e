package io.ratissidecar.statemachine.command;

import io.netty.buffer.ByteBuf;
import java.nio.charset.StandardCharsets;
import java.util.Map;

/** A hash table that is asked with a name's bytes, in any case, and allocates nothing for it. */
final class NameIndex<T> {
  private final byte[][] names; // lower case
  private final Object[] values;
  private final int mask;

  NameIndex(Map<String, T> entries) {
    int size = Integer.highestOneBit(Math.max(entries.size(), 1)) << 2; // a quarter to half full
    names = new byte[size][];
    values = new Object[size];
    mask = size - 1;
    entries.forEach(this::add);
  }

  @SuppressWarnings("unchecked") // only add() puts values in
  T find(ByteBuf buffer, int start, int length) {
    int hash = 0;
    for (int i = 0; i < length; i++) {
      hash = mix(hash, lower(buffer.getByte(start + i)));
    }
    int at = spread(hash);
    while (names[at] != null) {
      if (same(names[at], buffer, start, length)) {
        return (T) values[at];
      }
      at = at + 1 & mask;
    }
    return null;
  }

  private void add(String name, T value) {
    byte[] bytes = name.getBytes(StandardCharsets.UTF_8);
    int hash = 0;
    for (byte b : bytes) {
      hash = mix(hash, lower(b));
    }
    int at = spread(hash);
    while (names[at] != null) {
      at = at + 1 & mask;
    }
    names[at] = bytes;
    values[at] = value;
  }

  private static boolean same(byte[] name, ByteBuf buffer, int start, int length) {
    if (name.length != length) {
      return false;
    }
    for (int i = 0; i < length; i++) {
      if (name[i] != lower(buffer.getByte(start + i))) {
        return false;
      }
    }
    return true;
  }

  private int spread(int hash) {
    return (hash ^ hash >>> 15) & mask;
  }

  private static int mix(int hash, byte b) {
    return hash * 31 + b;
  }

  private static byte lower(byte b) {
    return b >= 'A' && b <= 'Z' ? (byte) (b + ('a' - 'A')) : b;
  }
}
