package io.ratissidecar.sidecar.session;

import io.netty.buffer.ByteBuf;
import io.ratissidecar.statemachine.resp.ReplyScanner;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/**
 * What was queued since a {@code MULTI} of the local Redis: the replies that are changed outside of
 * a transaction are changed in the same way among those of {@code EXEC}.
 */
final class LocalTransaction {
  /** No transform leaves the reply out. */
  private record Change(int position, LocalRedisLane.Transform transform) {}

  private final List<Change> changes = new ArrayList<>();
  private int queued;
  private int leftOut;

  /** Redis has queued a command; the transform may be null. */
  void queued(LocalRedisLane.Transform transform) {
    if (transform != null) {
      changes.add(new Change(queued, transform));
    }
    queued++;
  }

  /** How many commands of the client's are queued. */
  int size() {
    return queued - leftOut;
  }

  /** Redis has queued a command that the client does not know of. */
  void leftOut() {
    changes.add(new Change(queued, null));
    queued++;
    leftOut++;
  }

  /** Changes the reply of {@code EXEC}; a null or an error stays as it is. */
  void apply(ByteBuf reply, ByteBuf out) {
    int line = reply.indexOf(reply.readerIndex(), reply.writerIndex(), (byte) '\n') + 1;
    boolean replies = reply.getByte(reply.readerIndex()) == '*' && line < reply.writerIndex();
    if (changes.isEmpty() || !replies) {
      out.writeBytes(reply, reply.readerIndex(), reply.readableBytes());
      return;
    }
    out.writeCharSequence("*" + (queued - leftOut) + "\r\n", StandardCharsets.US_ASCII);
    ByteBuf rest = reply.slice(line, reply.writerIndex() - line);
    ReplyScanner scanner = new ReplyScanner();
    int next = 0;
    for (int i = 0; i < queued; i++) {
      int length = scanner.scan(rest);
      ByteBuf element = rest.readSlice(length);
      if (next < changes.size() && changes.get(next).position() == i) {
        LocalRedisLane.Transform transform = changes.get(next++).transform();
        if (transform == null) {
          continue;
        }
        if (element.getByte(0) != '-') {
          transform.apply(element, out);
          continue;
        }
      }
      out.writeBytes(element);
    }
  }
}
