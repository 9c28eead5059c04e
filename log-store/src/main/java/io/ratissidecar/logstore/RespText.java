package io.ratissidecar.logstore;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;

/** RESP commands in the form that redis-cli prints. */
final class RespText {
  private RespText() {}

  /** One string per command; what is no command is quoted as a whole. */
  static List<String> commands(ByteBuffer payload) {
    List<String> commands = new ArrayList<>();
    while (payload.hasRemaining()) {
      int start = payload.position();
      StringBuilder line = new StringBuilder();
      if (!command(payload, line)) {
        payload.position(start);
        line.setLength(0);
        line.append("(not a command) ");
        quote(payload, payload.remaining(), line);
      }
      commands.add(line.toString());
    }
    return commands;
  }

  private static boolean command(ByteBuffer in, StringBuilder line) {
    int words = number(in, '*');
    for (int i = 0; i < words; i++) {
      int length = number(in, '$');
      if (length < 0 || length > in.remaining() - 2) {
        return false;
      }
      if (i == 0) {
        word(in, length, line);
      } else {
        line.append(' ');
        quote(in, length, line);
      }
      if (in.get() != '\r' || in.get() != '\n') {
        return false;
      }
    }
    return words > 0;
  }

  /** The number behind this sign, up to the end of the line; -1 when there is none. */
  private static int number(ByteBuffer in, char sign) {
    if (!in.hasRemaining() || in.get() != sign) {
      return -1;
    }
    long value = -1;
    while (in.hasRemaining()) {
      byte b = in.get();
      if (b == '\r') {
        return in.hasRemaining() && in.get() == '\n' ? (int) value : -1;
      }
      if (b < '0' || b > '9' || value > Integer.MAX_VALUE / 10 - 1) {
        return -1;
      }
      value = Math.max(value, 0) * 10 + b - '0';
    }
    return -1;
  }

  /** A command's name needs quotes only if it is odd. */
  private static void word(ByteBuffer in, int length, StringBuilder line) {
    boolean plain = length > 0;
    for (int i = 0; i < length; i++) {
      byte b = in.get(in.position() + i);
      plain &= b > ' ' && b < 127 && b != '"' && b != '\\';
    }
    if (!plain) {
      quote(in, length, line);
      return;
    }
    for (int i = 0; i < length; i++) {
      line.append((char) in.get());
    }
  }

  private static void quote(ByteBuffer in, int length, StringBuilder line) {
    line.append('"');
    for (int i = 0; i < length; i++) {
      byte b = in.get();
      switch (b) {
        case '"', '\\' -> line.append('\\').append((char) b);
        case '\n' -> line.append("\\n");
        case '\r' -> line.append("\\r");
        case '\t' -> line.append("\\t");
        default -> {
          if (b >= ' ' && b < 127) {
            line.append((char) b);
          } else {
            line.append(String.format("\\x%02x", b & 0xff));
          }
        }
      }
    }
    line.append('"');
  }
}
