package io.ratissidecar.sidecar.redis;

import io.ratissidecar.sidecar.raft.RaftNode;
import io.ratissidecar.sidecar.raft.Replication;
import io.ratissidecar.snapshot.RecoveryPlanner.LogRange;
import io.ratissidecar.snapshot.Snapshot;
import io.ratissidecar.snapshot.SnapshotStore;
import io.ratissidecar.statemachine.apply.CommandApplier;
import io.ratissidecar.statemachine.entry.Entry;
import java.io.IOException;

/** The log of the node's group, and the snapshots that it goes on from. */
record ReplicatedLog(Replication replication, SnapshotStore snapshots) implements FollowedLog {
  @Override
  public LogRange range() {
    RaftNode raft = replication.raft();
    return new LogRange(
        raft.identity().clusterId(),
        raft.payload().startIndex(),
        raft.payload().tailIndex(),
        snapshots.list().stream()
            .filter(s -> !snapshots.isDamaged(s))
            .filter(s -> !replication.applier().isSpoilt(s.manifest().index()))
            .toList());
  }

  @Override
  public boolean isClosed() {
    return replication.isClosed();
  }

  @Override
  public long termAt(long index) throws IOException {
    Entry entry = replication.raft().payload().read(index);
    return entry == null ? -1 : entry.term();
  }

  @Override
  public void damaged(Snapshot snapshot) {
    snapshots.markDamaged(snapshot);
  }

  @Override
  public void redisLost() {
    replication.applier().redisLost();
  }

  @Override
  public void redisDied() {
    replication.applier().redisDied();
  }

  @Override
  public void redisReady(CommandApplier redis, long appliedIndex) {
    replication.applier().redisReady(redis, appliedIndex);
  }

  @Override
  public void acknowledged(long index) {
    replication.applier().acknowledged(index);
  }

  @Override
  public void answered() {
    replication.applier().answered();
  }
}
