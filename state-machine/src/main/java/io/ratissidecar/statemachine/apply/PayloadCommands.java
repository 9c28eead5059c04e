package io.ratissidecar.statemachine.apply;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Locale;
import java.util.function.ObjIntConsumer;

/** Walks over the RESP commands of a payload. */
public final class PayloadCommands {
  /** A payload is shorter than a gigabyte. */
  private static final int MAX_DIGITS = 9;

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
      skip(in);
      commands++;
    }
    return commands;
  }

  /** The database that the command at the position selects; -1 when it is no {@code SELECT}. */
  static int selectedBy(ByteBuffer payload) {
    ByteBuffer in = payload.duplicate();
    if (number(in, '*') != 2 || !text(in).equalsIgnoreCase("SELECT")) {
      return -1;
    }
    return Integer.parseInt(text(in));
  }

  /** Whether the command at the position calls a script or a function. */
  static boolean callsScript(ByteBuffer payload) {
    ByteBuffer in = payload.duplicate();
    number(in, '*');
    String name = text(in).toUpperCase(Locale.ROOT);
    return name.startsWith("EVALSHA") || name.startsWith("FCALL");
  }

  /** Whether the command at the position is a conditional delete, which alone is logged so. */
  static boolean isConditionalDelete(ByteBuffer payload) {
    ByteBuffer in = payload.duplicate();
    number(in, '*');
    return text(in).equals("EVAL");
  }

  /** Whether a command from the position on calls a script or a function. */
  public static boolean callsAnyScript(ByteBuffer payload) {
    ByteBuffer in = payload.duplicate();
    while (in.hasRemaining()) {
      if (callsScript(in)) {
        return true;
      }
      skip(in);
    }
    return false;
  }

  /** Whether the command at the position ends a transaction and executes it. */
  static boolean isExec(ByteBuffer payload) {
    return isWord(payload, "EXEC");
  }

  private static boolean isWord(ByteBuffer payload, String word) {
    ByteBuffer in = payload.duplicate();
    return number(in, '*') == 1 && text(in).equalsIgnoreCase(word);
  }

  /**
   * Shows each command with its place in the payload, but not those that a transaction queues: the
   * replies at their places do not tell what they did.
   */
  public static void forEachOutsideTransactions(
      ByteBuffer payload, ObjIntConsumer<ByteBuffer> visitor) {
    ByteBuffer in = payload.duplicate();
    boolean inBlock = false;
    for (int place = 0; in.hasRemaining(); place++) {
      ByteBuffer command = in.duplicate();
      skip(in);
      inBlock = inBlock ? !isExec(command) : isWord(command, "MULTI");
      if (!inBlock) {
        visitor.accept(command.limit(in.position()), place);
      }
    }
  }

  /** The last argument of the last command. */
  public static String lastArgument(ByteBuffer payload) {
    ByteBuffer in = payload.duplicate();
    String last = "";
    while (in.hasRemaining()) {
      for (int left = number(in, '*'); left > 0; left--) {
        last = text(in);
      }
    }
    return last;
  }

  /** Moves the position behind the next command. */
  static void skip(ByteBuffer in) {
    int arguments = number(in, '*');
    if (arguments == 0) {
      throw new IllegalArgumentException("payload: a command without a name");
    }
    for (int i = 0; i < arguments; i++) {
      skipArgument(in);
    }
  }

  /** Goes behind the next argument and returns its length. */
  private static int skipArgument(ByteBuffer in) {
    int length = number(in, '$');
    int end = in.position() + length + 2;
    if (length < 0 || end < 0 || end > in.limit()) {
      throw new IllegalArgumentException("payload ends inside an argument");
    }
    if (in.get(end - 2) != '\r' || in.get(end - 1) != '\n') {
      throw new IllegalArgumentException("payload: no end of line behind an argument");
    }
    in.position(end);
    return length;
  }

  private static String text(ByteBuffer in) {
    int length = skipArgument(in);
    ByteBuffer bytes = in.slice(in.position() - 2 - length, length);
    return StandardCharsets.ISO_8859_1.decode(bytes).toString();
  }

  private static int number(ByteBuffer in, char marker) {
    if (!in.hasRemaining() || in.get() != marker) {
      throw new IllegalArgumentException(
          "payload: expected '" + marker + "' at " + (in.position() - 1));
    }
    int value = 0;
    int digits = 0;
    while (in.hasRemaining()) {
      byte b = in.get();
      if (b == '\r' && digits > 0 && in.hasRemaining() && in.get() == '\n') {
        return value;
      }
      if (b < '0' || b > '9' || ++digits > MAX_DIGITS) {
        throw new IllegalArgumentException(
            "payload: a length that is no number at " + (in.position() - 1));
      }
      value = value * 10 + (b - '0');
    }
    throw new IllegalArgumentException("payload ends inside a length");
  }
}
