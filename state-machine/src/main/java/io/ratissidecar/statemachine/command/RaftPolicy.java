package io.ratissidecar.statemachine.command;

/** What {@code RAFT <command>} does. */
public enum RaftPolicy {
  /** A deterministic write: becomes part of a log entry. */
  LOG,
  /** A linearizable read, answered by one local Redis. */
  READ,
  /** Runs a script, or is about them: what becomes of it depends on which scripts the log has. */
  SCRIPT,
  /** Answered by the sidecar's session; local Redis does not see it. */
  SESSION,
  /** An error: not deterministic, not about replicated data, or not supported yet. */
  REFUSE
}
