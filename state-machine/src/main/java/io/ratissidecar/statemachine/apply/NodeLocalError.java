package io.ratissidecar.statemachine.apply;

import io.netty.buffer.ByteBuf;
import java.nio.charset.StandardCharsets;
import java.util.List;

/**
 * Error replies that tell of this node and not of the command. Every replica must get the same
 * result, so one of these in answer to a committed command means that this node missed it.
 */
public final class NodeLocalError {
  private static final List<byte[]> CODES =
      List.of(
          code("-OOM "),
          code("-MISCONF "),
          code("-READONLY "),
          code("-LOADING "),
          code("-BUSY "),
          code("-MASTERDOWN "),
          code("-NOAUTH "),
          code("-NOPERM "),
          code("-NOREPLICAS "));

  private NodeLocalError() {}

  /** True when the reply is an error that another replica need not have got. */
  public static boolean is(ByteBuf reply) {
    if (!reply.isReadable() || reply.getByte(reply.readerIndex()) != '-') {
      return false;
    }
    for (byte[] code : CODES) {
      if (startsWith(reply, code)) {
        return true;
      }
    }
    return false;
  }

  private static boolean startsWith(ByteBuf reply, byte[] prefix) {
    if (reply.readableBytes() < prefix.length) {
      return false;
    }
    for (int i = 0; i < prefix.length; i++) {
      if (reply.getByte(reply.readerIndex() + i) != prefix[i]) {
        return false;
      }
    }
    return true;
  }

  private static byte[] code(String text) {
    return text.getBytes(StandardCharsets.US_ASCII);
  }
}
