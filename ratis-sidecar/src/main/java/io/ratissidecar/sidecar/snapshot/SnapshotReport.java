package io.ratissidecar.sidecar.snapshot;

/**
 * What became of the snapshots since the process was started.
 *
 * @param created how many were taken
 * @param failed how many were not
 * @param lastError why the last one failed; empty when it did not
 * @param lastNanos how long the last one took
 * @param lastPauseNanos how long no entry was applied for it
 * @param bytesWritten of the one that is being taken; -1 when none is
 */
public record SnapshotReport(
    long created,
    long failed,
    String lastError,
    long lastNanos,
    long lastPauseNanos,
    long bytesWritten) {
  static final SnapshotReport NONE = new SnapshotReport(0, 0, "", 0, 0, -1);

  SnapshotReport taken(long nanos, long pauseNanos) {
    return new SnapshotReport(created + 1, failed, "", nanos, pauseNanos, -1);
  }

  SnapshotReport failed(String error) {
    return new SnapshotReport(created, failed + 1, error, lastNanos, lastPauseNanos, -1);
  }

  SnapshotReport inProgress(long bytes) {
    return new SnapshotReport(created, failed, lastError, lastNanos, lastPauseNanos, bytes);
  }
}
