package io.ratissidecar.snapshot;

import java.io.BufferedOutputStream;
import java.io.FilterOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;

/**
 * The primitives of an RDB, written one after the other. Keeps the checksum of all that was
 * written. For one thread.
 */
final class RdbOutput extends FilterOutputStream {
  private static final int BUFFER_BYTES = 1 << 18;
  private static final int STRING = 0;

  private long crc;

  /**
   * @param target is not closed
   */
  RdbOutput(OutputStream target) {
    super(new BufferedOutputStream(target, BUFFER_BYTES));
  }

  @Override
  public void write(int b) throws IOException {
    write(new byte[] {(byte) b}, 0, 1);
  }

  @Override
  public void write(byte[] bytes, int from, int length) throws IOException {
    crc = Crc64.update(crc, bytes, from, length);
    out.write(bytes, from, length);
  }

  /** The keys that follow are in this database. */
  void select(int database) throws IOException {
    write(RdbScanner.SELECT);
    length(database);
  }

  /** The key that follows expires then, in milliseconds since 1970. */
  void deadline(long millis) throws IOException {
    write(RdbScanner.EXPIRE_MILLIS);
    number(millis);
  }

  /** Eight bytes, the lowest first. */
  void number(long value) throws IOException {
    byte[] bytes = new byte[Long.BYTES];
    for (int i = 0; i < Long.BYTES; i++) {
      bytes[i] = (byte) (value >>> 8 * i);
    }
    write(bytes, 0, bytes.length);
  }

  /** A key that holds a string and does not expire. */
  void string(String key, String value) throws IOException {
    write(STRING);
    text(key);
    text(value);
  }

  /** A function library. */
  void function(byte[] code) throws IOException {
    write(RdbScanner.FUNCTION);
    string(code);
  }

  private void text(String text) throws IOException {
    string(text.getBytes(StandardCharsets.UTF_8));
  }

  private void string(byte[] bytes) throws IOException {
    length(bytes.length);
    write(bytes);
  }

  private void length(int length) throws IOException {
    if (length < 1 << 6) {
      write(length);
    } else {
      write(0x80); // four bytes follow, the highest first
      for (int shift = 24; shift >= 0; shift -= 8) {
        write(length >>> shift);
      }
    }
  }

  /** The checksum of all that was written. */
  void checksum() throws IOException {
    byte[] sum = new byte[Long.BYTES];
    Crc64.putLittleEndian(sum, 0, crc);
    out.write(sum, 0, sum.length);
  }

  /** The end of the RDB; nothing may follow. */
  void end(int version) throws IOException {
    write(RdbScanner.END);
    if (version >= RdbScanner.FIRST_WITH_CHECKSUM) {
      checksum();
    }
    flush();
  }
}
