package io.ratissidecar.statemachine.apply;

import java.nio.ByteBuffer;

/** Walks over the RESP commands of a payload. */
public final class PayloadCommands {
  private PayloadCommands() {}

  /**
   * Counts the commands, which is how many replies they will cause.
   *
   * @throws IllegalArgumentException when the bytes are not whole RESP arrays of bulk strings
   */
  public static int count(ByteBuffer payload) {
    ByteBuffer in = payload.duplicate();
    int commands = 0;
    while (in.hasRemaining()) {
      int arguments = number(in, '*');
      for (int i = 0; i < arguments; i++) {
        int length = number(in, '$');
        int end = in.position() + length + 2;
        if (length < 0 || end < 0 || end > in.limit()) {
          throw new IllegalArgumentException("payload ends inside an argument");
        }
        in.position(end);
      }
      commands++;
    }
    return commands;
  }

  private static int number(ByteBuffer in, char marker) {
    if (!in.hasRemaining() || in.get() != marker) {
      throw new IllegalArgumentException(
          "payload: expected '" + marker + "' at " + (in.position() - 1));
    }
    int value = 0;
    while (in.hasRemaining()) {
      byte b = in.get();
      if (b == '\r') {
        in.position(in.position() + 1);
        return value;
      }
      value = value * 10 + (b - '0');
    }
    throw new IllegalArgumentException("payload ends inside a length");
  }
}
