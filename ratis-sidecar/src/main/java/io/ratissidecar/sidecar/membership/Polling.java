package io.ratissidecar.sidecar.membership;

import io.ratissidecar.sidecar.resp.FrontLoop;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;

/** Waits for a condition without blocking a thread. */
final class Polling {
  private static final long INTERVAL_MILLIS = 20;

  private Polling() {}

  /** Runs one of the two on the front loop. */
  static void until(
      FrontLoop front, BooleanSupplier condition, long timeoutMillis, Runnable met, Runnable late) {
    front.loop().execute(() -> check(front, condition, timeoutMillis, met, late));
  }

  private static void check(
      FrontLoop front, BooleanSupplier condition, long leftMillis, Runnable met, Runnable late) {
    if (condition.getAsBoolean()) {
      met.run();
    } else if (leftMillis <= 0) {
      late.run();
    } else {
      front
          .loop()
          .schedule(
              () -> check(front, condition, leftMillis - INTERVAL_MILLIS, met, late),
              INTERVAL_MILLIS,
              TimeUnit.MILLISECONDS);
    }
  }
}
