package io.ratissidecar.sidecar.raft;

import java.util.ArrayDeque;
import java.util.function.LongSupplier;

/**
 * Entries that were sent to the local Redis and not acknowledged: how many may be, and since when
 * the oldest is. Confined to the front loop.
 */
final class SendWindow {
  private static final int MOST_ENTRIES = 64;

  /** Bytes of such entries beyond which no further one is sent. */
  private static final long MOST_BYTES = 16 << 20;

  private record Sent(long index, int bytes, long nanos) {}

  private final LongSupplier nanoClock;
  private final ArrayDeque<Sent> sent = new ArrayDeque<>();
  private long bytes;

  SendWindow(LongSupplier nanoClock) {
    this.nanoClock = nanoClock;
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

  /** How long the oldest entry has not been acknowledged; 0 when nothing is under way. */
  long silenceNanos() {
    return sent.isEmpty() ? 0 : nanoClock.getAsLong() - sent.peek().nanos();
  }
}
