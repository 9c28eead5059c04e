package io.ratissidecar.jepsen;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Each acknowledged {@code RPUSH} of a unique value is in the list once, where its reply said, and
 * in the order of real time; failed ones are not in it.
 */
public final class ListChecker {
  private ListChecker() {}

  /**
   * @param operations pushes to one key that nothing else changes
   * @param list the whole list after all of them
   */
  public static Verdict check(List<Operation> operations, List<String> list) {
    Verdict.Builder verdict = new Verdict.Builder();
    Map<String, Integer> positions = new HashMap<>();
    for (int i = 0; i < list.size(); i++) {
      Integer before = positions.putIfAbsent(list.get(i), i);
      if (before != null) {
        verdict.add(list.get(i) + " is in the list twice, at " + before + " and " + i);
      }
    }
    Set<String> unexplained = new HashSet<>(positions.keySet());
    List<Operation> present = new ArrayList<>();
    for (Operation o : operations) {
      Integer position = positions.get(o.argument());
      if (o.outcome() != Outcome.FAIL) {
        unexplained.remove(o.argument());
      }
      if (o.isOk()) {
        acknowledged(o, position, present, verdict);
      } else if (o.outcome() == Outcome.FAIL && position != null) {
        unexplained.remove(o.argument());
        verdict.add("failed (" + o.error() + "), but is in the list: " + o.argument());
      }
    }
    unexplained.forEach(value -> verdict.add("is in the list, but nobody pushed it: " + value));
    RealTimeOrder.check(present, o -> positions.get(o.argument()), verdict);
    return verdict.build();
  }

  private static void acknowledged(
      Operation o, Integer position, List<Operation> present, Verdict.Builder verdict) {
    if (position == null) {
      verdict.add("acknowledged, but not in the list: " + o);
      return;
    }
    present.add(o);
    if (o.result() != null && Long.parseLong(o.result()) != position + 1) {
      verdict.add(
          "the reply to the push of "
              + o.argument()
              + " was "
              + o.result()
              + ", but it is element "
              + (position + 1));
    }
  }
}
