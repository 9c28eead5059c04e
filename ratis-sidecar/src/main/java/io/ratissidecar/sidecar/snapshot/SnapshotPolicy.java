package io.ratissidecar.sidecar.snapshot;

import io.ratissidecar.sidecar.config.SidecarConfig;
import java.time.Duration;

/**
 * When a snapshot is due, and what is kept of the log behind one.
 *
 * @param logBytes of entries behind the last snapshot, at which the next is due
 * @param entries behind the last snapshot, at which the next is due
 * @param interval after which the next is due if there is any entry; zero for never
 * @param retainEntries how many entries below the newest snapshot are kept for followers that are
 *     behind, as long as they have no more than {@code logBytes}
 */
record SnapshotPolicy(long logBytes, long entries, Duration interval, long retainEntries) {
  /** Snapshots kept. */
  static final int RETENTION = 2;

  static SnapshotPolicy of(SidecarConfig config) {
    return new SnapshotPolicy(
        config.snapshotLogBytes(),
        config.snapshotEntries(),
        config.snapshotInterval(),
        config.logRetainEntries());
  }

  /**
   * @param bytesBehind of applied entries that the last snapshot does not hold
   * @param entriesBehind how many those are
   * @param sinceLast time since the last snapshot, or since the start of the process
   */
  boolean isDue(long bytesBehind, long entriesBehind, Duration sinceLast) {
    boolean intervalIsOver = !interval.isZero() && sinceLast.compareTo(interval) >= 0;
    return bytesBehind >= logBytes
        || entriesBehind >= entries
        || (intervalIsOver && bytesBehind > 0);
  }

  /** How much of the log is kept at the most behind the last snapshot but one. */
  long olderBytes() {
    return 2 * logBytes;
  }

  /**
   * How much of the log is kept at the most for a node that is fetching a snapshot. The larger that
   * is, the longer it takes, and the more it costs to begin again with a newer one.
   *
   * @param rdbBytes of the snapshot
   */
  long readerBytes(long rdbBytes) {
    return Math.max(4 * logBytes, rdbBytes);
  }

  /**
   * The lowest index to keep.
   *
   * @param snapshotIndex of the newest snapshot
   * @param withinBytes the lowest index from which on the log has no more than {@code logBytes}
   */
  long firstKept(long snapshotIndex, long withinBytes) {
    return Math.min(snapshotIndex + 1, Math.max(snapshotIndex + 1 - retainEntries, withinBytes));
  }
}
