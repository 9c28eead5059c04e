package io.ratissidecar.sidecar.blocking;

import io.netty.buffer.ByteBuf;
import io.ratissidecar.statemachine.resp.Resp;
import java.nio.charset.StandardCharsets;

/** What Redis's reply to a waiting client's command means to the client. */
enum Outcome {
  /** Its keys hold nothing, which is no error. */
  NOTHING,

  /** A key holds another type, which is nothing to who waits already. */
  OTHER_TYPE,

  /** The group that the client waits in, or its stream, has gone. */
  GROUP_GONE,

  /** What it has waited for, or an error: the client's reply. */
  ANSWER;

  private static final String WRONG_TYPE = "-WRONGTYPE";
  private static final String NO_GROUP = "-NOGROUP";

  /**
   * @param errorCounts whether an error is the client's reply, as for one who has just come
   */
  static Outcome of(ByteBuf reply, Waiter waiter, boolean errorCounts) {
    if (Resp.isNull(reply)) {
      return NOTHING;
    }
    if (errorCounts) {
      return ANSWER;
    }
    if (waiter.isInGroup()) {
      return begins(reply, NO_GROUP) || begins(reply, WRONG_TYPE) ? GROUP_GONE : ANSWER;
    }
    return begins(reply, WRONG_TYPE) ? OTHER_TYPE : ANSWER;
  }

  private static boolean begins(ByteBuf reply, String text) {
    int length = Math.min(text.length(), reply.readableBytes());
    return reply.toString(reply.readerIndex(), length, StandardCharsets.US_ASCII).equals(text);
  }
}
