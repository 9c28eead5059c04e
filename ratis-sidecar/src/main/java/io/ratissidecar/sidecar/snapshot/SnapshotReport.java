package io.ratissidecar.sidecar.snapshot;

import io.ratissidecar.sidecar.membership.SnapshotState;
import io.ratissidecar.snapshot.SnapshotDownload.Progress;
import io.ratissidecar.snapshot.SnapshotManifest;
import java.time.Duration;
import java.time.Instant;
import java.util.Optional;

/**
 * The node's snapshots, now and since the process was started.
 *
 * @param latest the newest that it has
 * @param created how many it took
 * @param failed how many it could not take
 * @param lastError why the last one could not be taken; empty when it could
 * @param lastNanos how long the last one took
 * @param lastPauseNanos how long no entry was applied for it
 * @param bytesWritten of the one that is being taken; -1 when none is
 * @param bytesSeeded of the one that a new cluster is to begin with; -1 when none is being made
 * @param loading whether the local Redis is being brought to the log
 * @param received how many came from other nodes
 * @param receiving how far the one is that is being fetched
 */
public record SnapshotReport(
    Optional<SnapshotManifest> latest,
    long created,
    long failed,
    String lastError,
    long lastNanos,
    long lastPauseNanos,
    long bytesWritten,
    long bytesSeeded,
    boolean loading,
    int received,
    Optional<Progress> receiving) {
  /** True while one is being taken or fetched. */
  public boolean inProgress() {
    return bytesWritten >= 0 || receiving.isPresent();
  }

  /** For other nodes and people. */
  public SnapshotState state(Instant now) {
    return new SnapshotState(
        latest.map(SnapshotManifest::index).orElse(0L),
        latest.map(m -> Math.max(0, Duration.between(m.time(), now).toSeconds())).orElse(0L),
        latest.map(SnapshotManifest::rdbBytes).orElse(0L),
        activity(),
        lastError);
  }

  private String activity() {
    if (receiving.isPresent()) {
      Progress p = receiving.get();
      return p.total() == 0
          ? "receiving"
          : "receiving " + (100 * p.bytes() / p.total()) + " % of " + megabytes(p.total());
    }
    if (bytesSeeded >= 0) {
      return bytesSeeded == 0 ? "checking" : "copying, " + megabytes(bytesSeeded) + " so far";
    }
    if (bytesWritten >= 0) {
      return "taking, " + megabytes(bytesWritten) + " so far";
    }
    return loading ? "loading" : "";
  }

  private static String megabytes(long bytes) {
    return bytes / 1_000_000 + " MB";
  }
}
