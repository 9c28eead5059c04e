package io.ratissidecar.cli.importing;

import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;

/** An RDB whose length was told; reads nothing of what follows it. */
final class RdbOfLength extends InputStream {
  private final InputStream in;
  private long left;

  RdbOfLength(InputStream in, long length) {
    this.in = in;
    this.left = length;
  }

  @Override
  public int read() throws IOException {
    byte[] one = new byte[1];
    return read(one, 0, 1) < 0 ? -1 : one[0] & 0xff;
  }

  @Override
  public int read(byte[] bytes, int from, int length) throws IOException {
    if (left == 0) {
      return -1;
    }
    int count = in.read(bytes, from, (int) Math.min(length, left));
    if (count < 0) {
      throw new EOFException("the connection ended within the RDB");
    }
    left -= count;
    return count;
  }
}
