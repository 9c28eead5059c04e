package io.ratissidecar.cli.demo;

import io.ratissidecar.cli.demo.Ledger.Kind;
import io.ratissidecar.cli.demo.Ledger.Outcome;
import io.ratissidecar.cli.demo.Ledger.Write;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.BooleanSupplier;

/**
 * Writes in turn to a key of its own, a list and a counter, starting at one node. The keys of a run
 * have names of their own, so that a directory can be checked again.
 */
final class CheckWriter {
  private final String run;
  private final List<String> addresses;
  private final int first;
  private final Ledger ledger;
  private final AtomicLong values;

  CheckWriter(String run, List<String> addresses, int first, Ledger ledger, AtomicLong values) {
    this.run = run;
    this.addresses = addresses;
    this.first = first;
    this.ledger = ledger;
    this.values = values;
  }

  static String key(String run, long value) {
    return "check:" + run + ":" + value;
  }

  static String list(String run) {
    return "check:" + run + ":list";
  }

  static String counter(String run) {
    return "check:" + run + ":counter";
  }

  void writeWhile(BooleanSupplier condition) throws DemoFailure, InterruptedException {
    try (CheckClient client = new CheckClient(addresses, first, ledger::addRetry)) {
      while (condition.getAsBoolean()) {
        write(client);
      }
    }
  }

  /** Some writes of each kind. */
  void write(int rounds) throws DemoFailure, InterruptedException {
    int[] left = {rounds};
    writeWhile(() -> left[0]-- > 0);
  }

  private void write(CheckClient client) throws DemoFailure, InterruptedException {
    long value = values.incrementAndGet();
    String text = Long.toString(value);
    record(Kind.SET, value, client.call("RAFT", "SET", key(run, value), text));
    record(Kind.RPUSH, value, client.call("RAFT", "RPUSH", list(run), text));
    record(Kind.INCR, value, client.call("RAFT", "INCR", counter(run)));
  }

  private void record(Kind kind, long value, Optional<String> reply) {
    Outcome outcome = reply.isPresent() ? Outcome.ACKNOWLEDGED : Outcome.UNKNOWN;
    ledger.add(new Write(kind, value, outcome, reply.orElse(null)));
  }
}
