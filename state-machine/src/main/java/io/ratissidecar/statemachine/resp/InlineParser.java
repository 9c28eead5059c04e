package io.ratissidecar.statemachine.resp;

import java.io.ByteArrayOutputStream;
import java.util.ArrayList;
import java.util.List;

/**
 * Splits an inline request with Redis's quoting rules ({@code sdssplitargs}): double quotes with
 * escapes, single quotes with {@code \'} only; a closing quote must end its argument.
 */
final class InlineParser {
  private final byte[] line;
  private final ByteArrayOutputStream current = new ByteArrayOutputStream();
  private int at;

  private InlineParser(byte[] line) {
    this.line = line;
  }

  /** The arguments of a line (without its line end), none for a blank one. */
  static byte[][] split(byte[] line) throws ProtocolException {
    InlineParser parser = new InlineParser(line);
    List<byte[]> args = new ArrayList<>();
    while (parser.skipBlanks()) {
      args.add(parser.argument());
    }
    return args.toArray(new byte[0][]);
  }

  private boolean skipBlanks() {
    while (at < line.length && isSpace(line[at])) {
      at++;
    }
    return at < line.length;
  }

  private byte[] argument() throws ProtocolException {
    current.reset();
    while (at < line.length && !isSpace(line[at])) {
      byte b = line[at++];
      if (b == '"') {
        doubleQuoted();
        break;
      } else if (b == '\'') {
        singleQuoted();
        break;
      }
      current.write(b);
    }
    return current.toByteArray();
  }

  private void doubleQuoted() throws ProtocolException {
    while (at < line.length) {
      byte b = line[at++];
      if (b == '"') {
        endOfQuote();
        return;
      }
      if (b == '\\' && isHexEscape()) {
        current.write(Character.digit(line[at + 1], 16) << 4 | Character.digit(line[at + 2], 16));
        at += 3;
      } else if (b == '\\' && at < line.length) {
        current.write(escaped(line[at++]));
      } else {
        current.write(b);
      }
    }
    throw unbalanced();
  }

  private void singleQuoted() throws ProtocolException {
    while (at < line.length) {
      byte b = line[at++];
      if (b == '\'') {
        endOfQuote();
        return;
      }
      if (b == '\\' && at < line.length && line[at] == '\'') {
        b = line[at++];
      }
      current.write(b);
    }
    throw unbalanced();
  }

  private void endOfQuote() throws ProtocolException {
    if (at < line.length && !isSpace(line[at])) {
      throw unbalanced();
    }
  }

  private boolean isHexEscape() {
    return at + 2 < line.length
        && line[at] == 'x'
        && Character.digit(line[at + 1], 16) >= 0
        && Character.digit(line[at + 2], 16) >= 0;
  }

  private static int escaped(byte b) {
    return switch (b) {
      case 'n' -> '\n';
      case 'r' -> '\r';
      case 't' -> '\t';
      case 'b' -> '\b';
      case 'a' -> 7;
      default -> b;
    };
  }

  private static boolean isSpace(byte b) {
    return b == ' ' || (b >= '\t' && b <= '\r');
  }

  private static ProtocolException unbalanced() {
    return new ProtocolException("unbalanced quotes in request");
  }
}
