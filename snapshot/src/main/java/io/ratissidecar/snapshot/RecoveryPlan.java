package io.ratissidecar.snapshot;

import java.util.List;

/** What to do with the local Redis before entries are applied to it again. */
public sealed interface RecoveryPlan {
  /** The data is exactly that of entry {@code appliedIndex}: go on behind it. */
  record Continue(long appliedIndex) implements RecoveryPlan {}

  /**
   * The data is empty, or a part of an entry, or of another history: load the first of the
   * snapshots that is sound, and apply the log behind it; without any, empty Redis and apply the
   * log from its start, if that is still there.
   *
   * @param reason one line for the log
   * @param snapshots those that the log goes on from, the newest first
   * @param logIsWhole whether the log goes back to its first entry
   */
  record Reload(String reason, List<Snapshot> snapshots, boolean logIsWhole)
      implements RecoveryPlan {
    public Reload {
      snapshots = List.copyOf(snapshots);
    }
  }

  /**
   * Neither is safe; the node must stop.
   *
   * @param reason what is wrong and what the operator can do
   */
  record Refuse(String reason) implements RecoveryPlan {}
}
