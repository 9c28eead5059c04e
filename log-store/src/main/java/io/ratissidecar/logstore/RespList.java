package io.ratissidecar.logstore;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.zip.CRC32C;

/**
 * A short list of strings as a RESP array, whose last element is the CRC32C of every byte before
 * its digits: the form of the segment header and of the small files beside the segments.
 */
record RespList(List<String> values) {
  private static final int TRAILER = 4 + 8 + 2;
  private static final int PADDING_OVERHEAD = 8;

  RespList {
    values = List.copyOf(values);
  }

  byte[] toBytes() {
    return encode(values);
  }

  /** As {@link #toBytes}, with a padding element of 100 to 999 spaces that makes up the length. */
  byte[] toBytesOfLength(int length) {
    int missing = length - encode(values).length - PADDING_OVERHEAD;
    List<String> padded = new ArrayList<>(values);
    padded.add(" ".repeat(missing));
    byte[] bytes = encode(padded);
    if (bytes.length != length) {
      throw new IllegalStateException("header of " + bytes.length + " bytes");
    }
    return bytes;
  }

  /** The list without its checksum, or null when these bytes are not one whole valid list. */
  static RespList parse(ByteBuffer bytes) {
    int end = bytes.limit();
    if (end < TRAILER) {
      return null;
    }
    CRC32C crc = new CRC32C();
    crc.update(bytes.duplicate().position(0).limit(end - 10));
    if ((int) crc.getValue() != (int) Digits.hex(bytes, end - 10, 8)) {
      return null;
    }
    int[] at = {0};
    long count = number(bytes, at, '*');
    List<String> values = new ArrayList<>();
    for (long i = 0; i < count - 1; i++) {
      long length = number(bytes, at, '$');
      if (length < 0 || at[0] + length + 2 > end) {
        return null;
      }
      byte[] value = new byte[(int) length];
      bytes.get(at[0], value);
      at[0] += (int) length + 2;
      values.add(new String(value, UTF_8));
    }
    return count > 0 ? new RespList(values) : null;
  }

  private static long number(ByteBuffer bytes, int[] at, char sign) {
    int i = at[0];
    if (i >= bytes.limit() || bytes.get(i++) != sign) {
      return -1;
    }
    long value = 0;
    while (i < bytes.limit() && bytes.get(i) >= '0' && bytes.get(i) <= '9') {
      value = Math.min(value * 10 + bytes.get(i++) - '0', Integer.MAX_VALUE);
    }
    at[0] = i + 2;
    return value;
  }

  private static byte[] encode(List<String> values) {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    out.writeBytes(("*" + (values.size() + 1) + "\r\n").getBytes(UTF_8));
    for (String value : values) {
      byte[] bytes = value.getBytes(UTF_8);
      out.writeBytes(("$" + bytes.length + "\r\n").getBytes(UTF_8));
      out.writeBytes(bytes);
      out.writeBytes("\r\n".getBytes(UTF_8));
    }
    out.writeBytes("$8\r\n".getBytes(UTF_8));
    CRC32C crc = new CRC32C();
    crc.update(out.toByteArray());
    out.writeBytes(String.format("%08x\r\n", crc.getValue()).getBytes(UTF_8));
    return out.toByteArray();
  }
}
