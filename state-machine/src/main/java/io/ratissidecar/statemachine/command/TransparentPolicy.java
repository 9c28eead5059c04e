package io.ratissidecar.statemachine.command;

/**
 * What a command without {@code RAFT} does where the prefix is not asked for (transparent mode).
 */
public enum TransparentPolicy {
  /** The same as behind {@code RAFT}. */
  RAFT,
  /** The same as in explicit mode: it concerns this node or this connection, not the data. */
  LOCAL
}
