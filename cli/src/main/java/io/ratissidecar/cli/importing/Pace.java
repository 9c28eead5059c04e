package io.ratissidecar.cli.importing;

import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;

/** Holds back who goes faster than so many keys or commands a second. For one thread. */
final class Pace {
  private static final long SLICE_NANOS = 100_000_000;
  private static final long SECOND_NANOS = 1_000_000_000;

  private final long perSecond;
  private final BooleanSupplier stopping;
  private long free = System.nanoTime();

  /**
   * @param perSecond 0 for as fast as it goes
   */
  Pace(long perSecond, BooleanSupplier stopping) {
    this.perSecond = perSecond;
    this.stopping = stopping;
  }

  /** How many may be taken at once without leaving the pace for longer than a second. */
  int most(int wanted) {
    return perSecond == 0 ? wanted : (int) Math.min(wanted, perSecond);
  }

  /** Waits until so many are due. */
  void take(int count) throws StoppedException {
    if (stopping.getAsBoolean()) {
      throw new StoppedException();
    }
    if (perSecond == 0) {
      return;
    }
    long left;
    while ((left = free - System.nanoTime()) > 0) {
      sleep(Math.min(left, SLICE_NANOS));
    }
    free = Math.max(free, System.nanoTime() - SLICE_NANOS) + count * SECOND_NANOS / perSecond;
  }

  private void sleep(long nanos) throws StoppedException {
    try {
      TimeUnit.NANOSECONDS.sleep(nanos);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new StoppedException();
    }
    if (stopping.getAsBoolean()) {
      throw new StoppedException();
    }
  }
}
