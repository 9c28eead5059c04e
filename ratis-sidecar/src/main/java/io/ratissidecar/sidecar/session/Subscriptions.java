package io.ratissidecar.sidecar.session;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufUtil;
import io.netty.buffer.Unpooled;
import io.ratissidecar.statemachine.apply.ReplySink;
import io.ratissidecar.statemachine.resp.Request;
import io.ratissidecar.statemachine.resp.RespValue;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Set;

/**
 * What one connection to the local Redis is subscribed to, as Redis's confirmations count it; tells
 * confirmations, which are replies, from messages, which answer no command.
 */
final class Subscriptions {
  private static final Set<String> COMMANDS =
      Set.of(
          "subscribe", "psubscribe", "ssubscribe", "unsubscribe", "punsubscribe", "sunsubscribe");
  private static final Set<String> MESSAGES = Set.of("message", "pmessage", "smessage");

  private long channels;
  private long patterns;
  private long shardChannels;

  static boolean isCommand(String lowerCaseName) {
    return COMMANDS.contains(lowerCaseName);
  }

  boolean any() {
    return channels + patterns + shardChannels > 0;
  }

  /** As fields of {@code CLIENT LIST}. */
  String describe() {
    return " sub=" + channels + " psub=" + patterns + " ssub=" + shardChannels;
  }

  /** Whether the frame is a message or another push, and no reply. */
  boolean isPush(ByteBuf frame, int protocol) {
    byte type = frame.getByte(frame.readerIndex());
    if (type == '>') {
      return !COMMANDS.contains(kind(frame));
    }
    return type == '*' && protocol == 2 && any() && MESSAGES.contains(kind(frame));
  }

  /** Whether the push tells a client with a cache what to drop from it. */
  static boolean isInvalidation(ByteBuf frame) {
    return frame.getByte(frame.readerIndex()) == '>' && kind(frame).equals("invalidate");
  }

  /**
   * Whether the frame is a keyspace event of the reserved database, which there is not for clients:
   * there are some of each entry.
   */
  static boolean isOfReserved(ByteBuf frame, int reservedDatabase) {
    ByteBuf mark = Unpooled.copiedBuffer("@" + reservedDatabase + "__:", StandardCharsets.US_ASCII);
    if (ByteBufUtil.indexOf(mark, frame) < 0 || !MESSAGES.contains(kind(frame))) {
      return false;
    }
    List<RespValue> parts = RespValue.parse(frame.duplicate()).asList();
    String channel = parts.get(parts.size() - 2).asString();
    return channel.startsWith("__keyspace@" + reservedDatabase + "__:")
        || channel.startsWith("__keyevent@" + reservedDatabase + "__:");
  }

  /** The first element of an array or push of bulk strings; empty for anything else. */
  private static String kind(ByteBuf frame) {
    int line = frame.indexOf(frame.readerIndex(), frame.writerIndex(), (byte) '\n') + 1;
    if (line == 0 || line >= frame.writerIndex() || frame.getByte(line) != '$') {
      return "";
    }
    int start = frame.indexOf(line, frame.writerIndex(), (byte) '\n') + 1;
    int end = start == 0 ? -1 : frame.indexOf(start, frame.writerIndex(), (byte) '\r');
    return end < 0 ? "" : frame.toString(start, end - start, StandardCharsets.US_ASCII);
  }

  /** How many frames Redis answers with, unless it answers with an error. */
  int replies(Request request, String name) {
    if (request.argCount() > 1) {
      return request.argCount() - 1;
    }
    long all =
        switch (name) {
          case "unsubscribe" -> channels;
          case "punsubscribe" -> patterns;
          case "sunsubscribe" -> shardChannels;
          default -> 1; // an error
        };
    return (int) Math.max(all, 1);
  }

  private void confirmed(ByteBuf frame) {
    List<RespValue> parts = RespValue.parse(frame.duplicate()).asList();
    long count = parts.get(2).asLong();
    switch (parts.get(0).asString()) {
      case "subscribe", "unsubscribe" -> channels = count - patterns;
      case "psubscribe", "punsubscribe" -> patterns = count - channels;
      default -> shardChannels = count;
    }
  }

  /** Gathers the confirmations of one command into its one place among the replies. */
  ReplySink receiver(Slot slot, int replies, Runnable onLost) {
    return new ReplySink() {
      private final ByteBuf gathered = Unpooled.buffer(128);
      private int received;

      @Override
      public void onReply(ByteBuf frame) {
        if (frame.getByte(frame.readerIndex()) == '-') {
          slot.reply(frame);
          return;
        }
        confirmed(frame);
        gathered.writeBytes(frame, frame.readerIndex(), frame.readableBytes());
        if (++received == replies) {
          slot.reply(gathered);
        }
      }

      @Override
      public void onLost() {
        onLost.run();
      }
    };
  }
}
