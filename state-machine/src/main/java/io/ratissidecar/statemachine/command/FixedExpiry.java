package io.ratissidecar.statemachine.command;

import io.ratissidecar.statemachine.resp.Request;

/** Commands whose second argument is a relative time. */
final class FixedExpiry {
  private static final byte[] SET = Args.ascii("SET");
  private static final byte[] PXAT = Args.ascii("PXAT");
  private static final byte[] PEXPIREAT = Args.ascii("PEXPIREAT");
  private static final byte[] HPEXPIREAT = Args.ascii("HPEXPIREAT");
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
    return at(r, name, PEXPIREAT, Deadline.of(r, name + 2, true, nowMillis, Long.MAX_VALUE));
  }

  /** {@code PEXPIRE key milliseconds [condition]}: a {@code PEXPIREAT}. */
  static Plan pexpire(Request r, int name, long nowMillis) {
    return at(r, name, PEXPIREAT, Deadline.of(r, name + 2, false, nowMillis, Long.MAX_VALUE));
  }

  /** {@code HEXPIRE key seconds …} (Redis 7.4): an {@code HPEXPIREAT}. */
  static Plan hexpire(Request r, int name, long nowMillis) {
    long deadline = Deadline.of(r, name + 2, true, nowMillis, Deadline.LATEST_OF_FIELD);
    return at(r, name, HPEXPIREAT, deadline);
  }

  /** {@code HPEXPIRE key milliseconds …} (Redis 7.4): an {@code HPEXPIREAT}. */
  static Plan hpexpire(Request r, int name, long nowMillis) {
    long deadline = Deadline.of(r, name + 2, false, nowMillis, Deadline.LATEST_OF_FIELD);
    return at(r, name, HPEXPIREAT, deadline);
  }

  /** {@code RESTORE key ttl dump [options]}: the same with ABSTTL. */
  static Plan restore(Request r, int name, long nowMillis) {
    int i = name + 4;
    while (i < r.argCount()) {
      if (r.argIs(i, "ABSTTL")) {
        return null;
      } else if (r.argIs(i, "REPLACE")) {
        i++;
      } else if (i + 1 < r.argCount() && Args.isAny(r, i, "IDLETIME", "FREQ")) {
        i += 2;
      } else {
        return Args.SYNTAX_ERROR;
      }
    }
    long deadline = Deadline.of(r, name + 2, false, nowMillis, Long.MAX_VALUE);
    if (deadline == Deadline.AS_IT_IS) {
      return null;
    }
    if (deadline == Deadline.OVERFLOW) {
      // Redis does not look for an overflow here: what it stored would depend on its clock.
      byte[][] args = Args.copy(r, name, 0);
      args[2] = INVALID_TTL;
      return Plan.Rewritten.single(args);
    }
    byte[][] args = Args.copy(r, name, 1);
    args[2] = Args.decimal(deadline);
    args[args.length - 1] = ABSTTL;
    return Plan.Rewritten.single(args);
  }

  private static Plan set(Request r, int name, long nowMillis, boolean seconds) {
    long deadline = Deadline.of(r, name + 2, seconds, nowMillis, Long.MAX_VALUE);
    if (deadline == Deadline.AS_IT_IS || deadline == Deadline.OVERFLOW) {
      return at(r, name, null, deadline);
    }
    byte[][] args = {SET, r.arg(name + 1), r.arg(name + 3), PXAT, Args.decimal(deadline)};
    return Plan.Rewritten.single(args);
  }

  /** The command with an absolute time instead, under another name. */
  private static Plan at(Request r, int name, byte[] absoluteName, long deadline) {
    if (deadline == Deadline.AS_IT_IS) {
      return null;
    }
    byte[][] args = Args.copy(r, name, 0);
    if (deadline == Deadline.OVERFLOW) {
      args[2] = Deadline.rejected(); // under its own name, which the error shows
    } else {
      args[0] = absoluteName;
      args[2] = Args.decimal(deadline);
    }
    return Plan.Rewritten.single(args);
  }
}
