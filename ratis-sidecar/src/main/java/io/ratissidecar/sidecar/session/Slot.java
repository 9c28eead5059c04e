package io.ratissidecar.sidecar.session;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.PooledByteBufAllocator;
import io.ratissidecar.sidecar.blocking.Waiter;
import io.ratissidecar.sidecar.raft.Failure;
import io.ratissidecar.statemachine.resp.Resp;
import java.util.function.Consumer;

/**
 * The place of one command's reply in a client's order of replies. Filled once; later calls are
 * ignored, since a command may be answered "not known" and its real reply come afterwards.
 */
final class Slot implements Waiter.Client {
  private final ReplyQueue queue;
  private final Services services;
  private final Lane lane;
  private final boolean silent;
  private boolean waiting;
  private boolean filled;
  private ByteBuf early;
  private long weight;

  Slot(ReplyQueue queue, Services services, Lane lane, boolean silent) {
    this.queue = queue;
    this.services = services;
    this.lane = lane;
    this.silent = silent;
  }

  Lane lane() {
    return lane;
  }

  /** Counts a request of so many bytes among what waits, until it is answered. */
  void weigh(long bytes) {
    weight += bytes;
    queue.waiting(bytes);
  }

  /** Its command waits for data; the client sends nothing more until it is answered. */
  Slot waits() {
    waiting = true;
    return this;
  }

  boolean isWaiting() {
    return waiting && !filled;
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
      queue.waiting(-reply.readableBytes());
    }
    return reply;
  }

  @Override
  public void reply(ByteBuf frame) {
    if (filled) {
      return;
    }
    filled = true;
    if (queue.isClosed()) {
      return; // nobody is left to take it
    }
    if (queue.isFirst(this)) {
      queue.deliver(this, frame);
    } else {
      if (!silent) {
        early = frame.copy();
        queue.waiting(early.readableBytes());
      }
      queue.filledEarly(this);
    }
  }

  @Override
  public void reply(Consumer<ByteBuf> writer) {
    if (filled) {
      return;
    }
    ByteBuf frame = PooledByteBufAllocator.DEFAULT.buffer(128);
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
    error(services.failureText(failure));
  }
}
