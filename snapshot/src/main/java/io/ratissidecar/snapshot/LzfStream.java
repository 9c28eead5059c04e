package io.ratissidecar.snapshot;

import java.io.IOException;
import java.security.MessageDigest;

/** As {@link Lzf}, for strings of any length: it keeps no more than copies may reach back to. */
final class LzfStream {
  /** A power of two, above the furthest that a copy reaches back. */
  private static final int WINDOW_BYTES = 1 << 14;

  private static final int LITERALS = 1 << 5;
  private static final int LONG_COPY = 7;

  private final RdbInput in;
  private final long end;
  private final long length;
  private final byte[] window = new byte[WINDOW_BYTES];
  private long expanded;
  private MessageDigest digest;

  /**
   * @param end where the compressed bytes end
   * @param length of the expanded bytes
   */
  LzfStream(RdbInput in, long end, long length) {
    this.in = in;
    this.end = end;
    this.length = length;
  }

  /**
   * @throws InvalidSnapshotException when the bytes do not expand to exactly the length
   */
  void digest(MessageDigest target) throws IOException {
    digest = target;
    while (in.offset() < end) {
      int control = in.readByte();
      if (control < LITERALS) {
        for (int i = 0; i <= control; i++) {
          put((byte) in.readByte());
        }
      } else {
        int count = control >> 5;
        if (count == LONG_COPY) {
          count += in.readByte();
        }
        long from = expanded - ((control & 0x1f) << 8) - in.readByte() - 1;
        if (from < 0) {
          throw damaged();
        }
        for (int i = 0; i < count + 2; i++) {
          put(window[(int) (from++ & WINDOW_BYTES - 1)]);
        }
      }
    }
    if (expanded != length || in.offset() != end) {
      throw damaged();
    }
    digest.update(window, 0, (int) (expanded & WINDOW_BYTES - 1));
  }

  private void put(byte b) {
    window[(int) (expanded++ & WINDOW_BYTES - 1)] = b;
    if ((expanded & WINDOW_BYTES - 1) == 0) {
      digest.update(window);
    }
  }

  private static InvalidSnapshotException damaged() {
    return new InvalidSnapshotException("a compressed string of the RDB is damaged");
  }
}
