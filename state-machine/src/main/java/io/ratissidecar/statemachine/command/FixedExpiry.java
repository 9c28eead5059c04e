package io.ratissidecar.statemachine.command;

import io.ratissidecar.statemachine.resp.Request;

/** Commands whose second argument is a time. */
public final class FixedExpiry {
  /** The error for a value that has deadlines within. */
  public static final String FIELDS_REFUSED =
      "ERR RESTORE is refused: deadlines of hash fields are not yet taken from the log's clock:"
          + " each Redis would end them by its own";

  /** Types of a value in an RDB that are hashes with such fields: Redis 7.4 and Valkey 9. */
  private static final int FIRST_WITH_FIELD_DEADLINES = 22;

  private static final int LAST_WITH_FIELD_DEADLINES = 25;

  private static final byte[] SET = Args.ascii("SET");
  private static final byte[] PXAT = Args.ascii("PXAT");
  private static final byte[] PEXPIREAT = Args.ascii("PEXPIREAT");
  private static final byte[] ABSTTL = Args.ascii("ABSTTL");
  private static final byte[] INVALID_TTL = Args.ascii("-1");

  private FixedExpiry() {}

  /** {@code SETEX key seconds value}: a {@code SET} with PXAT. */
  static Plan setex(Request r, int name, long nowMillis) {
    return set(r, name, nowMillis, true);
  }

  /** {@code PSETEX key milliseconds value}: a {@code SET} with PXAT. */
  static Plan psetex(Request r, int name, long nowMillis) {
    return set(r, name, nowMillis, false);
  }

  /** {@code EXPIRE key seconds [condition]}: a {@code PEXPIREAT}. */
  static Plan expire(Request r, int name, long nowMillis) {
    return expire(r, name, true, nowMillis);
  }

  /** {@code PEXPIRE key milliseconds [condition]}: a {@code PEXPIREAT}. */
  static Plan pexpire(Request r, int name, long nowMillis) {
    return expire(r, name, false, nowMillis);
  }

  /**
   * Zero and less deletes the key at once. Redis 6.2 and 7.0 read their clock twice for it, and
   * keep the key when that was set back in between; but not by so much.
   */
  private static Plan expire(Request r, int name, boolean seconds, long nowMillis) {
    long time = r.argLong(name + 2);
    long gone = seconds ? LogicalTime.GONE_SECONDS : LogicalTime.GONE_MILLIS;
    if (time == Request.NOT_A_NUMBER || time > 0 || time <= gone) {
      return pexpireat(r, name, Deadline.relative(r, name + 2, seconds, nowMillis));
    }
    byte[][] args = Args.copy(r, name, 0);
    args[2] = Args.decimal(gone);
    return Plan.Rewritten.single(args);
  }

  /** {@code EXPIREAT key seconds [condition]}: a {@code PEXPIREAT}. */
  static Plan expireat(Request r, int name, long nowMillis) {
    return pexpireat(r, name, Deadline.absolute(r, name + 2, true, nowMillis));
  }

  /** {@code PEXPIREAT key milliseconds [condition]}: the same with Redis's deadline. */
  static Plan absolutePexpireat(Request r, int name, long nowMillis) {
    return pexpireat(r, name, Deadline.absolute(r, name + 2, false, nowMillis));
  }

  /** {@code RESTORE key ttl dump [options]}: the same with ABSTTL. */
  static Plan restore(Request r, int name, long nowMillis) {
    boolean absolute = false;
    int i = name + 4;
    while (i < r.argCount()) {
      if (Args.isAny(r, i, "REPLACE", "ABSTTL")) {
        absolute |= r.argIs(i, "ABSTTL");
        i++;
      } else if (i + 1 < r.argCount() && Args.isAny(r, i, "IDLETIME", "FREQ")) {
        i += 2;
      } else {
        return Args.SYNTAX_ERROR;
      }
    }
    if (hasFieldDeadlines(r, name + 3)) {
      return new Plan.Refused(FIELDS_REFUSED);
    }
    long deadline =
        absolute
            ? Deadline.absolute(r, name + 2, false, nowMillis)
            : Deadline.relative(r, name + 2, false, nowMillis);
    if (deadline == Deadline.AS_IT_IS) {
      return null;
    }
    byte[][] args = Args.copy(r, name, absolute || deadline == Deadline.OVERFLOW ? 0 : 1);
    if (deadline == Deadline.OVERFLOW) {
      // Redis does not look for an overflow here: what it stored would depend on its clock.
      args[2] = INVALID_TTL;
      return Plan.Rewritten.single(args);
    }
    args[2] = Args.decimal(deadline);
    if (!absolute) {
      args[args.length - 1] = ABSTTL;
    }
    return Plan.Rewritten.single(args);
  }

  private static boolean hasFieldDeadlines(Request r, int dump) {
    int type = r.argLength(dump) == 0 ? 0 : r.buffer().getByte(r.argStart(dump));
    return type >= FIRST_WITH_FIELD_DEADLINES && type <= LAST_WITH_FIELD_DEADLINES;
  }

  private static Plan set(Request r, int name, long nowMillis, boolean seconds) {
    long deadline = Deadline.relative(r, name + 2, seconds, nowMillis);
    if (deadline == Deadline.AS_IT_IS || deadline == Deadline.OVERFLOW) {
      return pexpireat(r, name, deadline);
    }
    byte[][] args = {SET, r.arg(name + 1), r.arg(name + 3), PXAT, Args.decimal(deadline)};
    return Plan.Rewritten.single(args);
  }

  /** A {@code PEXPIREAT} with this deadline, or the command with what Redis rejects. */
  private static Plan pexpireat(Request r, int name, long deadline) {
    if (deadline == Deadline.AS_IT_IS) {
      return null;
    }
    byte[][] args = Args.copy(r, name, 0);
    if (deadline == Deadline.OVERFLOW) {
      // Under its own name, which the error shows.
      args[2] = r.argIs(name, "EXPIRE") ? Deadline.rejectedSeconds() : Deadline.rejected();
    } else {
      args[0] = PEXPIREAT;
      args[2] = Args.decimal(deadline);
    }
    return Plan.Rewritten.single(args);
  }
}
