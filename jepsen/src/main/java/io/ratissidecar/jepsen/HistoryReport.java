package io.ratissidecar.jepsen;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;
import java.util.TreeMap;

/** Judges the whole history of a {@link Workload}, and tells what was in it. */
public final class HistoryReport {
  /** What the cluster holds after the workload. */
  public interface FinalState {
    /** Null when the key is missing. */
    String get(String key);

    /** Empty when the key is missing. */
    List<String> list(String key);
  }

  private final List<Operation> operations;

  public HistoryReport(History history) {
    this.operations = history.operations();
  }

  /** Runs the checkers over every key of the workload. */
  public Verdict check(FinalState state) {
    Map<String, List<Operation>> byKey = new TreeMap<>();
    for (Operation o : operations) {
      byKey.computeIfAbsent(o.key(), k -> new ArrayList<>()).add(o);
    }
    List<String> problems = new ArrayList<>();
    byKey.forEach(
        (key, ops) -> {
          for (String problem : check(key, ops, state).problems()) {
            problems.add(key + ": " + problem);
          }
        });
    return new Verdict(problems);
  }

  private static Verdict check(String key, List<Operation> operations, FinalState state) {
    if (key.startsWith(Workload.COUNTER)) {
      String value = state.get(key);
      return CounterChecker.check(operations, value == null ? 0 : Long.parseLong(value));
    }
    if (key.startsWith(Workload.LIST)) {
      return ListChecker.check(operations, state.list(key));
    }
    List<Operation> withLast = new ArrayList<>(operations);
    // The state at the end is a read as well: it must not have lost the last write.
    long end = lastMoment(operations) + 1;
    withLast.add(
        new Operation(
            -1, Operation.Kind.READ, key, null, state.get(key), end, end + 1, Outcome.OK, null));
    return RegisterChecker.check(withLast, null);
  }

  private static long lastMoment(List<Operation> operations) {
    return operations.stream()
        .mapToLong(
            o ->
                o.completedNanos() == Long.MAX_VALUE
                    ? o.invokedNanos()
                    : Math.max(o.invokedNanos(), o.completedNanos()))
        .max()
        .orElse(0);
  }

  /** Nanoseconds from a moment to the first acknowledgement of a write that began after it. */
  public OptionalLong firstWriteAfter(long nanos) {
    return operations.stream()
        .filter(o -> o.isOk() && o.kind() != Operation.Kind.READ && o.invokedNanos() > nanos)
        .mapToLong(o -> o.completedNanos() - nanos)
        .min();
  }

  /** The longest time without an acknowledged write after a moment, in nanoseconds. */
  public long longestGapNanos(long fromNanos) {
    long longest = 0;
    long last = fromNanos;
    for (long at :
        operations.stream()
            .filter(o -> o.isOk() && o.kind() != Operation.Kind.READ)
            .mapToLong(Operation::completedNanos)
            .filter(at -> at > fromNanos)
            .sorted()
            .toArray()) {
      longest = Math.max(longest, at - last);
      last = at;
    }
    return longest;
  }

  /** How many operations ended so. */
  public long count(Outcome outcome) {
    return operations.stream().filter(o -> o.outcome() == outcome).count();
  }

  /** One line: how many ended how, with the kinds of errors. */
  public String summary() {
    Map<String, Integer> counts = new TreeMap<>();
    for (Operation o : operations) {
      String error = o.error() == null ? "" : " " + shortened(o.error());
      counts.merge(o.outcome() + error, 1, Integer::sum);
    }
    return counts.toString();
  }

  private static String shortened(String error) {
    String text = error.startsWith("MOVED") ? "MOVED" : error;
    return text.length() > 70 ? text.substring(0, 70) : text;
  }
}
