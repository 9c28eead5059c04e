package io.ratissidecar.sidecar.raft;

/** Why a replicated command has no reply of Redis's. Says whether the command can have happened. */
public enum Failure {
  /** Another node has to be asked; nothing happened. */
  NOT_LEADER(true),
  /** A majority did not confirm the leader in time; a read, so nothing happened. */
  NO_QUORUM_FOR_READ(true),
  /** The local Redis was lost, or too slow, before it answered a read; nothing happened. */
  REDIS_LOST(true),
  /**
   * The write has no result in time: not committed, or not applied. It may still happen, or never.
   */
  OUTCOME_UNKNOWN(false),
  /** The write happened exactly once, but its reply was lost with the connection to Redis. */
  REPLY_LOST(false);

  private final boolean definite;

  Failure(boolean definite) {
    this.definite = definite;
  }

  /** True when the command surely did not happen and may be sent again. */
  public boolean isDefinite() {
    return definite;
  }
}
