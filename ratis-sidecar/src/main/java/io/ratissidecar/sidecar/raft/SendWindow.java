package io.ratissidecar.sidecar.raft;

import java.util.ArrayDeque;
import java.util.function.LongSupplier;

/**
 * Entries that were sent to the local Redis and not acknowledged: how many may be, and since when
 * nothing of them was answered. Confined to the front loop.
 */
final class SendWindow {
  private static final int MOST_ENTRIES = 64;

  /** Bytes of such entries beyond which no further one is sent. */
  private static final long MOST_BYTES = 16 << 20;

  private record Sent(long index, int bytes, long nanos) {}

  private final LongSupplier nanoClock;
  private final ArrayDeque<Sent> sent = new ArrayDeque<>();
  private long bytes;
  private long answerNanos;

  SendWindow(LongSupplier nanoClock) {
    this.nanoClock = nanoClock;
    this.answerNanos = nanoClock.getAsLong();
  }

  void sent(long index, int entryBytes) {
    sent.add(new Sent(index, entryBytes, nanoClock.getAsLong()));
    bytes += entryBytes;
  }

  /** Redis has everything up to the index. */
  void acknowledged(long index) {
    while (!sent.isEmpty() && sent.peek().index() <= index) {
      bytes -= sent.poll().bytes();
    }
  }

  /** Redis has answered a command of the oldest entry. */
  void answered() {
    answerNanos = nanoClock.getAsLong();
  }

  void clear() {
    sent.clear();
    bytes = 0;
  }

  boolean isEmpty() {
    return sent.isEmpty();
  }

  boolean isFull() {
    return sent.size() >= MOST_ENTRIES || bytes > MOST_BYTES;
  }

  /**
   * How long Redis has answered nothing of the oldest entry; 0 when nothing is under way. What it
   * answered before counts too, since the entry has not waited for longer.
   */
  long silenceNanos() {
    if (sent.isEmpty()) {
      return 0;
    }
    long now = nanoClock.getAsLong();
    return Math.min(now - sent.peek().nanos(), now - answerNanos);
  }
}
