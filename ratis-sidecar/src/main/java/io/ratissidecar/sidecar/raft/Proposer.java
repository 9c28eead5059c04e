package io.ratissidecar.sidecar.raft;

/** Puts batches into the replicated log. Called on the front loop. */
interface Proposer {
  /**
   * Proposes a batch. On return {@link Batch#index} is its place in this node's log, or 0 when it
   * has none.
   *
   * @param onFailed called on the front loop when the proposal failed, at once or later. Only with
   *     index 0 is that the end of it; else the log decides
   */
  void propose(Batch batch, Runnable onFailed);

  /** True while this node is the leader and has committed an entry of its term. */
  boolean isLeaderReady();

  /** Index of the last entry in this node's log, committed or not. */
  long lastIndex();

  /** No earlier than any entry's clock in the log. */
  long nextLeaderTimeMillis();
}
