package io.ratissidecar.jepsen;

import java.util.Comparator;
import java.util.List;
import java.util.function.ToLongFunction;

/** What was over before something else began must come before it in the order of effects. */
final class RealTimeOrder {
  private RealTimeOrder() {}

  /**
   * @param position of an operation in the order of effects
   */
  static void check(
      List<Operation> operations, ToLongFunction<Operation> position, Verdict.Builder verdict) {
    List<Operation> byStart =
        operations.stream().sorted(Comparator.comparingLong(Operation::invokedNanos)).toList();
    List<Operation> byEnd =
        operations.stream().sorted(Comparator.comparingLong(Operation::completedNanos)).toList();
    Operation furthest = null; // of those that were over before the current one began
    int ended = 0;
    for (Operation o : byStart) {
      while (ended < byEnd.size() && byEnd.get(ended).precedes(o)) {
        Operation earlier = byEnd.get(ended++);
        if (furthest == null || position.applyAsLong(earlier) > position.applyAsLong(furthest)) {
          furthest = earlier;
        }
      }
      if (furthest != null && position.applyAsLong(furthest) >= position.applyAsLong(o)) {
        verdict.add("took effect before one that was over when it began: " + o + ", " + furthest);
      }
    }
  }
}
