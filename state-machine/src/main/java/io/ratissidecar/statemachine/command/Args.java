package io.ratissidecar.statemachine.command;

import io.ratissidecar.statemachine.resp.Request;
import java.nio.charset.StandardCharsets;

/** Helpers of the argument rules. */
final class Args {
  static final Plan SYNTAX_ERROR = new Plan.Refused("ERR syntax error");

  private Args() {}

  /** Copies of the arguments from the command's name on, with room for {@code more} behind. */
  static byte[][] copy(Request r, int name, int more) {
    int count = r.argCount() - name;
    byte[][] args = new byte[count + more][];
    for (int i = 0; i < count; i++) {
      args[i] = r.arg(name + i);
    }
    return args;
  }

  static byte[] ascii(String text) {
    return text.getBytes(StandardCharsets.US_ASCII);
  }

  static String text(byte[] ascii) {
    return new String(ascii, StandardCharsets.US_ASCII);
  }

  static byte[] decimal(long value) {
    return ascii(Long.toString(value));
  }

  /** Whether argument {@code i} is one of these words in any case. */
  static boolean isAny(Request r, int i, String... upperCase) {
    for (String word : upperCase) {
      if (r.argIs(i, word)) {
        return true;
      }
    }
    return false;
  }
}
