package io.ratissidecar.statemachine.command;

/**
 * Deadlines as the local Redis keeps them. They count from the log's clock, not from that of the
 * node, so Redis must never act on one by itself: it gets all of them later by a fixed time.
 */
public final class LogicalTime {
  /** How much later, milliseconds. */
  public static final long SHIFT_MILLIS = 0;

  private LogicalTime() {}
}
