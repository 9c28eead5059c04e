package io.ratissidecar.statemachine.resp;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufUtil;
import java.nio.charset.StandardCharsets;

/**
 * Encoders for RESP2 and RESP3. Stateless, for any thread; each appends at the writerIndex.
 *
 * <p>Where a {@code protocol} is asked for, it is the client's: 2 or 3. Text goes out as UTF-8.
 */
public final class Resp {
  private static final byte[] OK = ascii("+OK\r\n");
  private static final byte[] PONG = ascii("+PONG\r\n");
  private static final byte[] QUEUED = ascii("+QUEUED\r\n");
  private static final byte[] NULL_2 = ascii("$-1\r\n");
  private static final byte[] NULL_3 = ascii("_\r\n");
  private static final byte[] NULL_ARRAY_2 = ascii("*-1\r\n");
  private static final int CRLF = '\r' << 8 | '\n';

  private Resp() {}

  /** {@code +OK}. */
  public static void writeOk(ByteBuf out) {
    out.writeBytes(OK);
  }

  /** {@code +PONG}. */
  public static void writePong(ByteBuf out) {
    out.writeBytes(PONG);
  }

  /** {@code +QUEUED}. */
  public static void writeQueued(ByteBuf out) {
    out.writeBytes(QUEUED);
  }

  /** The header of an array; its elements follow. */
  public static void writeArrayHeader(ByteBuf out, int elements) {
    header(out, '*', elements);
  }

  /** The header of a map; twice as many values follow. In RESP2 an array of them. */
  public static void writeMapHeader(ByteBuf out, int pairs, int protocol) {
    if (protocol >= 3) {
      header(out, '%', pairs);
    } else {
      header(out, '*', 2L * pairs);
    }
  }

  /** The header of a set; in RESP2 an array. */
  public static void writeSetHeader(ByteBuf out, int elements, int protocol) {
    header(out, protocol >= 3 ? '~' : '*', elements);
  }

  /** A bulk string. */
  public static void writeBulk(ByteBuf out, byte[] bytes) {
    header(out, '$', bytes.length);
    out.writeBytes(bytes);
    out.writeShort(CRLF);
  }

  /** A bulk string of text. */
  public static void writeBulk(ByteBuf out, String text) {
    header(out, '$', ByteBufUtil.utf8Bytes(text));
    ByteBufUtil.writeUtf8(out, text);
    out.writeShort(CRLF);
  }

  /** A bulk string of the readable bytes, whose readerIndex stays. */
  public static void writeBulk(ByteBuf out, ByteBuf bytes) {
    writeBulk(out, bytes, bytes.readerIndex(), bytes.readableBytes());
  }

  /** A bulk string of a part of a buffer. */
  public static void writeBulk(ByteBuf out, ByteBuf bytes, int index, int length) {
    header(out, '$', length);
    out.writeBytes(bytes, index, length);
    out.writeShort(CRLF);
  }

  /** A simple string; line breaks in it become spaces. */
  public static void writeSimple(ByteBuf out, String text) {
    line(out, '+', text);
  }

  /**
   * An error reply; line breaks in it become spaces.
   *
   * @param error with its code in front, without the dash: {@code ERR no such key}
   */
  public static void writeError(ByteBuf out, String error) {
    line(out, '-', error);
  }

  /** An integer. */
  public static void writeInteger(ByteBuf out, long value) {
    header(out, ':', value);
  }

  /** The null of a missing string. */
  public static void writeNull(ByteBuf out, int protocol) {
    out.writeBytes(protocol >= 3 ? NULL_3 : NULL_2);
  }

  /** The null of a missing array, such as the replies of a transaction that was not executed. */
  public static void writeNullArray(ByteBuf out, int protocol) {
    out.writeBytes(protocol >= 3 ? NULL_3 : NULL_ARRAY_2);
  }

  /** True for a reply that is a null of either protocol. */
  public static boolean isNull(ByteBuf reply) {
    int start = reply.readerIndex();
    byte type = reply.getByte(start);
    return type == '_' || ((type == '*' || type == '$') && reply.getByte(start + 1) == '-');
  }

  /** A command: an array of bulk strings. */
  public static void command(ByteBuf out, String... args) {
    writeArrayHeader(out, args.length);
    for (String arg : args) {
      writeBulk(out, arg);
    }
  }

  /** A command: an array of bulk strings. */
  public static void command(ByteBuf out, byte[]... args) {
    writeArrayHeader(out, args.length);
    for (byte[] arg : args) {
      writeBulk(out, arg);
    }
  }

  private static void header(ByteBuf out, char type, long number) {
    out.writeByte(type);
    Digits.write(out, number);
    out.writeShort(CRLF);
  }

  private static void line(ByteBuf out, char type, String text) {
    boolean clean = text.indexOf('\r') < 0 && text.indexOf('\n') < 0;
    out.writeByte(type);
    ByteBufUtil.writeUtf8(out, clean ? text : text.replace('\r', ' ').replace('\n', ' '));
    out.writeShort(CRLF);
  }

  private static byte[] ascii(String text) {
    return text.getBytes(StandardCharsets.US_ASCII);
  }
}
