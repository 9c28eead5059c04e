package io.ratissidecar.sidecar.session;

import io.netty.buffer.ByteBuf;
import io.ratissidecar.statemachine.command.LogicalTime;
import io.ratissidecar.statemachine.resp.Request;
import io.ratissidecar.statemachine.resp.Resp;
import java.nio.charset.StandardCharsets;
import java.util.Set;

/**
 * Gives {@code XINFO STREAM key FULL} the times at which consumers got their pending entries, which
 * Redis keeps earlier ({@link LogicalTime#DELIVERED_EARLIER_MILLIS}).
 */
final class DeliveryTimes {
  /** What stands before a list of pending entries, of a group or a consumer; and nothing else. */
  private static final Set<String> LISTS = Set.of("pel", "pending");

  private final ByteBuf in;
  private final ByteBuf out;
  private final long nowMillis;
  private int at;

  private DeliveryTimes(ByteBuf in, ByteBuf out, long nowMillis) {
    this.in = in;
    this.out = out;
    this.nowMillis = nowMillis;
    this.at = in.readerIndex();
  }

  /** Whether they are in the reply to this command. */
  static boolean areIn(Request request, int name) {
    return request.argCount() > name + 3
        && request.argIs(name, "XINFO")
        && request.argIs(name + 1, "STREAM")
        && request.argIs(name + 3, "FULL");
  }

  /**
   * Copies a reply.
   *
   * @param nowMillis about now
   */
  static void write(ByteBuf reply, ByteBuf out, long nowMillis) {
    new DeliveryTimes(reply, out, nowMillis).value();
  }

  private void value() {
    String before = null;
    for (int left = head(); left > 0; left--) {
      if (isAggregate() && before != null && LISTS.contains(before)) {
        pendingEntries();
        before = null;
      } else {
        before = isAggregate() ? null : text();
        value();
      }
    }
  }

  private void pendingEntries() {
    for (int entries = head(); entries > 0; entries--) {
      // ID, perhaps the consumer, time, count: the time is the first number.
      boolean told = false;
      for (int left = head(); left > 0; left--) {
        if (in.getByte(at) == ':' && !told) {
          told = true;
          long stored = Long.parseLong(line());
          Resp.writeInteger(out, LogicalTime.deliveredFromRedis(stored, nowMillis));
          at = endOfLine();
        } else {
          value();
        }
      }
    }
  }

  /** Copies a value, but of an array or a map only its length; returns how many values follow. */
  private int head() {
    int begin = at;
    byte type = in.getByte(at);
    String line = line();
    at = endOfLine();
    if (type == '$' || type == '=') {
      int length = Integer.parseInt(line);
      at += length < 0 ? 0 : length + 2;
    }
    out.writeBytes(in, begin, at - begin);
    return switch (type) {
      case '*', '~' -> Integer.parseInt(line);
      case '%' -> 2 * Integer.parseInt(line);
      default -> 0;
    };
  }

  private boolean isAggregate() {
    byte type = in.getByte(at);
    return type == '*' || type == '~' || type == '%';
  }

  /** The string that comes next; null when it is none. */
  private String text() {
    if (in.getByte(at) != '$') {
      return null;
    }
    int length = Integer.parseInt(line());
    return length < 0 ? null : in.toString(endOfLine(), length, StandardCharsets.ISO_8859_1);
  }

  private String line() {
    return in.toString(at + 1, endOfLine() - at - 3, StandardCharsets.US_ASCII);
  }

  private int endOfLine() {
    return in.indexOf(at, in.writerIndex(), (byte) '\n') + 1;
  }
}
