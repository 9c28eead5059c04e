package io.ratissidecar.statemachine.command;

import io.ratissidecar.statemachine.resp.Request;

/** Makes absolute times of relative ones. */
final class Deadline {
  /** The relative time stays as it is: Redis rejects it, or acts alike, whatever its clock. */
  static final long AS_IT_IS = -1;

  /** Too far away for the entry's clock; by its own clock a node might just have taken it. */
  static final long OVERFLOW = -2;

  /** The latest deadline of a hash field in Redis 7.4 and 8 ({@code HFE_MAX_ABS_TIME_MSEC}). */
  static final long LATEST_OF_FIELD = 0x0000_FFFF_FFFF_FFFEL >> 2;

  /** No relative time in seconds or milliseconds that overflows by any clock is longer. */
  private static final byte[] REJECTED = Args.decimal(Long.MAX_VALUE);

  private Deadline() {}

  /**
   * The absolute time in milliseconds of a relative one, or one of the two constants, which are
   * negative.
   *
   * <p>Zero and negative times stay as they are: Redis either rejects them or deletes at once, by
   * any clock. An absolute time in the past would not do as well, since on a node whose clock is
   * behind it is not past yet.
   */
  static long of(Request r, int i, boolean seconds, long nowMillis, long latest) {
    long relative = r.argLong(i);
    if (relative == Request.NOT_A_NUMBER || relative <= 0) {
      return AS_IT_IS;
    }
    if (seconds) {
      if (relative > Long.MAX_VALUE / 1000) {
        return AS_IT_IS;
      }
      relative *= 1000;
    }
    return relative > latest - nowMillis ? OVERFLOW : nowMillis + relative;
  }

  /**
   * What stands for a time that overflows: a number that Redis rejects by any clock, so that the
   * error is Redis's own and comes in the order of Redis's own checks.
   */
  static byte[] rejected() {
    return REJECTED;
  }
}
