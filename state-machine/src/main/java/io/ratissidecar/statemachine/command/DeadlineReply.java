package io.ratissidecar.statemachine.command;

/** What the commands that ask for a deadline answer, made of the deadline that Redis keeps. */
public enum DeadlineReply {
  /** Seconds left, rounded as Redis does. */
  TTL,
  /** Milliseconds left. */
  PTTL,
  /** Seconds since 1970, rounded as Redis does. */
  EXPIRETIME,
  /** Milliseconds since 1970. */
  PEXPIRETIME;

  /**
   * The user's reply.
   *
   * @param stored what {@code PEXPIRETIME} answers: milliseconds since 1970 as Redis keeps them, -1
   *     without a deadline, -2 without a key
   * @param logMillis the log's clock, which deadlines out of the log follow
   * @param nodeMillis this node's clock, which the others follow
   * @return never negative for a key that has a deadline
   */
  public long of(long stored, long logMillis, long nodeMillis) {
    if (stored < 0) {
      return stored;
    }
    boolean logical = LogicalTime.isLogical(stored);
    long deadline = logical ? LogicalTime.fromRedis(stored) : stored;
    long left = Math.max(0, deadline - (logical ? logMillis : nodeMillis));
    return switch (this) {
      case TTL -> left / 1000 + (left % 1000 + 500) / 1000;
      case PTTL -> left;
      case EXPIRETIME -> deadline / 1000 + (deadline % 1000 + 500) / 1000;
      case PEXPIRETIME -> deadline;
    };
  }
}
