package io.ratissidecar.statemachine.command;

import io.ratissidecar.statemachine.resp.Request;

/** Keeps commands away from the reserved database: for clients it does not exist. */
final class DatabaseRules {
  private static final Plan OUT_OF_RANGE = new Plan.Refused("ERR DB index is out of range");
  private static final byte[] SELECT = Args.ascii("SELECT");
  private static final byte[] FLUSHDB = Args.ascii("FLUSHDB");

  private DatabaseRules() {}

  /**
   * {@code FLUSHALL [ASYNC|SYNC]}: flushes each database but the reserved one, and goes back to the
   * one that was selected. All replies are OK; the client gets the last flush's.
   */
  static Plan flushAll(Request r, int name, int database, int reserved) {
    int args = r.argCount() - name;
    if (args > 2 || (args == 2 && !Args.isAny(r, name + 1, "ASYNC", "SYNC"))) {
      return Args.SYNTAX_ERROR;
    }
    byte[][] flush = args == 2 ? new byte[][] {FLUSHDB, r.arg(name + 1)} : new byte[][] {FLUSHDB};
    byte[][][] commands = new byte[2 * reserved + 1][][];
    for (int i = 0; i < reserved; i++) {
      commands[2 * i] = select(i);
      commands[2 * i + 1] = flush;
    }
    commands[2 * reserved] = select(database);
    return new Plan.Rewritten(commands, 2 * reserved - 1);
  }

  /** {@code COPY source destination [DB n] [REPLACE]}. */
  static Plan copy(Request r, int name, int reserved) {
    int i = name + 3;
    while (i < r.argCount()) {
      if (i + 1 < r.argCount() && r.argIs(i, "DB")) {
        long database = r.argLong(i + 1);
        if (database == reserved) {
          return OUT_OF_RANGE;
        } else if (database < 0 || database > reserved) {
          return null; // Redis rejects that before it looks at what follows
        }
        i += 2;
      } else if (r.argIs(i, "REPLACE")) {
        i++;
      } else {
        return Args.SYNTAX_ERROR;
      }
    }
    return null;
  }

  /** {@code MOVE key db}. */
  static Plan move(Request r, int name, int reserved) {
    return r.argLong(name + 2) == reserved ? OUT_OF_RANGE : null;
  }

  /** {@code SWAPDB db db}. A word that is no number is left for Redis to say which. */
  static Plan swap(Request r, int name, int reserved) {
    long first = r.argLong(name + 1);
    long second = r.argLong(name + 2);
    if (first == Request.NOT_A_NUMBER || second == Request.NOT_A_NUMBER) {
      return null;
    }
    return first == reserved || second == reserved ? OUT_OF_RANGE : null;
  }

  private static byte[][] select(int database) {
    return new byte[][] {SELECT, Args.decimal(database)};
  }
}
