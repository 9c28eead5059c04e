package io.ratissidecar.statemachine.command;

import io.netty.buffer.ByteBuf;
import io.ratissidecar.statemachine.resp.Request;
import java.util.ArrayList;
import java.util.List;

/** Commands that may store what they found in the order in which they found it. */
final class OrderRules {
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
    // As it is goes what Redis orders by the bytes of the elements, a set that is not to be sorted
    // among it. With weights that are texts, elements of the same weight stay as they come; and
    // whether a text is a number depends on what the process has met before (errno, ADR 14).
    return !unsorted && (pattern || !alpha) ? StreamRules.inPrelude(r, name, false, false) : null;
  }

  /** {@code ZRANGESTORE destination source min max [options]}. */
  static Plan zrangestore(Request r, int name) {
    for (int i = name + 5; i < r.argCount(); i++) {
      if (r.argIs(i, "BYLEX")) {
        return StreamRules.inPrelude(r, name, false, false);
      }
    }
    return null;
  }

  /** {@code GEOSEARCHSTORE destination source …}. */
  static Plan geosearchstore(Request r, int name) {
    List<Integer> any = new ArrayList<>();
    boolean count = false;
    int i = name + 3;
    while (i < r.argCount()) {
      addIfAny(r, i, any);
      count |= r.argIs(i, "COUNT");
      i += Args.isAny(r, i, "FROMMEMBER", "COUNT") ? 2 : 1; // a member may be called ANY
    }
    return !any.isEmpty() && count ? without(r, name, any) : null;
  }

  /** {@code GEORADIUS} and {@code GEORADIUSBYMEMBER}; without STORE and STOREDIST a read. */
  static Plan georadius(Request r, int name) {
    boolean store = false;
    List<Integer> any = new ArrayList<>();
    boolean count = false;
    // Options begin at 5 or, one behind the unit, at 6; a unit is none of the words below.
    int i = name + 5;
    while (i < r.argCount()) {
      if (Args.isAny(r, i, "STORE", "STOREDIST")) {
        store = true;
        i += 2;
      } else {
        addIfAny(r, i, any);
        count |= r.argIs(i, "COUNT");
        i += r.argIs(i, "COUNT") ? 2 : 1;
      }
    }
    if (!store) {
      return Plan.READ;
    }
    return !any.isEmpty() && count ? without(r, name, any) : null;
  }

  /**
   * {@code ANY} takes what Redis finds first, which it does not promise; the nearest are one of the
   * outcomes that it allows.
   */
  private static Plan without(Request r, int name, List<Integer> any) {
    List<byte[]> args = new ArrayList<>();
    for (int i = name; i < r.argCount(); i++) {
      if (!any.contains(i)) {
        args.add(r.arg(i));
      }
    }
    return Plan.Rewritten.single(args.toArray(byte[][]::new));
  }

  private static void addIfAny(Request r, int i, List<Integer> any) {
    if (r.argIs(i, "ANY")) {
      any.add(i);
    }
  }

  private static boolean hasStar(Request r, int i) {
    ByteBuf buffer = r.buffer();
    int start = r.argStart(i);
    return buffer.indexOf(start, start + r.argLength(i), (byte) '*') >= 0;
  }
}
