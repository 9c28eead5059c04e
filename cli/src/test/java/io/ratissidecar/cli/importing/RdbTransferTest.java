package io.ratissidecar.cli.importing;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.io.ByteArrayInputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** Both ways in which a source sends an RDB. */
class RdbTransferTest {
  private static final byte[] MARK = "0123456789abcdef0123456789abcdef01234567".getBytes(US_ASCII);

  /** Gives at most so many bytes at once, as a socket does. */
  private static InputStream inPieces(byte[] bytes, int most) {
    return new ByteArrayInputStream(bytes) {
      @Override
      public synchronized int read(byte[] b, int from, int length) {
        return super.read(b, from, Math.min(length, most));
      }
    };
  }

  private static byte[] noise(int length) {
    byte[] noise = new byte[length];
    new Random(length).nextBytes(noise);
    return noise;
  }

  private static byte[] joined(byte[] a, byte[] b) {
    byte[] all = java.util.Arrays.copyOf(a, a.length + b.length);
    System.arraycopy(b, 0, all, a.length, b.length);
    return all;
  }

  @Test
  void when_it_ends_with_a_mark_then_all_before_the_mark_is_read() throws IOException {
    for (int length : new int[] {0, 1, 39, 40, 41, 1000, 200_000}) {
      for (int piece : new int[] {1, 7, 40, 41, 4096, 1 << 20}) {
        byte[] rdb = noise(length);
        byte[] sent = joined(rdb, MARK);
        assertArrayEquals(
            rdb, new RdbUntilMark(inPieces(sent, piece), MARK).readAllBytes(), "" + piece);
      }
    }
  }

  @Test
  void when_the_mark_is_cut_then_the_connection_ended_too_early() {
    InputStream in = new ByteArrayInputStream(joined(noise(100), new byte[] {'0', '1'}));
    assertThrows(EOFException.class, () -> new RdbUntilMark(in, MARK).readAllBytes());
  }

  @Test
  void when_its_length_was_told_then_what_follows_stays_unread() throws IOException {
    byte[] rdb = noise(5000);
    InputStream in = inPieces(joined(rdb, "*1".getBytes(US_ASCII)), 999);
    assertArrayEquals(rdb, new RdbOfLength(in, rdb.length).readAllBytes());
    assertEquals('*', in.read());
    InputStream tooShort = new ByteArrayInputStream(rdb);
    assertThrows(
        EOFException.class, () -> new RdbOfLength(tooShort, rdb.length + 1).readAllBytes());
  }
}
