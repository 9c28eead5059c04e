package io.ratissidecar.sidecar.raft;

import io.ratissidecar.logstore.PayloadLog;
import io.ratissidecar.sidecar.raft.RaftSegment.Header;
import io.ratissidecar.snapshot.SnapshotManifest;
import java.io.IOException;
import java.nio.file.Files;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import org.apache.ratis.server.raftlog.segmented.LogSegmentPath;
import org.apache.ratis.server.storage.RaftStorage;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Makes both logs go on from the newest snapshot, before Ratis opens its own. A log that does not
 * hold the snapshot's entry is dropped whole: whatever of it was committed is in the snapshot, and
 * what was not does not count (Ongaro and Ousterhout, In Search of an Understandable Consensus
 * Algorithm, section 7). So it is after a snapshot came from another node.
 *
 * <p>The payload log goes first, then Ratis's segments from the newest to the oldest: whenever the
 * process dies in between, the log still does not hold the entry, and is dropped at the next start.
 */
final class SnapshotReconciler {
  private static final Logger LOG = LoggerFactory.getLogger(SnapshotReconciler.class);

  private final RaftStorage storage;
  private final int entryLimitBytes;
  private final Runnable beforeChange;

  SnapshotReconciler(RaftStorage storage, int entryLimitBytes) {
    this(storage, entryLimitBytes, () -> {});
  }

  /**
   * @param beforeChange called before each change of a file
   */
  SnapshotReconciler(RaftStorage storage, int entryLimitBytes, Runnable beforeChange) {
    this.storage = storage;
    this.entryLimitBytes = entryLimitBytes;
    this.beforeChange = beforeChange;
  }

  /**
   * @param newest snapshot of the node, if it has any
   * @throws IOException when entries behind the snapshot are missing; says which
   */
  void reconcile(Optional<SnapshotManifest> newest, PayloadLog payload) throws IOException {
    List<LogSegmentPath> paths = LogSegmentPath.getLogSegmentPaths(storage);
    if (newest.isPresent()) {
      reconcile(paths, newest.get(), payload);
    } else if (!paths.isEmpty() && start(paths.get(0)) > 0) {
      throw missing(paths.get(0), "there is no snapshot");
    }
  }

  private void reconcile(List<LogSegmentPath> found, SnapshotManifest snapshot, PayloadLog payload)
      throws IOException {
    List<LogSegmentPath> paths = finishPurge(found, snapshot);
    if (paths.isEmpty()) {
      beginBehind(snapshot, payload);
    } else if (start(paths.get(0)) > snapshot.index() + 1) {
      throw missing(paths.get(0), "the newest snapshot is of entry " + snapshot.index());
    } else if (start(paths.get(0)) <= snapshot.index() && !holds(paths, snapshot, payload)) {
      drop(paths, snapshot, payload);
    }
  }

  /** Ratis's log is empty, as it is before the first entry behind a snapshot. */
  private void beginBehind(SnapshotManifest snapshot, PayloadLog payload) throws IOException {
    boolean beganBefore = payload.startIndex() == snapshot.index() + 1;
    if (!beganBefore && payload.lastIndex() >= snapshot.index()) {
      throw lost(snapshot, payload);
    }
    if (!beganBefore || payload.lastIndex() != 0) {
      reset(payload, snapshot); // no header, so nothing of it was acknowledged
    }
  }

  private static IOException missing(LogSegmentPath first, String snapshot) {
    return new IOException(
        "Raft's log begins with entry "
            + start(first)
            + ", and "
            + snapshot
            + ": what was before is missing"
            + MetadataReconciler.REMEDY);
  }

  private List<LogSegmentPath> finishPurge(List<LogSegmentPath> paths, SnapshotManifest snapshot)
      throws IOException {
    int purged = purged(paths, snapshot.index());
    for (LogSegmentPath path : paths.subList(0, purged)) {
      delete(path);
    }
    return paths.subList(purged, paths.size());
  }

  /**
   * How many segments, from the oldest on, an interrupted purge has left: Ratis deletes them one by
   * one, and does not sync the directory, so that some may be back behind which others are gone.
   *
   * @param snapshotIndex of the newest snapshot
   */
  static int purged(List<LogSegmentPath> paths, long snapshotIndex) {
    for (int i = paths.size() - 1; i > 0; i--) {
      OptionalLong endBefore = RaftSegment.nameEnd(paths.get(i - 1).getPath());
      boolean gap = endBefore.isPresent() && endBefore.getAsLong() + 1 < start(paths.get(i));
      if (gap && start(paths.get(i)) <= snapshotIndex + 1) {
        return i;
      }
    }
    return 0;
  }

  private static long start(LogSegmentPath path) {
    return RaftSegment.nameStart(path.getPath());
  }

  /**
   * Whether the log has the snapshot's entry. One of another history has another entry there, and
   * one that is behind ends below it.
   *
   * @throws IOException when it ends below it, or has a hole there, and payload goes on: then
   *     headers were lost
   */
  private boolean holds(List<LogSegmentPath> paths, SnapshotManifest snapshot, PayloadLog payload)
      throws IOException {
    int number = paths.size() - 1;
    while (start(paths.get(number)) > snapshot.index()) {
      number--;
    }
    RaftSegment segment = RaftSegment.read(paths.get(number), entryLimitBytes);
    if (segment.broken() != null && !(segment.broken().torn() && number == paths.size() - 1)) {
      throw MetadataReconciler.damaged(segment);
    }
    if (segment.last() < snapshot.index() && payload.lastIndex() >= snapshot.index()) {
      throw lost(snapshot, payload);
    }
    return segment.headers().stream()
        .filter(header -> header.index() == snapshot.index())
        .mapToLong(Header::term)
        .anyMatch(term -> term == snapshot.term());
  }

  private static IOException lost(SnapshotManifest snapshot, PayloadLog payload) {
    return new IOException(
        "Raft's log has no entry "
            + snapshot.index()
            + ", which there is a snapshot of, though the payload log goes on to entry "
            + payload.lastIndex()
            + MetadataReconciler.REMEDY);
  }

  private void drop(List<LogSegmentPath> paths, SnapshotManifest snapshot, PayloadLog payload)
      throws IOException {
    LOG.info(
        "The log does not hold entry {} of term {}, which there is a snapshot of: dropping it",
        snapshot.index(),
        snapshot.term());
    reset(payload, snapshot);
    for (int i = paths.size() - 1; i >= 0; i--) {
      delete(paths.get(i));
    }
  }

  private void reset(PayloadLog payload, SnapshotManifest snapshot) throws IOException {
    beforeChange.run();
    payload.reset(snapshot.term(), snapshot.index());
  }

  private void delete(LogSegmentPath segment) throws IOException {
    beforeChange.run();
    Files.delete(segment.getPath());
    MetadataReconciler.syncDirectory(segment.getPath());
  }
}
