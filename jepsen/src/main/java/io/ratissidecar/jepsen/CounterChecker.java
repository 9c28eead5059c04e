package io.ratissidecar.jepsen;

import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** Each acknowledged {@code INCR} of a counter counted once, and in the order of real time. */
public final class CounterChecker {
  private CounterChecker() {}

  /**
   * @param operations increments of one key that nothing else changes
   * @param finalValue the counter after all of them
   */
  public static Verdict check(List<Operation> operations, long finalValue) {
    Verdict.Builder verdict = new Verdict.Builder();
    Map<Long, Operation> byResult = new HashMap<>();
    long acknowledged = 0;
    long open = 0;
    for (Operation o : operations) {
      if (o.outcome() == Outcome.INFO) {
        open++;
      }
      if (!o.isOk()) {
        continue;
      }
      acknowledged++;
      long result = Long.parseLong(o.result());
      Operation twin = byResult.put(result, o);
      if (twin != null) {
        verdict.add("two increments returned " + result + ": " + twin + " and " + o);
      }
      if (result > finalValue) {
        verdict.add("an increment returned " + result + ", but the counter ends at " + finalValue);
      }
    }
    if (finalValue < acknowledged) {
      verdict.add(acknowledged + " acknowledged increments, but the counter ends at " + finalValue);
    }
    if (finalValue > acknowledged + open) {
      verdict.add(
          "the counter ends at "
              + finalValue
              + ", more than "
              + acknowledged
              + " acknowledged and "
              + open
              + " indeterminate increments");
    }
    RealTimeOrder.check(
        operations.stream().filter(Operation::isOk).toList(),
        o -> Long.parseLong(o.result()),
        verdict);
    return verdict.build();
  }
}
