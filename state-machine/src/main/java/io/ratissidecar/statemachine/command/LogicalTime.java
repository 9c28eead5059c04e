package io.ratissidecar.statemachine.command;

/**
 * Deadlines as the local Redis keeps them. They count from the log's clock, not from that of the
 * node, so Redis must never act on one by itself: it gets all of them later by a fixed time.
 */
public final class LogicalTime {
  /** How much later, milliseconds: 139 years. */
  public static final long SHIFT_MILLIS = 1L << 42;

  /** What Redis gets for a deadline that has passed by the log's clock: past by any clock. */
  public static final long PAST = 1;

  /** From now, has passed by any clock, whatever it is set to in the meantime: 139 years ago. */
  static final long GONE_MILLIS = -SHIFT_MILLIS;

  /** As {@link #GONE_MILLIS}, in seconds. */
  static final long GONE_SECONDS = GONE_MILLIS / 1000;

  /**
   * How much earlier Redis keeps the time at which a consumer got an entry of a stream,
   * milliseconds: 34 years. Redis takes no such time that is later than its own clock.
   */
  public static final long DELIVERED_EARLIER_MILLIS = 1L << 40;

  /** A time of delivery as Redis is to keep it; those before 2005 are kept as the same. */
  public static long deliveredToRedis(long millis) {
    return Math.max(0, millis - DELIVERED_EARLIER_MILLIS);
  }

  /**
   * The time of delivery that Redis keeps as this. What lies in the last 17 years came out of no
   * log, and is what it says.
   *
   * @param nowMillis about now
   */
  public static long deliveredFromRedis(long storedMillis, long nowMillis) {
    return storedMillis < nowMillis - DELIVERED_EARLIER_MILLIS / 2
        ? storedMillis + DELIVERED_EARLIER_MILLIS
        : storedMillis;
  }

  private LogicalTime() {}

  /**
   * A user's deadline as Redis is to keep it. One so far away that no number is left for it is kept
   * as the last one, some 292 million years from now.
   *
   * @param deadlineMillis in milliseconds since 1970
   */
  public static long toRedis(long deadlineMillis) {
    return deadlineMillis > Long.MAX_VALUE - SHIFT_MILLIS
        ? Long.MAX_VALUE
        : deadlineMillis + SHIFT_MILLIS;
  }

  /** The user's deadline that Redis keeps as this. */
  public static long fromRedis(long storedMillis) {
    return storedMillis - SHIFT_MILLIS;
  }

  /**
   * Whether a deadline that Redis keeps came out of the log. Others are of commands that went past
   * it, and follow the clock of the node.
   */
  public static boolean isLogical(long storedMillis) {
    return storedMillis >= SHIFT_MILLIS;
  }
}
