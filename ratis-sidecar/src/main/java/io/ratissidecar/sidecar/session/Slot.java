package io.ratissidecar.sidecar.session;

import io.netty.buffer.ByteBuf;
import io.ratissidecar.sidecar.raft.Failure;
import io.ratissidecar.sidecar.raft.ReplyReceiver;
import io.ratissidecar.statemachine.resp.Resp;
import java.util.function.Consumer;

/**
 * The place of one command's reply in a client's order of replies. Filled once; later calls are
 * ignored, since a command may be answered "not known" and its real reply come afterwards.
 */
final class Slot implements ReplyReceiver {
  private final Session session;
  private final Lane lane;
  private final boolean silent;
  private boolean filled;
  private ByteBuf early;
  private long weight;

  Slot(Session session, Lane lane, boolean silent) {
    this.session = session;
    this.lane = lane;
    this.silent = silent;
  }

  Lane lane() {
    return lane;
  }

  /** Counts a request of so many bytes among what waits, until it is answered. */
  void weigh(long bytes) {
    weight += bytes;
    session.waiting(bytes);
  }

  long weight() {
    return weight;
  }

  boolean isFilled() {
    return filled;
  }

  boolean isSilent() {
    return silent;
  }

  /** The reply, if it came before those of earlier commands; the caller releases it. */
  ByteBuf takeEarly() {
    ByteBuf reply = early;
    early = null;
    if (reply != null) {
      session.waiting(-reply.readableBytes());
    }
    return reply;
  }

  @Override
  public void reply(ByteBuf frame) {
    if (filled) {
      return;
    }
    filled = true;
    if (session.isClosed()) {
      return; // nobody is left to take it
    }
    if (session.isFirst(this)) {
      session.deliver(this, frame);
    } else {
      if (!silent) {
        early = frame.copy();
        session.waiting(early.readableBytes());
      }
      session.filledEarly(this);
    }
  }

  /** Makes a reply here. */
  void reply(Consumer<ByteBuf> writer) {
    if (filled) {
      return;
    }
    ByteBuf frame = session.allocate();
    try {
      writer.accept(frame);
      reply(frame);
    } finally {
      frame.release();
    }
  }

  /** An error with its code, such as {@code ERR syntax error}. */
  void error(String error) {
    reply(out -> Resp.writeError(out, error));
  }

  void ok() {
    reply(Resp::writeOk);
  }

  @Override
  public void failed(Failure failure) {
    error(session.services().failureText(failure));
  }
}
