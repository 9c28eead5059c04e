package io.ratissidecar.statemachine.script;

import io.netty.buffer.ByteBuf;
import io.ratissidecar.statemachine.resp.Resp;
import java.nio.charset.StandardCharsets;

/** The code of libraries in a reply, as their users wrote it. */
public final class ListedCode {
  private ListedCode() {}

  /** Copies a reply of Redis; bulk strings that have the prelude lose it. */
  public static void copy(ByteBuf reply, ByteBuf out) {
    while (reply.isReadable()) {
      int start = reply.readerIndex();
      int end = reply.indexOf(start, reply.writerIndex(), (byte) '\n') + 1;
      reply.readerIndex(end);
      boolean bulk = reply.getByte(start) == '$' && reply.getByte(start + 1) != '-';
      if (!bulk) {
        out.writeBytes(reply, start, end - start);
        continue;
      }
      String length = reply.toString(start + 1, end - start - 3, StandardCharsets.US_ASCII);
      byte[] text = new byte[Integer.parseInt(length)];
      reply.readBytes(text).skipBytes(2);
      Resp.writeBulk(out, Prelude.ofUser(text));
    }
  }
}
