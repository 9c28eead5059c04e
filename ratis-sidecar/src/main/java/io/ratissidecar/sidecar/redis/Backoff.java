package io.ratissidecar.sidecar.redis;

/** Ever longer pauses between attempts that fail. Confined to one thread. */
final class Backoff {
  private final long firstMillis;
  private final long mostMillis;
  private long nextMillis;

  Backoff(long firstMillis, long mostMillis) {
    this.firstMillis = firstMillis;
    this.mostMillis = mostMillis;
    this.nextMillis = firstMillis;
  }

  /** How long to wait before the next attempt; the one after it waits twice as long. */
  long next() {
    long now = nextMillis;
    nextMillis = Math.min(mostMillis, 2 * nextMillis);
    return now;
  }

  /** It worked. */
  void reset() {
    nextMillis = firstMillis;
  }
}
