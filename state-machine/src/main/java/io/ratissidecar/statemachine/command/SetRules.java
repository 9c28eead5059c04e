package io.ratissidecar.statemachine.command;

import io.ratissidecar.statemachine.resp.Request;

/** Commands on sets that choose. */
final class SetRules {
  private static final Plan NOT_POSITIVE =
      new Plan.Refused("ERR value is out of range, must be positive");

  /** No set is larger, and Lua knows the number exactly. */
  private static final long MOST = 1L << 40;

  private SetRules() {}

  /** {@code SPOP key [count]}. */
  static Plan spop(Request r, int name) {
    int args = r.argCount() - name;
    if (args > 3) {
      return Args.SYNTAX_ERROR;
    }
    if (args == 2) {
      return new Plan.Pop(r.arg(name + 1), Plan.Pop.ONE, null);
    }
    long count = r.argLong(name + 2);
    return count < 0 // or no number
        ? NOT_POSITIVE
        : new Plan.Pop(r.arg(name + 1), Math.min(count, MOST), null);
  }
}
