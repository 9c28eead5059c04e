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

  Slot(Session session, Lane lane, boolean silent) {
    this.session = session;
    this.lane = lane;
    this.silent = silent;
  }

  Lane lane() {
    return lane;
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
