package io.ratissidecar.statemachine.resp;

import io.netty.buffer.ByteBuf;
import java.math.BigInteger;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/** Builds a {@link RespValue} from the bytes of one frame. */
final class ReplyParser {
  /** Redis's replies nest a few levels; the bound keeps garbage from overflowing the stack. */
  private static final int DEEPEST = 128;

  private final ByteBuf in;

  ReplyParser(ByteBuf in) {
    this.in = in;
  }

  RespValue value(int depth) {
    if (depth > DEEPEST) {
      throw new MalformedReplyException("reply nested deeper than " + DEEPEST);
    }
    if (!in.isReadable()) {
      throw new MalformedReplyException("reply cut short");
    }
    byte type = in.readByte();
    return switch (type) {
      case '+' -> new RespValue.Simple(line());
      case '-' -> new RespValue.Error(line());
      case ':' -> new RespValue.Int(integer());
      case '$' -> bulk();
      case '!' -> new RespValue.Error(text());
      case '=' -> verbatim();
      case '_' -> nothing();
      case ',' -> new RespValue.Double(floating());
      case '#' -> new RespValue.Bool(bool());
      case '(' -> new RespValue.BigNumber(big());
      case '*' -> array(depth);
      case '~' -> new RespValue.Set(elements(length(), depth));
      case '>' -> new RespValue.Push(elements(length(), depth));
      case '%' -> new RespValue.Map(elements(2 * length(), depth));
      case '|' -> {
        elements(2 * length(), depth);
        yield value(depth + 1);
      }
      default ->
          throw new MalformedReplyException("unknown reply type 0x" + Integer.toHexString(type));
    };
  }

  private RespValue bulk() {
    byte[] bytes = bytes();
    return bytes == null ? new RespValue.Null() : new RespValue.Bulk(bytes);
  }

  private RespValue array(int depth) {
    long length = length();
    return length < 0 ? new RespValue.Null() : new RespValue.Array(elements(length, depth));
  }

  private RespValue verbatim() {
    String text = text();
    if (text.length() < 4 || text.charAt(3) != ':') {
      throw new MalformedReplyException("verbatim string without a format");
    }
    return new RespValue.Verbatim(text.substring(0, 3), text.substring(4));
  }

  private RespValue nothing() {
    line();
    return new RespValue.Null();
  }

  private List<RespValue> elements(long count, int depth) {
    List<RespValue> elements = new ArrayList<>(); // not sized by what garbage may announce
    for (long i = 0; i < count; i++) {
      elements.add(value(depth + 1));
    }
    return elements;
  }

  private String text() {
    byte[] bytes = bytes();
    if (bytes == null) {
      throw new MalformedReplyException("null where RESP3 has none");
    }
    return new String(bytes, StandardCharsets.UTF_8);
  }

  /** A string with its length in front; null for {@code $-1}. */
  private byte[] bytes() {
    long length = length();
    if (length < 0) {
      return null;
    }
    if (in.readableBytes() < length + 2) {
      throw new MalformedReplyException("reply cut short");
    }
    byte[] bytes = new byte[(int) length];
    in.readBytes(bytes).skipBytes(2);
    return bytes;
  }

  private long length() {
    long length = integer();
    if (length < -1 || length > Integer.MAX_VALUE) {
      throw new MalformedReplyException("bad length in a reply");
    }
    return length;
  }

  private long integer() {
    String line = line();
    try {
      return Long.parseLong(line);
    } catch (NumberFormatException e) {
      throw new MalformedReplyException("not an integer: " + line);
    }
  }

  private double floating() {
    String line = line();
    return switch (line) {
      case "inf" -> Double.POSITIVE_INFINITY;
      case "-inf" -> Double.NEGATIVE_INFINITY;
      case "nan", "-nan" -> Double.NaN;
      default -> {
        try {
          yield Double.parseDouble(line);
        } catch (NumberFormatException e) {
          throw new MalformedReplyException("not a number: " + line);
        }
      }
    };
  }

  private BigInteger big() {
    String line = line();
    try {
      return new BigInteger(line);
    } catch (NumberFormatException e) {
      throw new MalformedReplyException("not an integer: " + line);
    }
  }

  private boolean bool() {
    return switch (line()) {
      case "t" -> true;
      case "f" -> false;
      default -> throw new MalformedReplyException("not a boolean");
    };
  }

  private String line() {
    int length = in.bytesBefore((byte) '\r');
    if (length < 0 || in.readableBytes() < length + 2) {
      throw new MalformedReplyException("reply cut short");
    }
    String line = in.toString(in.readerIndex(), length, StandardCharsets.UTF_8);
    in.skipBytes(length + 2);
    return line;
  }
}
