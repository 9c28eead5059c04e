package io.ratissidecar.statemachine.command;

/** What a command without {@code RAFT} does when the prefix is asked for (explicit mode). */
public enum LocalPolicy {
  /** Goes to this node's own local Redis. */
  PASS,
  /** Answered by the sidecar's session; local Redis does not see it. */
  SESSION,
  /** An error: it would break replication on this node. */
  REFUSE
}
