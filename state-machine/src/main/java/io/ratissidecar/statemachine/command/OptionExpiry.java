package io.ratissidecar.statemachine.command;

import io.ratissidecar.statemachine.resp.Request;

/** Commands that take a time as an option, which becomes PXAT. */
final class OptionExpiry {
  private static final byte[] EX = Args.ascii("EX");
  private static final byte[] PXAT = Args.ascii("PXAT");
  private static final int NONE = -1;

  // Arrays of their own, so that looking at options allocates nothing.
  private static final String[] TIMES = {"EX", "PX", "EXAT", "PXAT"};
  private static final String[] SECONDS = {"EX", "EXAT"};
  private static final String[] SET_WORDS = {"NX", "XX", "GET"};
  private static final String[] SET_CONDITIONS = {"IFEQ", "IFNE", "IFDEQ", "IFDNE"};

  private OptionExpiry() {}

  /** {@code SET key value [options]}. */
  static Plan set(Request r, int name, long nowMillis) {
    int found = NONE;
    boolean known = true; // what Redis makes of it when the time is over
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
      } else if (r.argIs(i, "KEEPTTL")) {
        known = false; // an error, with a time
        i++;
      } else if (i + 1 < r.argCount() && Args.isAny(r, i, SET_CONDITIONS)) {
        known = false;
        i += 2; // Redis 8.4 and Valkey 8.1
      } else {
        return Args.SYNTAX_ERROR;
      }
    }
    // Redis keeps a key that is over from the start until it comes upon it, and DBSIZE counts it.
    return found != NONE && known && isOver(r, found, nowMillis)
        ? new Plan.InPrelude(r.args(name), false, false)
        : withDeadline(r, name, found, nowMillis);
  }

  private static boolean isOver(Request r, int option, long nowMillis) {
    return r.argLength(option) > 2
        && Deadline.absolute(r, option + 1, Args.isAny(r, option, SECONDS), nowMillis)
            == LogicalTime.PAST;
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
    return withDeadline(r, name, found, nowMillis);
  }

  private static boolean isTime(Request r, int i) {
    return i + 1 < r.argCount() && Args.isAny(r, i, TIMES);
  }

  private static Plan withDeadline(Request r, int name, int option, long nowMillis) {
    if (option == NONE) {
      return null;
    }
    boolean relative = r.argLength(option) == 2;
    boolean seconds = Args.isAny(r, option, SECONDS);
    long deadline =
        relative
            ? Deadline.relative(r, option + 1, seconds, nowMillis)
            : Deadline.absolute(r, option + 1, seconds, nowMillis);
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
