package io.ratissidecar.sidecar.raft;

/** Ends the process: a node that can't be right must not go on. Any thread. */
@FunctionalInterface
public interface FatalHandler {
  /**
   * @param reason what is wrong, in words for the operator
   * @param cause may be null
   */
  void stop(String reason, Throwable cause);
}
