package io.ratissidecar.cli.demo;

import java.util.ArrayList;
import java.util.List;

/** What the check's clients were told about each of their writes. Any thread. */
final class Ledger {
  /** What a client knows of a write. */
  enum Outcome {
    /** The cluster said that it is done: it must be there, exactly once. */
    ACKNOWLEDGED,
    /** Nobody said; it may be there, once at the most. */
    UNKNOWN
  }

  /**
   * One write.
   *
   * @param value unique among all writes
   * @param reply what the cluster answered; null when unknown
   */
  record Write(Kind kind, long value, Outcome outcome, String reply) {}

  /** What is written: each kind shows another way of being wrong. */
  enum Kind {
    /** A key of its own: shows what is lost. */
    SET,
    /** An element of one list: shows what is lost, doubled or in another order. */
    RPUSH,
    /** One counter: shows what is lost or doubled. */
    INCR
  }

  private final List<Write> writes = new ArrayList<>();
  private long acknowledged;
  private long retries;

  synchronized void add(Write write) {
    writes.add(write);
    if (write.outcome() == Outcome.ACKNOWLEDGED) {
      acknowledged++;
    }
  }

  synchronized void addRetry() {
    retries++;
  }

  /** How many times a write definitely did not happen and was sent again. */
  synchronized long retries() {
    return retries;
  }

  synchronized long acknowledged() {
    return acknowledged;
  }

  synchronized long unknown() {
    return writes.size() - acknowledged;
  }

  synchronized long total() {
    return writes.size();
  }

  synchronized List<Write> all() {
    return List.copyOf(writes);
  }
}
