package io.ratissidecar.jepsen;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * Linearizability of one register: the search of Wing and Gong, made feasible by remembering
 * configurations, and by placing operations only when a return makes it necessary (Lowe 2017).
 *
 * <p>A configuration is the register's value and which of the operations under way have taken
 * effect already. Invocations and returns are gone through in order; at a return all configurations
 * in which that operation can't have taken effect are dropped. None left means: not linearizable.
 * Indeterminate writes never return, so they may take effect at any later moment or never; one
 * whose value nobody read can be left out, since without it every read still finds the same value.
 */
public final class RegisterChecker {
  private static final int MOST_CONFIGURATIONS = 1_000_000;

  private record Configuration(String value, Set<Integer> effective) {}

  private record Event(long nanos, boolean isReturn, int operation) {}

  private final List<Operation> operations;
  private final Set<Integer> open = new HashSet<>();
  private Set<Configuration> configurations = new HashSet<>();

  private RegisterChecker(List<Operation> operations, String initial) {
    this.operations = operations;
    configurations.add(new Configuration(initial, Set.of()));
  }

  /**
   * @param operations reads and writes of one key
   * @param initial value before them, null when the key was missing
   */
  public static Verdict check(List<Operation> operations, String initial) {
    Set<String> read =
        operations.stream()
            .filter(o -> o.kind() == Operation.Kind.READ && o.isOk())
            .map(Operation::result)
            .collect(Collectors.toSet());
    List<Operation> relevant =
        operations.stream()
            .filter(o -> o.isOk() || isPossibleWrite(o) && read.contains(o.argument()))
            .toList();
    return new RegisterChecker(relevant, initial).run();
  }

  private static boolean isPossibleWrite(Operation o) {
    return o.kind() == Operation.Kind.WRITE && o.outcome() == Outcome.INFO;
  }

  private List<Event> events() {
    List<Event> events = new ArrayList<>();
    for (int i = 0; i < operations.size(); i++) {
      Operation o = operations.get(i);
      events.add(new Event(o.invokedNanos(), false, i));
      if (o.isOk()) {
        events.add(new Event(o.completedNanos(), true, i));
      }
    }
    // At the same instant they count as concurrent, so invocations come first.
    events.sort(Comparator.comparingLong(Event::nanos).thenComparing(Event::isReturn));
    return events;
  }

  private Verdict run() {
    for (Event event : events()) {
      if (!event.isReturn()) {
        open.add(event.operation());
        continue;
      }
      Set<Configuration> before = configurations;
      configurations = withEffectOf(event.operation());
      open.remove(event.operation());
      if (configurations.isEmpty()) {
        String values =
            before.stream()
                .map(c -> String.valueOf(c.value()))
                .distinct()
                .sorted()
                .toList()
                .toString();
        return new Verdict(
            List.of(
                "not linearizable at "
                    + operations.get(event.operation())
                    + "; before it the value could be one of "
                    + values));
      }
      if (configurations.size() > MOST_CONFIGURATIONS) {
        return new Verdict(List.of("undecided: more than a million configurations"));
      }
    }
    return new Verdict(List.of());
  }

  /** All configurations that can be reached in which this operation has taken effect. */
  private Set<Configuration> withEffectOf(int returned) {
    Set<Configuration> seen = new HashSet<>(configurations);
    ArrayDeque<Configuration> work = new ArrayDeque<>(configurations);
    Set<Configuration> result = new HashSet<>();
    while (!work.isEmpty() && seen.size() <= 2 * MOST_CONFIGURATIONS) {
      Configuration c = work.poll();
      if (c.effective().contains(returned)) {
        Set<Integer> rest = new HashSet<>(c.effective());
        rest.remove(returned);
        result.add(new Configuration(c.value(), rest));
        continue;
      }
      for (int i : open) {
        Configuration next = c.effective().contains(i) ? null : after(c, i);
        if (next != null && seen.add(next)) {
          work.add(next);
        }
      }
    }
    return result;
  }

  /** The configuration after an operation takes effect; null when it can't there. */
  private Configuration after(Configuration c, int i) {
    Operation o = operations.get(i);
    boolean isRead = o.kind() == Operation.Kind.READ;
    if (isRead && !Objects.equals(o.result(), c.value())) {
      return null;
    }
    Set<Integer> effective = new HashSet<>(c.effective());
    effective.add(i);
    return new Configuration(isRead ? c.value() : o.argument(), effective);
  }
}
