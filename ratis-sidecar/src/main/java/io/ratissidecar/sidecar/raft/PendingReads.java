package io.ratissidecar.sidecar.raft;

import io.netty.buffer.ByteBuf;
import io.ratissidecar.statemachine.apply.ReplySink;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.PriorityQueue;
import java.util.function.LongSupplier;

/**
 * Confirmed reads on their way: those that wait until an entry was sent to the local Redis, and
 * those that wait for its answer. None waits for ever. Confined to the front loop.
 */
final class PendingReads {
  private record Waiting(long index, long nanos, Runnable action, Runnable onLost) {}

  private final LongSupplier nanoClock;
  private final PriorityQueue<Waiting> waiting =
      new PriorityQueue<>((a, b) -> Long.compare(a.index(), b.index()));
  private final ArrayDeque<Asked> asked = new ArrayDeque<>();

  PendingReads(LongSupplier nanoClock) {
    this.nanoClock = nanoClock;
  }

  /** Runs the action at {@link #sentUpTo} the index; the other one when that does not come. */
  void await(long index, Runnable action, Runnable onLost) {
    waiting.add(new Waiting(index, nanoClock.getAsLong(), action, onLost));
  }

  /** Entries were sent up to this index. */
  void sentUpTo(long index) {
    while (!waiting.isEmpty() && waiting.peek().index() <= index) {
      waiting.poll().action().run();
    }
  }

  /** The sink for a read that is sent now. */
  ReplySink asked(ReplyReceiver receiver) {
    Asked read = new Asked(receiver, nanoClock.getAsLong());
    asked.add(read);
    return read;
  }

  /** Redis is gone. */
  void lost() {
    List<Waiting> all = new ArrayList<>(waiting);
    waiting.clear();
    all.forEach(w -> w.onLost().run());
    while (!asked.isEmpty()) {
      asked.poll().fail();
    }
  }

  /** Gives up reads that are older than this. */
  void expire(long timeoutNanos) {
    long now = nanoClock.getAsLong();
    List<Waiting> late = waiting.stream().filter(w -> now - w.nanos() > timeoutNanos).toList();
    waiting.removeAll(late);
    late.forEach(w -> w.onLost().run());
    while (!asked.isEmpty() && now - asked.peek().nanos > timeoutNanos) {
      asked.poll().fail();
    }
  }

  /** Answers come in the order of the questions, so the first is the oldest. */
  private final class Asked implements ReplySink {
    private final ReplyReceiver receiver;
    private final long nanos;
    private boolean done;

    Asked(ReplyReceiver receiver, long nanos) {
      this.receiver = receiver;
      this.nanos = nanos;
    }

    @Override
    public void onReply(ByteBuf frame) {
      if (!done) {
        done = true;
        asked.remove(this);
        receiver.reply(frame);
      }
    }

    @Override
    public void onLost() {
      if (!done) {
        asked.remove(this);
        fail();
      }
    }

    private void fail() {
      if (!done) {
        done = true;
        receiver.failed(Failure.REDIS_LOST);
      }
    }
  }
}
