package io.ratissidecar.statemachine.command;

import io.netty.buffer.ByteBuf;
import io.ratissidecar.statemachine.resp.Request;

/** Commands that may store what they found in the order in which they found it. */
final class OrderRules {
  private static final Plan SORT_UNSORTED =
      new Plan.Refused("ERR SORT is refused: STORE with BY and no pattern is not yet supported");
  private static final Plan SORT_TIES =
      new Plan.Refused(
          "ERR SORT is refused: with STORE, BY a pattern and ALPHA, elements of equal weight are"
              + " stored in hash-table order, so replicas would differ");
  private static final Plan GEO_ANY =
      new Plan.Refused(
          "ERR COUNT with ANY is refused when it stores: which elements are found first is not"
              + " promised, so replicas could differ");

  private OrderRules() {}

  /** {@code SORT key [options] [STORE destination]}; without STORE it is a read. */
  static Plan sort(Request r, int name) {
    boolean store = false;
    boolean alpha = false;
    boolean pattern = false;
    boolean unsorted = false;
    int i = name + 2;
    while (i < r.argCount()) {
      int left = r.argCount() - i - 1;
      if (Args.isAny(r, i, "ASC", "DESC", "ALPHA")) {
        alpha |= r.argIs(i, "ALPHA");
        i++;
      } else if (left >= 2 && r.argIs(i, "LIMIT")) {
        i += 3;
      } else if (left >= 1 && Args.isAny(r, i, "BY", "GET", "STORE")) {
        store |= r.argIs(i, "STORE");
        if (r.argIs(i, "BY")) {
          pattern = hasStar(r, i + 1);
          unsorted |= !pattern;
        }
        i += 2;
      } else {
        return Args.SYNTAX_ERROR;
      }
    }
    if (!store) {
      return Plan.READ;
    }
    if (unsorted) {
      return SORT_UNSORTED;
    }
    return pattern && alpha ? SORT_TIES : null;
  }

  /** {@code GEOSEARCHSTORE destination source …}. */
  static Plan geosearchstore(Request r, int name) {
    int i = name + 3;
    while (i < r.argCount()) {
      if (r.argIs(i, "ANY")) {
        return GEO_ANY;
      }
      i += Args.isAny(r, i, "FROMMEMBER", "COUNT") ? 2 : 1; // a member may be called ANY
    }
    return null;
  }

  /** {@code GEORADIUS} and {@code GEORADIUSBYMEMBER}; without STORE and STOREDIST a read. */
  static Plan georadius(Request r, int name) {
    boolean store = false;
    boolean any = false;
    // Options begin at 5 or, one behind the unit, at 6; a unit is none of the words below.
    int i = name + 5;
    while (i < r.argCount()) {
      if (Args.isAny(r, i, "STORE", "STOREDIST")) {
        store = true;
        i += 2;
      } else {
        any |= r.argIs(i, "ANY");
        i += r.argIs(i, "COUNT") ? 2 : 1;
      }
    }
    if (!store) {
      return Plan.READ;
    }
    return any ? GEO_ANY : null;
  }

  private static boolean hasStar(Request r, int i) {
    ByteBuf buffer = r.buffer();
    int start = r.argStart(i);
    return buffer.indexOf(start, start + r.argLength(i), (byte) '*') >= 0;
  }
}
