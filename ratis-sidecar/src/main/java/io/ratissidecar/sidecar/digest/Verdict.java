package io.ratissidecar.sidecar.digest;

import io.ratissidecar.snapshot.RdbDigest;
import java.util.Collection;
import java.util.HashMap;
import java.util.Map;

/** What a node's data is found to be, compared with that of the others. */
public enum Verdict {
  /** No more than one answer is needed still. */
  OPEN,
  /** As a majority has it. */
  SAME,
  /** A majority has other data. */
  DIFFERS,
  /** A majority has other data, which this node is being given. */
  REPAIRING,
  /** A majority had other data, which this node has been given since. */
  REPAIRED,
  /** All have answered, and no data is that of a majority. */
  UNDECIDED;

  /** Whether this node's data is not that of a majority, as far as anybody knows. */
  boolean isAlarm() {
    return this == DIFFERS || this == REPAIRING || this == UNDECIDED;
  }

  /**
   * @param own of this node
   * @param others of the nodes that have answered; those of another version say nothing
   * @param members how many nodes there are
   */
  static Verdict of(RdbDigest own, Collection<RdbDigest> others, int members) {
    Map<RdbDigest, Integer> votes = new HashMap<>(Map.of(own, 1));
    others.stream()
        .filter(other -> other.version() == own.version())
        .forEach(other -> votes.merge(other, 1, Integer::sum));
    int majority = members / 2 + 1;
    if (votes.get(own) >= majority) {
      return SAME;
    }
    if (votes.values().stream().anyMatch(count -> count >= majority)) {
      return DIFFERS;
    }
    if (others.size() + 1 < members) {
      return OPEN;
    }
    // Nodes that can't be compared are no reason for an alarm.
    return votes.size() == 1 ? SAME : UNDECIDED;
  }
}
