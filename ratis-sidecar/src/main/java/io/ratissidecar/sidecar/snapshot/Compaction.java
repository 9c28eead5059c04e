package io.ratissidecar.sidecar.snapshot;

import io.ratissidecar.snapshot.Snapshot;
import io.ratissidecar.snapshot.SnapshotStore;
import java.io.IOException;
import java.util.List;
import java.util.Optional;
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
  private final SoundSnapshots sound;
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
      SoundSnapshots sound,
      SnapshotPolicy policy,
      SnapshotSender sender,
      BooleanSupplier isInstalling) {
    this.store = store;
    this.sound = sound;
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
    List<Snapshot> kept = sound.list().stream().limit(SnapshotPolicy.RETENTION).toList();
    store.retain(s -> kept.contains(s) || sender.isPinned(s) || isLogsBeginning(s, kept));
    if (!isInstalling.getAsBoolean()) {
      store.deleteSupersededPartial();
    }
    // While there is no Redis it is not known what the next one will need.
    if (!log.redisIsReady()) {
      return;
    }
    // A snapshot that was just fetched is ahead of this log, which is about to be dropped.
    List<Snapshot> behind =
        kept.stream().filter(s -> s.manifest().index() <= log.appliedIndex()).toList();
    if (behind.isEmpty() || log.dropEntriesBelow(firstKept(log, behind))) {
      doneIn = log;
    }
  }

  /** Without a sound one that is newer, the log may begin right behind it. */
  private static boolean isLogsBeginning(Snapshot snapshot, List<Snapshot> sound) {
    return sound.isEmpty() || snapshot.manifest().index() >= sound.get(0).manifest().index();
  }

  /**
   * @param snapshots that the log must go on from, the newest first
   */
  private long firstKept(Log log, List<Snapshot> snapshots) {
    long newest = snapshots.get(0).manifest().index();
    long kept = policy.firstKept(newest, log.startOfNewest(policy.logBytes()));
    if (snapshots.size() > 1) {
      // In case the newest turns out to be damaged.
      kept = keep(log, snapshots.get(1), policy.olderBytes(), kept);
    }
    Optional<Snapshot> read = sender.oldestPinned();
    if (read.isPresent()) {
      // Who reads so slowly that the log behind it outgrows it fetches a newer one.
      kept = keep(log, read.get(), policy.readerBytes(read.get().manifest().rdbBytes()), kept);
    }
    return kept;
  }

  /** Keeps the log behind a snapshot, too, unless that is more than so many bytes. */
  private static long keep(Log log, Snapshot snapshot, long bytes, long kept) {
    long next = snapshot.manifest().index() + 1;
    return next < kept && log.startOfNewest(bytes) <= next ? next : kept;
  }
}
