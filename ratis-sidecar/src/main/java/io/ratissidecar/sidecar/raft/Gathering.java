package io.ratissidecar.sidecar.raft;

/**
 * How long a batch that could be proposed waits for more commands.
 *
 * <p>A batch costs the cluster about the same whether it carries one command or a hundred, and
 * clients that wait for replies come back together, shortly after a batch was committed. Proposing
 * what the first of them sends makes every second batch a small one. So the next batch waits until
 * it holds about as many commands as were waiting for an answer when the last one was committed,
 * but no longer than that one took. A lone client is never made to wait: nobody else is expected.
 *
 * <p>Not safe for use by several threads.
 */
final class Gathering {
  /** Not all clients come back; waiting for the very last one is not worth it. */
  private static final double ENOUGH = 0.9;

  private static final long MOST_NANOS = 2_000_000;

  private double enough;
  private long untilNanos;

  /**
   * A batch was committed.
   *
   * @param unanswered commands that wait for an answer, of this batch and of those behind it
   * @param tookNanos from proposing it until now
   */
  void committed(int unanswered, long tookNanos, long nowNanos) {
    enough = ENOUGH * unanswered;
    untilNanos = nowNanos + Math.min(tookNanos, MOST_NANOS);
  }

  /**
   * @return for how many nanoseconds a batch of so many commands should wait, 0 when it should go
   */
  long remainingNanos(int commands, long nowNanos) {
    return commands >= enough ? 0 : Math.max(0, untilNanos - nowNanos);
  }
}
