package io.ratissidecar.statemachine.command;

import io.ratissidecar.statemachine.resp.Request;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/** Stream commands whose arguments decide whether they can be replicated. */
final class StreamRules {
  private static final String[] WORDS = {"NOMKSTREAM", "KEEPREF", "DELREF", "ACKED"};
  private static final String[] TRIMMING = {"MAXLEN", "MINID"};
  private static final String[] MARKS = {"~", "="};

  /** Lua can't call a command with more. */
  private static final int MOST_ARGUMENTS = 7500;

  private static final Plan INVALID_ID =
      new Plan.Refused("ERR Invalid stream ID specified as stream command argument");

  private StreamRules() {}

  /**
   * {@code XADD key [options] id field value …}: a generated ID is one of the entry's clock, and
   * what {@code ~} trims is reckoned, since it depends on a setting of each Redis.
   */
  static Plan xadd(Request r, int name) {
    boolean approximate = false;
    int i = name + 2;
    while (i < r.argCount()) {
      if (Args.isAny(r, i, WORDS)) {
        i++;
      } else if (Args.isAny(r, i, TRIMMING)) {
        boolean mark = i + 1 < r.argCount() && Args.isAny(r, i + 1, MARKS);
        approximate |= mark && r.argIs(i + 1, "~");
        i += mark ? 3 : 2;
      } else if (r.argIs(i, "LIMIT")) {
        i += 2;
      } else if (r.argLength(i) == 1 && r.argIs(i, "*")) {
        return inPrelude(r, name, false, false);
      } else if (isId(r, i)) {
        return approximate ? inPrelude(r, name, false, false) : null;
      } else {
        return INVALID_ID;
      }
    }
    return null; // no ID at all: Redis rejects it
  }

  /** {@code XTRIM key MAXLEN|MINID [=|~] threshold [LIMIT count]}: as {@link #xadd}. */
  static Plan xtrim(Request r, int name) {
    for (int i = name + 3; i < r.argCount(); i++) {
      if (r.argIs(i, "~")) {
        return inPrelude(r, name, false, false);
      }
    }
    return null;
  }

  /** {@code XPENDING key group}, or its long form, which tells idle times. */
  static Plan xpending(Request r, int name) {
    return r.argCount() - name == 3 ? null : inPrelude(r, name, true, false);
  }

  /**
   * {@code XREADGROUP GROUP group consumer [COUNT n] [BLOCK ms] [NOACK] STREAMS key … id …}. It
   * waits for new entries only: pending ones, even none, are an answer.
   */
  static Plan xreadgroup(Request r, int name) {
    Reading reading = new Reading(r, name);
    if (reading.refused != null) {
      return reading.refused;
    }
    if (r.argCount() - name > MOST_ARGUMENTS) {
      return tooMany(r, name);
    }
    Plan now = new Plan.InPrelude(reading.withoutBlock(), false, true);
    return reading.waits(">")
        ? new Plan.Blocking(now, Plan.Waiting.IN_GROUP, STREAM, reading.keys(), reading.blockMillis)
        : now;
  }

  /** {@code XREAD [COUNT n] [BLOCK ms] STREAMS key … id …}. */
  static Plan xread(Request r, int name) {
    Reading reading = new Reading(r, name);
    if (reading.refused != null || reading.blockMillis < 0) {
      return reading.refused;
    }
    Plan now = new Plan.ReadInstead(reading.withoutBlock());
    return reading.waits(null)
        ? new Plan.Blocking(now, Plan.Waiting.TO_READ, STREAM, reading.keys(), reading.blockMillis)
        : now;
  }

  private static final String STREAM = "stream";

  /** The arguments of {@code XREAD} and {@code XREADGROUP}. */
  private static final class Reading {
    private final Request r;
    private final int name;
    private int block;
    private int streams;
    private long blockMillis = -1;
    private Plan refused;

    Reading(Request r, int name) {
      this.r = r;
      this.name = name;
      int i = name + 1;
      while (i < r.argCount() && !r.argIs(i, "STREAMS") && refused == null) {
        if (r.argIs(i, "BLOCK") && i + 1 < r.argCount()) {
          block = i;
          blockMillis = r.argLong(i + 1);
          refused = blockMillis < 0 ? badTimeout(blockMillis) : null;
          i += 2;
        } else if (r.argIs(i, "GROUP")) {
          i += 3;
        } else if (r.argIs(i, "COUNT")) {
          i += 2;
        } else if (r.argIs(i, "NOACK")) {
          i++;
        } else {
          refused = Args.SYNTAX_ERROR; // a newer Redis might know it, and it might be about time
        }
      }
      streams = i + 1;
    }

    private static Plan badTimeout(long millis) {
      return new Plan.Refused(
          millis == Request.NOT_A_NUMBER
              ? "ERR timeout is not an integer or out of range"
              : "ERR timeout is negative");
    }

    /** The command in its form that does not wait. */
    byte[][] withoutBlock() {
      byte[][] all = r.args(name);
      if (block == 0) {
        return all;
      }
      List<byte[]> left = new ArrayList<>(List.of(all));
      left.subList(block - name, block - name + 2).clear();
      return left.toArray(byte[][]::new);
    }

    /**
     * Whether there is something to wait for; if not, Redis may have to say what is wrong.
     *
     * @param id what each ID has to be; null for any
     */
    boolean waits(String id) {
      int arguments = r.argCount() - streams;
      if (blockMillis < 0 || arguments < 2 || arguments % 2 != 0) {
        return false;
      }
      for (int i = streams + arguments / 2; i < r.argCount(); i++) {
        if (id != null && !r.argIs(i, id)) {
          return false;
        }
      }
      return true;
    }

    List<byte[]> keys() {
      byte[][] all = r.args(streams);
      return List.of(all).subList(0, all.length / 2);
    }
  }

  /** A command whose arguments the prelude looks at. */
  static Plan inPrelude(Request r, int name, boolean readOnly, boolean nullIsArray) {
    return r.argCount() - name > MOST_ARGUMENTS
        ? tooMany(r, name)
        : new Plan.InPrelude(r.args(name), readOnly, nullIsArray);
  }

  private static Plan tooMany(Request r, int name) {
    return new Plan.Refused(
        "ERR "
            + r.argString(name).toUpperCase(Locale.ROOT)
            + " is refused: what runs with the prelude has "
            + MOST_ARGUMENTS
            + " arguments at the most");
  }

  /**
   * Whether an argument is an ID: digits, perhaps a dash, and behind it digits or a star. Anything
   * else might be an option of a newer Redis with a generated ID behind it.
   */
  private static boolean isId(Request r, int i) {
    int length = r.argLength(i);
    int start = r.argStart(i);
    int digits = 0;
    boolean dash = false;
    for (int k = 0; k < length; k++) {
      byte b = r.buffer().getByte(start + k);
      if (b >= '0' && b <= '9') {
        digits++;
      } else if (b == '-' && digits > 0 && !dash) {
        dash = true;
        digits = 0;
      } else {
        return b == '*' && k == length - 1 && digits == 0 && dash;
      }
    }
    return digits > 0;
  }
}
