package io.ratissidecar.statemachine.command;

import io.ratissidecar.statemachine.resp.Request;

/** Commands that take a relative time as an option: {@code EX} and {@code PX} become PXAT. */
final class OptionExpiry {
  private static final byte[] EX = Args.ascii("EX");
  private static final byte[] PXAT = Args.ascii("PXAT");
  private static final int NONE = -1;

  // Arrays of their own, so that looking at options allocates nothing.
  private static final String[] TIMES = {"EX", "PX", "EXAT", "PXAT"};
  private static final String[] SET_WORDS = {"NX", "XX", "GET", "KEEPTTL"};
  private static final String[] SET_CONDITIONS = {"IFEQ", "IFNE", "IFDEQ", "IFDNE"};
  private static final String[] HASH_WORDS = {"FNX", "FXX", "NX", "XX", "KEEPTTL", "PERSIST"};

  private OptionExpiry() {}

  /** {@code SET key value [options]}. */
  static Plan set(Request r, int name, long nowMillis) {
    int found = NONE;
    int i = name + 3;
    while (i < r.argCount()) {
      if (isTime(r, i)) {
        if (found != NONE) {
          return null; // two of them: Redis rejects that
        }
        found = i;
        i += 2;
      } else if (Args.isAny(r, i, SET_WORDS)) {
        i++;
      } else if (i + 1 < r.argCount() && Args.isAny(r, i, SET_CONDITIONS)) {
        i += 2; // Redis 8.4 and Valkey 8.1
      } else {
        return Args.SYNTAX_ERROR;
      }
    }
    return absolute(r, name, found, nowMillis, Long.MAX_VALUE);
  }

  /** {@code GETEX key [option]}; without an option it writes nothing. */
  static Plan getex(Request r, int name, long nowMillis) {
    int found = NONE;
    int i = name + 2;
    if (i == r.argCount()) {
      return Plan.READ;
    }
    while (i < r.argCount()) {
      if (isTime(r, i)) {
        if (found != NONE) {
          return null;
        }
        found = i;
        i += 2;
      } else if (r.argIs(i, "PERSIST")) {
        i++;
      } else {
        return Args.SYNTAX_ERROR;
      }
    }
    return absolute(r, name, found, nowMillis, Long.MAX_VALUE);
  }

  /** {@code HSETEX key [options] FIELDS n field value …} (Redis 8). */
  static Plan hsetex(Request r, int name, long nowMillis) {
    return hash(r, name, nowMillis, 2);
  }

  /** {@code HGETEX key [options] FIELDS n field …} (Redis 8). */
  static Plan hgetex(Request r, int name, long nowMillis) {
    return hash(r, name, nowMillis, 1);
  }

  private static Plan hash(Request r, int name, long nowMillis, int argsPerField) {
    int found = NONE;
    int i = name + 2;
    while (i < r.argCount()) {
      if (isTime(r, i)) {
        if (found != NONE) {
          return null;
        }
        found = i;
        i += 2;
      } else if (Args.isAny(r, i, HASH_WORDS)) {
        i++;
      } else if (i + 1 < r.argCount() && r.argIs(i, "FIELDS")) {
        long fields = r.argLong(i + 1);
        if (fields < 1 || fields > r.argCount()) {
          return null; // Redis rejects the number
        }
        i += 2 + (int) fields * argsPerField;
      } else {
        return Args.SYNTAX_ERROR;
      }
    }
    return absolute(r, name, found, nowMillis, Deadline.LATEST_OF_FIELD);
  }

  private static boolean isTime(Request r, int i) {
    return i + 1 < r.argCount() && Args.isAny(r, i, TIMES);
  }

  private static Plan absolute(Request r, int name, int option, long nowMillis, long latest) {
    if (option == NONE || r.argLength(option) != 2) {
      return null; // no time, or an absolute one
    }
    long deadline = Deadline.of(r, option + 1, r.argIs(option, "EX"), nowMillis, latest);
    if (deadline == Deadline.AS_IT_IS) {
      return null;
    }
    byte[][] args = Args.copy(r, name, 0);
    boolean overflow = deadline == Deadline.OVERFLOW;
    // As seconds: Redis 6.2 misses some overflows of milliseconds.
    args[option - name] = overflow ? EX : PXAT;
    args[option - name + 1] = overflow ? Deadline.rejected() : Args.decimal(deadline);
    return Plan.Rewritten.single(args);
  }
}
