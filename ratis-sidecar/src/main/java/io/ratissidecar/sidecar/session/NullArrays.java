package io.ratissidecar.sidecar.session;

import io.netty.buffer.ByteBuf;
import io.ratissidecar.statemachine.command.Plan;
import java.nio.charset.StandardCharsets;

/** Gives a reply in RESP2 the nulls that Lua can't: those in place of arrays. */
final class NullArrays {
  private static final byte[] NULL = "*-1\r\n".getBytes(StandardCharsets.US_ASCII);

  private NullArrays() {}

  /** Whether they may be in the reply to a command, as it was planned. */
  static boolean areIn(Plan planned, int protocol) {
    boolean array =
        planned instanceof Plan.InPrelude plan && plan.nullIsArray()
            || planned instanceof Plan.Blocking blocking && blocking.nullIsArray();
    return array && protocol == 2;
  }

  /** Copies a reply, whose nulls all are in place of arrays. */
  static void write(ByteBuf reply, ByteBuf out) {
    int i = reply.readerIndex();
    while (i < reply.writerIndex()) {
      int end = reply.indexOf(i, reply.writerIndex(), (byte) '\n') + 1;
      if (reply.getByte(i) == '$' && reply.getByte(i + 1) == '-') {
        out.writeBytes(NULL);
        i = end;
        continue;
      }
      if (reply.getByte(i) == '$') {
        String length = reply.toString(i + 1, end - i - 3, StandardCharsets.US_ASCII);
        end += Integer.parseInt(length) + 2;
      }
      out.writeBytes(reply, i, end - i);
      i = end;
    }
  }
}
