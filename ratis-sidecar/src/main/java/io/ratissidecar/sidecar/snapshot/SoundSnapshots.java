package io.ratissidecar.sidecar.snapshot;

import io.ratissidecar.snapshot.Snapshot;
import io.ratissidecar.snapshot.SnapshotStore;
import java.util.List;
import java.util.Optional;
import java.util.function.LongPredicate;

/**
 * The snapshots of a node that may be loaded, here or elsewhere: not known to be damaged, and
 * without the effect of a command that the log has declared void since. For any thread.
 */
final class SoundSnapshots {
  private final SnapshotStore store;
  private final LongPredicate isSpoilt;

  /**
   * @param isSpoilt whether data of an index may have the effect of a void command
   */
  SoundSnapshots(SnapshotStore store, LongPredicate isSpoilt) {
    this.store = store;
    this.isSpoilt = isSpoilt;
  }

  boolean isSound(Snapshot snapshot) {
    return !store.isDamaged(snapshot) && !isSpoilt(snapshot.manifest().index());
  }

  /** Whether one of this index, taken now, could not be used. */
  boolean isSpoilt(long index) {
    return isSpoilt.test(index);
  }

  /** All of them, the newest first. */
  List<Snapshot> list() {
    return store.list().stream().filter(this::isSound).toList();
  }

  Optional<Snapshot> latest() {
    return store.list().stream().filter(this::isSound).findFirst();
  }

  Optional<Snapshot> find(long index, long term) {
    return store.find(index, term).filter(this::isSound);
  }
}
