package io.ratissidecar.sidecar.redis;

import io.ratissidecar.snapshot.RecoveryPlanner.LogRange;
import io.ratissidecar.snapshot.Snapshot;
import io.ratissidecar.statemachine.apply.CommandApplier;
import java.io.IOException;

/** The log that the local Redis follows, as the connection to it sees it. */
interface FollowedLog {
  /** The entries that there are. Any thread. */
  LogRange range();

  /** Whether it has ended: what stands on the disk is another one's by now. Any thread. */
  boolean isClosed();

  /** Term of the entry at an index; -1 when there is none. Blocks. */
  long termAt(long index) throws IOException;

  /** The snapshot can't be loaded. Any thread. */
  void damaged(Snapshot snapshot);

  /** As {@link io.ratissidecar.sidecar.raft.Applier#redisLost}. On the front loop. */
  void redisLost();

  /** As {@link io.ratissidecar.sidecar.raft.Applier#redisDied}. On the front loop. */
  void redisDied();

  /** As {@link io.ratissidecar.sidecar.raft.Applier#redisReady}. On the front loop. */
  void redisReady(CommandApplier redis, long appliedIndex);

  /** As {@link io.ratissidecar.sidecar.raft.Applier#acknowledged}. On the front loop. */
  void acknowledged(long index);

  /** As {@link io.ratissidecar.sidecar.raft.Applier#answered}. On the front loop. */
  void answered();
}
