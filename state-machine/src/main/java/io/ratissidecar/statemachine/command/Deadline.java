package io.ratissidecar.statemachine.command;

import io.ratissidecar.statemachine.resp.Request;

/** Makes the deadlines that Redis gets of the times that users give. */
final class Deadline {
  /** The time stays as it is: Redis rejects it, or acts alike, whatever its clock. */
  static final long AS_IT_IS = -1;

  /**
   * Too far away for the entry's clock; by its own clock a node might just have taken it. So might
   * Redis 6.2, which multiplies without a look, and so comes to any time.
   */
  static final long OVERFLOW = -2;

  private static final long MOST_SECONDS = Long.MAX_VALUE / 1000;

  /** No time in seconds or milliseconds that overflows by any clock is longer. */
  private static final byte[] REJECTED = Args.decimal(Long.MAX_VALUE);

  /** The same of seconds from now for Redis 6.2, where it overflows with the clock only. */
  private static final byte[] REJECTED_SECONDS = Args.decimal(MOST_SECONDS);

  private Deadline() {}

  /**
   * What Redis gets for a relative time: an absolute one in milliseconds, or one of the two
   * constants, which are negative.
   *
   * <p>Zero and negative times stay as they are: Redis rejects them, or, with RESTORE, takes zero
   * for no deadline.
   */
  static long relative(Request r, int i, boolean seconds, long nowMillis) {
    long relative = millis(r, i, seconds);
    if (relative < 0) {
      return relative;
    }
    return relative > Long.MAX_VALUE - nowMillis
        ? OVERFLOW
        : LogicalTime.toRedis(nowMillis + relative);
  }

  /**
   * What Redis gets for an absolute time, or one of the two constants. One that has passed by the
   * entry's clock has to have passed by the clock of every node.
   */
  static long absolute(Request r, int i, boolean seconds, long nowMillis) {
    long deadline = millis(r, i, seconds);
    if (deadline < 0) {
      return deadline;
    }
    return deadline <= nowMillis ? LogicalTime.PAST : LogicalTime.toRedis(deadline);
  }

  private static long millis(Request r, int i, boolean seconds) {
    long time = r.argLong(i);
    if (time == Request.NOT_A_NUMBER || time <= 0) {
      return AS_IT_IS;
    }
    if (!seconds) {
      return time;
    }
    return time > MOST_SECONDS ? OVERFLOW : time * 1000;
  }

  /**
   * What stands for a time that overflows: a number that Redis rejects by any clock, so that the
   * error is Redis's own and comes in the order of Redis's own checks.
   */
  static byte[] rejected() {
    return REJECTED;
  }

  /** As {@link #rejected}, for {@code EXPIRE}. */
  static byte[] rejectedSeconds() {
    return REJECTED_SECONDS;
  }
}
