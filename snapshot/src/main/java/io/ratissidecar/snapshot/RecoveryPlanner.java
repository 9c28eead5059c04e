package io.ratissidecar.snapshot;

import io.ratissidecar.statemachine.apply.AppliedMarker;
import java.util.List;
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
   * @param startIndex the lowest index from which on nothing was dropped; 1 when nothing was
   * @param lastIndex index of the last entry, or the one that the log starts behind when there is
   *     none
   * @param snapshots that the node has, the newest first
   */
  public record LogRange(
      String clusterId, long startIndex, long lastIndex, List<Snapshot> snapshots) {
    public LogRange {
      snapshots = List.copyOf(snapshots);
    }

    private List<Snapshot> usable() {
      return snapshots.stream()
          .filter(s -> s.manifest().clusterId().equals(clusterId))
          .filter(s -> s.manifest().index() >= startIndex - 1)
          .filter(s -> s.manifest().index() <= lastIndex)
          .toList();
    }
  }

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
      return reload("what the local Redis holds is not what the log says", log);
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
    long term = termAt(m.applied(), log, terms);
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

  /** Just before the log's start only a snapshot may know it. */
  private static long termAt(long index, LogRange log, TermLookup terms) {
    for (Snapshot snapshot : log.snapshots()) {
      if (snapshot.manifest().index() == index) {
        return snapshot.manifest().term();
      }
    }
    return terms.termAt(index);
  }

  private static RecoveryPlan reload(String reason, LogRange log) {
    boolean logIsWhole = log.startIndex() <= 1;
    List<Snapshot> snapshots = log.usable();
    if (snapshots.isEmpty() && !logIsWhole) {
      return new RecoveryPlan.Refuse(
          reason
              + ", the log starts at index "
              + log.startIndex()
              + ", and there is no snapshot that it goes on from, so the data can't be made again."
              + " Remove this node and join it again under a new id");
    }
    return new RecoveryPlan.Reload(reason, snapshots, logIsWhole);
  }
}
