package io.ratissidecar.snapshot;

import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;

/** Keeps a transfer within a number of bytes per second. For one thread. */
public final class Throttle {
  /** Waits. */
  @FunctionalInterface
  public interface Sleeper {
    void sleep(long nanos) throws InterruptedException;
  }

  private static final long SECOND = TimeUnit.SECONDS.toNanos(1);

  /** A transfer that is cut into this many pieces a second flows evenly. */
  private static final int PIECES_PER_SECOND = 4;

  private final long bytesPerSecond;
  private final LongSupplier nanoClock;
  private final Sleeper sleeper;
  private long freeAtNanos;

  /**
   * @param bytesPerSecond 0 for no limit
   */
  public Throttle(long bytesPerSecond, LongSupplier nanoClock, Sleeper sleeper) {
    this.bytesPerSecond = bytesPerSecond;
    this.nanoClock = nanoClock;
    this.sleeper = sleeper;
    this.freeAtNanos = nanoClock.getAsLong();
  }

  /** How much may be transferred at once, so that the wait behind it is short: 1 to {@code max}. */
  int pieceBytes(int max) {
    return bytesPerSecond == 0
        ? max
        : (int) Math.max(1, Math.min(max, bytesPerSecond / PIECES_PER_SECOND));
  }

  /** Waits as long as it should take to transfer what just was. */
  void transferred(int bytes) throws InterruptedException {
    if (bytesPerSecond == 0) {
      return;
    }
    long now = nanoClock.getAsLong();
    // A pause is not made up for by a burst.
    freeAtNanos = Math.max(freeAtNanos - now, 0) + now + bytes * SECOND / bytesPerSecond;
    if (freeAtNanos - now > 0) {
      sleeper.sleep(freeAtNanos - now);
    }
  }
}
