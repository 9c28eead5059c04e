package io.ratissidecar.jepsen;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.function.LongSupplier;
import java.util.function.Predicate;

/** Records operations of many clients. Any thread; each invocation belongs to one. */
public final class History {
  private final LongSupplier clock;
  private final ConcurrentLinkedQueue<Operation> done = new ConcurrentLinkedQueue<>();

  /**
   * @param clock monotone nanoseconds, the same for all clients
   */
  public History(LongSupplier clock) {
    this.clock = clock;
  }

  /**
   * Notes that an operation is about to be sent. Exactly one of the result's methods must follow.
   */
  public Invocation invoke(int process, Operation.Kind kind, String key, String argument) {
    return new Invocation(process, kind, key, argument, clock.getAsLong());
  }

  /** What is over so far, by time of invocation. */
  public List<Operation> operations() {
    List<Operation> all = new ArrayList<>(done);
    all.sort(Comparator.comparingLong(Operation::invokedNanos));
    return all;
  }

  /** The part of the history that a checker is about. */
  public List<Operation> operations(Predicate<Operation> filter) {
    return operations().stream().filter(filter).toList();
  }

  /** How many ended so. */
  public long count(Outcome outcome) {
    return done.stream().filter(o -> o.outcome() == outcome).count();
  }

  /** An operation under way. */
  public final class Invocation {
    private final int process;
    private final Operation.Kind kind;
    private final String key;
    private final String argument;
    private final long invokedNanos;

    private Invocation(
        int process, Operation.Kind kind, String key, String argument, long invokedNanos) {
      this.process = process;
      this.kind = kind;
      this.key = key;
      this.argument = argument;
      this.invokedNanos = invokedNanos;
    }

    public void ok(String result) {
      end(Outcome.OK, result, clock.getAsLong(), null);
    }

    public void fail(String error) {
      end(Outcome.FAIL, null, clock.getAsLong(), error);
    }

    public void info(String error) {
      end(Outcome.INFO, null, Long.MAX_VALUE, error);
    }

    private void end(Outcome outcome, String result, long atNanos, String error) {
      done.add(
          new Operation(
              process, kind, key, argument, result, invokedNanos, atNanos, outcome, error));
    }
  }
}
