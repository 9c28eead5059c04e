package io.ratissidecar.sidecar.snapshot;

import io.ratissidecar.snapshot.SnapshotStore;
import java.io.IOException;
import java.util.OptionalLong;
import java.util.function.BooleanSupplier;

/**
 * Deletes what the newest snapshot makes superfluous: old snapshots and the log behind it, but for
 * what another node is about to need.
 *
 * <p>Confined to the snapshot thread.
 */
final class Compaction {
  /** The log of one replication. Equal to another one only if that is the same replication's. */
  interface Log {
    boolean redisIsReady();

    long appliedIndex();

    /** The lowest index from which on the log has no more than so many bytes. */
    long startOfNewest(long bytes);

    /**
     * Drops entries. Blocks.
     *
     * @return whether nothing had to stay
     */
    boolean dropEntriesBelow(long firstKept) throws IOException;
  }

  private final SnapshotStore store;
  private final SnapshotPolicy policy;
  private final SnapshotSender sender;
  private final BooleanSupplier isInstalling;

  /** Where nothing is left to be cut behind the newest snapshot. */
  private Log doneIn;

  /**
   * @param isInstalling whether another node's snapshot is being fetched
   */
  Compaction(
      SnapshotStore store,
      SnapshotPolicy policy,
      SnapshotSender sender,
      BooleanSupplier isInstalling) {
    this.store = store;
    this.policy = policy;
    this.sender = sender;
    this.isInstalling = isInstalling;
  }

  /**
   * As {@link #run}, unless nothing was left. The process may have died between publishing the
   * newest snapshot and cutting the logs, or that has failed, or something had to stay then.
   */
  void finish(Log log) throws IOException {
    if (!log.equals(doneIn)) {
      run(log);
    }
  }

  /** To be called behind every snapshot; what fails is left to {@link #finish}. */
  void run(Log log) throws IOException {
    doneIn = null;
    store.retain(SnapshotPolicy.RETENTION, sender::isPinned);
    if (!isInstalling.getAsBoolean()) {
      store.deleteSupersededPartial();
    }
    // While there is no Redis it is not known what the next one will need.
    if (!log.redisIsReady()) {
      return;
    }
    // A snapshot that was just fetched is ahead of this log, which is about to be dropped.
    OptionalLong newest =
        store.list().stream()
            .mapToLong(s -> s.manifest().index())
            .filter(index -> index <= log.appliedIndex())
            .findFirst();
    if (newest.isEmpty() || log.dropEntriesBelow(firstKept(log, newest.getAsLong()))) {
      doneIn = log;
    }
  }

  private long firstKept(Log log, long snapshotIndex) {
    long kept = policy.firstKept(snapshotIndex, log.startOfNewest(policy.logBytes()));
    OptionalLong read = sender.lowestPinnedIndex();
    if (read.isEmpty() || read.getAsLong() + 1 >= kept) {
      return kept;
    }
    // Who reads so slowly that the log behind it grows too long fetches a newer one.
    return Math.min(kept, Math.max(read.getAsLong() + 1, log.startOfNewest(policy.readerBytes())));
  }
}
