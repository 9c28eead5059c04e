package io.ratissidecar.jepsen;

/**
 * One operation of one client, as the client saw it.
 *
 * @param process the client; has one operation at a time
 * @param argument what was written or pushed; null for reads and increments
 * @param result what a read, an increment or a push returned; null for a missing key, and when
 *     there was no reply
 * @param invokedNanos before the request was sent
 * @param completedNanos after the reply was read; {@link Long#MAX_VALUE} when indeterminate, since
 *     the effect may still come
 * @param error the error reply or the exception; null when it went well
 */
public record Operation(
    int process,
    Kind kind,
    String key,
    String argument,
    String result,
    long invokedNanos,
    long completedNanos,
    Outcome outcome,
    String error) {

  /** What was done. */
  public enum Kind {
    /** {@code GET} of a register. */
    READ,
    /** {@code SET} of a register, to a value that nobody else writes. */
    WRITE,
    /** {@code INCR} of a counter. */
    INCREMENT,
    /** {@code RPUSH} of a value that nobody else pushes. */
    PUSH
  }

  /** True when this was over before the other began. */
  public boolean precedes(Operation other) {
    return completedNanos < other.invokedNanos;
  }

  public boolean isOk() {
    return outcome == Outcome.OK;
  }
}
