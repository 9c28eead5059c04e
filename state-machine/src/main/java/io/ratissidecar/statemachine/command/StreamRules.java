package io.ratissidecar.statemachine.command;

import io.ratissidecar.statemachine.resp.Request;

/** Stream commands whose arguments decide whether they can be replicated. */
final class StreamRules {
  private static final String[] WORDS = {"NOMKSTREAM", "KEEPREF", "DELREF", "ACKED"};
  private static final String[] TRIMMING = {"MAXLEN", "MINID"};
  private static final String[] MARKS = {"~", "="};
  private static final Plan GENERATED_ID =
      new Plan.Refused(
          "ERR XADD is refused: a generated ID comes from the clock of one node, and is not yet"
              + " taken from the log's; give the full ID");
  private static final Plan INVALID_ID =
      new Plan.Refused("ERR Invalid stream ID specified as stream command argument");
  private static final Plan BLOCK =
      new Plan.Refused("ERR XREAD is refused: BLOCK is not yet supported; use XREAD without BLOCK");

  private StreamRules() {}

  /** {@code XADD key [options] id field value …}: the ID must be given in full. */
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
        return id(r, i);
      }
    }
    return null; // no ID at all: Redis rejects it
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
