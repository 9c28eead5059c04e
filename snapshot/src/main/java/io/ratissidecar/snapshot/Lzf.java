package io.ratissidecar.snapshot;

/** Expands what Redis compresses: the LZF format of LibLZF. */
final class Lzf {
  private static final int LITERALS = 1 << 5;
  private static final int LONG_COPY = 7;

  private Lzf() {}

  /**
   * @param length of the expanded bytes
   * @throws InvalidSnapshotException when the bytes do not expand to exactly that
   */
  static byte[] expand(byte[] in, int length) throws InvalidSnapshotException {
    byte[] out = new byte[length];
    int to = 0;
    int at = 0;
    try {
      while (at < in.length) {
        int control = in[at++] & 0xff;
        if (control < LITERALS) {
          System.arraycopy(in, at, out, to, control + 1);
          at += control + 1;
          to += control + 1;
        } else {
          int count = control >> 5;
          if (count == LONG_COPY) {
            count += in[at++] & 0xff;
          }
          int from = to - ((control & 0x1f) << 8) - (in[at++] & 0xff) - 1;
          // Byte by byte: a copy may overlap what it makes.
          for (int i = 0; i < count + 2; i++) {
            out[to++] = out[from++];
          }
        }
      }
    } catch (IndexOutOfBoundsException e) {
      throw new InvalidSnapshotException("a compressed string of the RDB is damaged");
    }
    if (to != length) {
      throw new InvalidSnapshotException("a compressed string of the RDB is damaged");
    }
    return out;
  }
}
