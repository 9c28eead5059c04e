package io.ratissidecar.statemachine.command;

import io.ratissidecar.statemachine.resp.Request;
import java.util.ArrayList;
import java.util.List;

/** Stream commands whose arguments decide whether they can be replicated. */
final class StreamRules {
  private static final String[] WORDS = {"NOMKSTREAM", "KEEPREF", "DELREF", "ACKED"};
  private static final String[] TRIMMING = {"MAXLEN", "MINID"};
  private static final String[] MARKS = {"~", "="};
  private static final byte[] EXACTLY = {'='};
  private static final Plan GENERATED_ID =
      new Plan.Refused(
          "ERR XADD is refused: a generated ID comes from the clock of one node, and is not yet"
              + " taken from the log's; give the full ID");
  private static final Plan INVALID_ID =
      new Plan.Refused("ERR Invalid stream ID specified as stream command argument");
  private static final Plan BLOCK =
      new Plan.Refused("ERR XREAD is refused: BLOCK is not yet supported; use XREAD without BLOCK");
  private static final Plan LOCAL_CLOCK =
      new Plan.Refused(
          "ERR XCLAIM is refused: it stores the local clock as the delivery time; give 0 as the"
              + " minimal idle time, an absolute TIME, and no IDLE");

  private StreamRules() {}

  /**
   * {@code XADD key [options] id field value …}: the ID must be given in full, and what is trimmed
   * is trimmed exactly.
   */
  static Plan xadd(Request r, int name) {
    int i = name + 2;
    while (i < r.argCount()) {
      if (Args.isAny(r, i, WORDS)) {
        i++;
      } else if (Args.isAny(r, i, TRIMMING)) {
        boolean mark = i + 1 < r.argCount() && Args.isAny(r, i + 1, MARKS);
        i += mark ? 3 : 2;
      } else if (r.argIs(i, "LIMIT")) {
        i += 2;
      } else {
        Plan refused = id(r, i);
        return refused != null ? refused : exactTrimming(r, name, i);
      }
    }
    return null; // no ID at all: Redis rejects it
  }

  /** {@code XTRIM key MAXLEN|MINID [=|~] threshold [LIMIT count]} trims exactly. */
  static Plan xtrim(Request r, int name) {
    return exactTrimming(r, name, r.argCount());
  }

  /**
   * How much {@code ~} leaves depends on the size of a stream's nodes, a setting of each Redis; to
   * trim exactly is one of the outcomes that it allows. {@code LIMIT}, which only it can have, goes
   * with it.
   *
   * @param end the argument behind the options
   */
  private static Plan exactTrimming(Request r, int name, int end) {
    boolean approximate = false;
    for (int i = name + 3; i < end; i++) {
      approximate |= r.argIs(i, "~") && Args.isAny(r, i - 1, TRIMMING);
    }
    if (!approximate) {
      return null;
    }
    List<byte[]> args = new ArrayList<>();
    for (int i = name; i < r.argCount(); i++) {
      if (i > name + 1 && i + 1 < end && r.argIs(i, "LIMIT")) {
        if (r.argLong(i + 1) < 0) {
          return null; // Redis rejects the number
        }
        i++;
      } else {
        boolean mark = i < end && r.argIs(i, "~") && Args.isAny(r, i - 1, TRIMMING);
        args.add(mark ? EXACTLY : r.arg(i));
      }
    }
    return Plan.Rewritten.single(args.toArray(byte[][]::new));
  }

  /**
   * {@code XCLAIM key group consumer min-idle-time id … [IDLE ms] [TIME unix-ms] [RETRYCOUNT n]
   * [FORCE] [JUSTID] [LASTID id]}: in the form in which Redis sends it to its replicas, with {@code
   * TIME} and no idle time, what it does depends on no clock. (A {@code TIME} in the future is
   * taken for now, so that it may be stored a little earlier by a Redis whose clock is behind.)
   */
  static Plan xclaim(Request r, int name) {
    boolean absolute = false;
    for (int i = name + 5; i < r.argCount(); i++) {
      if (r.argIs(i, "IDLE")) {
        return LOCAL_CLOCK;
      }
      if (Args.isAny(r, i, "RETRYCOUNT", "LASTID")) {
        i++;
      } else if (r.argIs(i, "TIME") && i + 1 < r.argCount()) {
        i++;
        absolute = r.argLong(i) >= 0;
      }
    }
    return absolute && r.argLong(name + 4) == 0 ? null : LOCAL_CLOCK;
  }

  /** {@code XREAD [COUNT n] [BLOCK ms] STREAMS …}. */
  static Plan xread(Request r, int name) {
    int i = name + 1;
    while (i < r.argCount() && !r.argIs(i, "STREAMS")) {
      if (r.argIs(i, "BLOCK")) {
        return BLOCK;
      }
      i += r.argIs(i, "COUNT") ? 2 : 1;
    }
    return null;
  }

  /**
   * Only digits with one dash between them are taken for an ID. Anything else might be an option of
   * a newer Redis with a generated ID behind it.
   */
  private static Plan id(Request r, int i) {
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
      } else if (b == '*' && k == length - 1 && digits == 0 && (k == 0 || dash)) {
        return GENERATED_ID;
      } else {
        return INVALID_ID;
      }
    }
    return digits > 0 ? null : INVALID_ID;
  }
}
