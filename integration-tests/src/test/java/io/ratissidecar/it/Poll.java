package io.ratissidecar.it;

import java.time.Duration;
import java.util.concurrent.Callable;
import java.util.concurrent.locks.LockSupport;

/** Waits for a condition with a deadline; the only place where tests let time pass. */
final class Poll {
  private static final long INTERVAL_NANOS = 20_000_000;

  private Poll() {}

  /**
   * Waits until the condition holds. What it throws counts as not yet, and is told at the deadline.
   */
  static void until(String what, Duration most, Callable<Boolean> condition) {
    long deadline = System.nanoTime() + most.toNanos();
    Throwable last = null;
    while (true) {
      try {
        last = null;
        if (condition.call()) {
          return;
        }
      } catch (Exception | AssertionError e) {
        last = e;
      }
      if (System.nanoTime() > deadline) {
        throw new AssertionError("not within " + most.toMillis() + " ms: " + what, last);
      }
      LockSupport.parkNanos(INTERVAL_NANOS);
    }
  }

  /** Lets time pass in which something goes on; not to wait for anything. */
  static void letRun(Duration time) {
    long end = System.nanoTime() + time.toNanos();
    long left;
    while ((left = end - System.nanoTime()) > 0) {
      LockSupport.parkNanos(left);
    }
  }
}
