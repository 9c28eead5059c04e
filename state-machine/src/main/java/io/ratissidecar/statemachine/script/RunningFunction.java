package io.ratissidecar.statemachine.script;

import io.netty.buffer.ByteBuf;
import io.ratissidecar.statemachine.resp.Resp;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Pattern;

/** The function that Redis is at work with in a reply of {@code FUNCTION STATS}, as it was sent. */
public final class RunningFunction {
  private static final Pattern TAIL = Pattern.compile("\\d+ \\d+:\\d+");

  private RunningFunction() {}

  /** Copies a reply of Redis; the command in it loses what the log has added to its arguments. */
  public static void copy(ByteBuf reply, ByteBuf out) {
    boolean named = false;
    while (reply.isReadable()) {
      if (named && reply.getByte(reply.readerIndex()) == '*') {
        copyCommand(reply, out);
        named = false;
        continue;
      }
      int start = reply.readerIndex();
      String line = line(reply);
      named = line.startsWith("$") && bulk(reply, line).equals("command");
      out.writeBytes(reply, start, reply.readerIndex() - start);
    }
  }

  private static void copyCommand(ByteBuf reply, ByteBuf out) {
    int count = Integer.parseInt(line(reply).substring(1));
    List<String> words = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      words.add(bulk(reply, line(reply)));
    }
    int kept = count > 2 && hasTail(words) ? count - 2 : count;
    Resp.writeArrayHeader(out, kept);
    for (String word : words.subList(0, kept)) {
      Resp.writeBulk(out, word.getBytes(StandardCharsets.ISO_8859_1));
    }
  }

  /** The clock and the seed with the database. */
  private static boolean hasTail(List<String> words) {
    String both = words.get(words.size() - 2) + " " + words.get(words.size() - 1);
    return TAIL.matcher(both).matches();
  }

  private static String line(ByteBuf reply) {
    int start = reply.readerIndex();
    int end = reply.indexOf(start, reply.writerIndex(), (byte) '\r');
    reply.readerIndex(end + 2);
    return reply.toString(start, end - start, StandardCharsets.US_ASCII);
  }

  /** The bytes of a bulk string as characters; empty for null. */
  private static String bulk(ByteBuf reply, String header) {
    int length = Integer.parseInt(header.substring(1));
    if (length < 0) {
      return "";
    }
    int start = reply.readerIndex();
    reply.skipBytes(length + 2);
    return reply.toString(start, length, StandardCharsets.ISO_8859_1);
  }
}
