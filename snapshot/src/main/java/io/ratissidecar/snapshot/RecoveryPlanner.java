package io.ratissidecar.snapshot;

import io.ratissidecar.statemachine.apply.AppliedMarker;
import java.util.Optional;

/**
 * Decides how a local Redis is brought to the log whenever the sidecar connects to it: at start,
 * after Redis or the sidecar died, after somebody emptied it.
 */
public final class RecoveryPlanner {
  /**
   * What the planner needs to know of the log.
   *
   * @param clusterId the cluster that the log belongs to
   * @param startIndex index of the first entry that is still in the log, or 0 when nothing was ever
   *     dropped
   * @param lastIndex index of the last entry, 0 when there is none
   */
  public record LogRange(String clusterId, long startIndex, long lastIndex) {}

  /** Looks up terms of entries in the log. */
  @FunctionalInterface
  public interface TermLookup {
    /** The term of the entry at the index, or -1 when the log has no entry there. */
    long termAt(long index);
  }

  private RecoveryPlanner() {}

  /**
   * @param marker what Redis says of itself; empty when it holds no marker
   * @param redisIsEmpty whether Redis holds no key at all, in any database
   * @param mustReload true when this process saw Redis miss a committed command, whatever the
   *     marker says
   */
  public static RecoveryPlan plan(
      Optional<AppliedMarker> marker,
      boolean redisIsEmpty,
      boolean mustReload,
      LogRange log,
      TermLookup terms) {
    if (marker.isEmpty()) {
      if (!redisIsEmpty) {
        return new RecoveryPlan.Refuse(
            "the local Redis holds keys that are not of this cluster. Nothing was changed. Give this node an empty Redis,"
                + " or, if the keys are not needed, empty it with FLUSHALL, then start again");
      }
      return reload("the local Redis is empty", log);
    }
    AppliedMarker m = marker.get();
    if (!m.clusterId().isEmpty() && !m.clusterId().equals(log.clusterId())) {
      return new RecoveryPlan.Refuse(
          "the local Redis holds the data of cluster "
              + m.clusterId()
              + ", this node belongs to "
              + log.clusterId()
              + ". Nothing was changed. Give this node its own Redis, or empty it with FLUSHALL, then start again");
    }
    if (mustReload) {
      return reload("the local Redis missed a committed command", log);
    }
    if (!m.isWhole()) {
      return reload(
          "entry " + m.begun() + " was applied in part (whole: " + m.applied() + ")", log);
    }
    if (m.applied() > log.lastIndex()) {
      return reload(
          "the local Redis is at index " + m.applied() + ", the log ends at " + log.lastIndex(),
          log);
    }
    if (m.applied() < log.startIndex() - 1) {
      return reload(
          "the local Redis is at index " + m.applied() + ", the log starts at " + log.startIndex(),
          log);
    }
    long term = terms.termAt(m.applied());
    if (term >= 0 && term != m.term()) {
      return reload(
          "entry "
              + m.applied()
              + " has term "
              + m.term()
              + " in Redis and "
              + term
              + " in the log",
          log);
    }
    if (term < 0 && m.applied() > 0 && m.applied() >= log.startIndex()) {
      return reload("the log has no entry " + m.applied() + ", which Redis says it applied", log);
    }
    return new RecoveryPlan.Continue(m.applied());
  }

  private static RecoveryPlan reload(String reason, LogRange log) {
    if (log.startIndex() > 1) {
      return new RecoveryPlan.Refuse(
          reason
              + ", and the log starts at index "
              + log.startIndex()
              + ", so it can't be replayed. Remove this node and join it again under a new id");
    }
    return new RecoveryPlan.Reload(reason);
  }
}
