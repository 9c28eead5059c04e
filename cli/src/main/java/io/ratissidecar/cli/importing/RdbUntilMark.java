package io.ratissidecar.cli.importing;

import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.util.Arrays;

/**
 * An RDB that ends with a mark, which Redis chose at random before it knew the length. Redis sends
 * nothing behind the mark until it hears that the replica has seen it, so that the mark is found
 * whenever the last bytes that came are it.
 */
final class RdbUntilMark extends InputStream {
  private static final int BUFFER_BYTES = 1 << 16;

  private final InputStream in;
  private final byte[] mark;
  private final byte[] buffer = new byte[BUFFER_BYTES];
  private int from;
  private int to;
  private boolean ended;

  RdbUntilMark(InputStream in, byte[] mark) {
    this.in = in;
    this.mark = mark.clone();
  }

  @Override
  public int read() throws IOException {
    byte[] one = new byte[1];
    return read(one, 0, 1) < 0 ? -1 : one[0] & 0xff;
  }

  @Override
  public int read(byte[] bytes, int offset, int length) throws IOException {
    while (!ended && to - from <= mark.length) {
      receive();
    }
    if (from == to) {
      return -1;
    }
    int certain = to - from - (ended ? 0 : mark.length); // the rest may be the mark
    int count = Math.min(length, certain);
    System.arraycopy(buffer, from, bytes, offset, count);
    from += count;
    return count;
  }

  private void receive() throws IOException {
    System.arraycopy(buffer, from, buffer, 0, to - from);
    to -= from;
    from = 0;
    int count = in.read(buffer, to, buffer.length - to);
    if (count < 0) {
      throw new EOFException("the connection ended within the RDB");
    }
    to += count;
    ended = to >= mark.length && Arrays.equals(buffer, to - mark.length, to, mark, 0, mark.length);
    if (ended) {
      to -= mark.length;
    }
  }
}
