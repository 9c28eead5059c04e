package io.ratissidecar.sidecar.membership;

import io.ratissidecar.sidecar.raft.Member;
import io.ratissidecar.sidecar.raft.Replication;
import io.ratissidecar.statemachine.resp.RespValue;
import java.util.concurrent.TimeUnit;

/**
 * On a follower: asks the leader for the log's clock about once a second, to go on from there when
 * this node leads. Confined to the front loop.
 */
final class ClockWatch {
  private static final long INTERVAL_NANOS = TimeUnit.SECONDS.toNanos(1);
  private static final long TIMEOUT_MILLIS = 500;

  private final PeerLinks peers;
  private long lastNanos = System.nanoTime() - INTERVAL_NANOS;

  ClockWatch(PeerLinks peers) {
    this.peers = peers;
  }

  void tick(Replication replication, Member leader, String clusterId) {
    long now = System.nanoTime();
    if (now - lastNanos < INTERVAL_NANOS) {
      return;
    }
    lastNanos = now;
    peers
        .call(
            leader.clientAddress(),
            TIMEOUT_MILLIS,
            PeerProtocol.message(PeerProtocol.CLOCK, clusterId))
        .thenAccept(
            reply -> {
              if (reply instanceof RespValue.Int millis && !replication.raft().group().isLeader()) {
                replication.raft().clock().heard(millis.value());
              }
            });
  }
}
