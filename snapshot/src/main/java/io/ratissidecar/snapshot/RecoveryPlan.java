package io.ratissidecar.snapshot;

/** What to do with the local Redis before entries are applied to it again. */
public sealed interface RecoveryPlan {
  /** The data is exactly that of entry {@code appliedIndex}: go on behind it. */
  record Continue(long appliedIndex) implements RecoveryPlan {}

  /**
   * The data is empty, or a part of an entry, or of another history: empty Redis and apply the log
   * from its start.
   *
   * @param reason one line for the log
   */
  record Reload(String reason) implements RecoveryPlan {}

  /**
   * Neither is safe; the node must stop.
   *
   * @param reason what is wrong and what the operator can do
   */
  record Refuse(String reason) implements RecoveryPlan {}
}
