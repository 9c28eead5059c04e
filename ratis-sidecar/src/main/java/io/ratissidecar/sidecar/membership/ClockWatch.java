package io.ratissidecar.sidecar.membership;

import io.ratissidecar.sidecar.raft.LogClock;
import io.ratissidecar.sidecar.raft.Member;
import io.ratissidecar.sidecar.raft.Replication;
import io.ratissidecar.statemachine.resp.RespValue;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Has this node know the log's clock. A follower asks the leader for it about once a second, to go
 * on from there when it leads. A node that was just started asks everybody, since somebody may know
 * it who does not lead any more; should it lead before anybody has told it, its own clock counts
 * once all others say that they do not know it either, or have said nothing for a second. Confined
 * to the front loop.
 */
final class ClockWatch {
  private static final Logger LOG = LoggerFactory.getLogger(ClockWatch.class);
  private static final long INTERVAL_NANOS = TimeUnit.SECONDS.toNanos(1);

  /** How long a leader that does not know the clock waits for those who say nothing. */
  private static final long PATIENCE_NANOS = TimeUnit.SECONDS.toNanos(1);

  private static final long TIMEOUT_MILLIS = 500;

  private final PeerLinks peers;
  private long lastNanos = System.nanoTime() - INTERVAL_NANOS;
  private Search search;

  /** When this node was first seen to lead without knowing the clock; 0 when it does not. */
  private long leadingNanos;

  ClockWatch(PeerLinks peers) {
    this.peers = peers;
  }

  /** Some ten times a second. */
  void tick(Replication replication, String clusterId) {
    boolean leads = replication.raft().group().isLeader();
    if (!replication.raft().clock().isKnown()) {
      search(replication, leads, clusterId);
      return;
    }
    long now = System.nanoTime();
    if (!leads && now - lastNanos >= INTERVAL_NANOS) {
      lastNanos = now;
      replication
          .raft()
          .group()
          .leader()
          .ifPresent(leader -> follow(replication, leader, clusterId));
    }
  }

  private void follow(Replication replication, Member leader, String clusterId) {
    ask(leader, clusterId)
        .thenAccept(
            reply -> {
              if (reply instanceof RespValue.Int millis && !replication.raft().group().isLeader()) {
                replication.raft().clock().heard(millis.value());
              }
            });
  }

  private CompletableFuture<RespValue> ask(Member member, String clusterId) {
    return peers.call(
        member.clientAddress(),
        TIMEOUT_MILLIS,
        PeerProtocol.message(PeerProtocol.CLOCK, clusterId));
  }

  private void search(Replication replication, boolean leads, String clusterId) {
    if (!leads) {
      leadingNanos = 0;
    } else if (leadingNanos == 0) {
      leadingNanos = System.nanoTime();
    }
    if (search != null && search.replication == replication) {
      return; // identity: what was asked for another one is of no use
    }
    int self = replication.raft().identity().nodeId();
    List<Member> others =
        replication.raft().group().members().stream().filter(m -> m.id() != self).toList();
    Search begun = new Search(replication, leads, others.size());
    search = begun;
    others.forEach(
        member -> ask(member, clusterId).whenComplete((reply, failure) -> begun.answered(reply)));
    begun.endIfAllHaveAnswered();
  }

  /** One question to all other nodes. */
  private final class Search {
    private final Replication replication;
    private final boolean leads;
    private int due;
    private boolean silence;
    private boolean found;

    /** Against this node's monotone clock, which goes on until the last one has answered. */
    private long aheadMillis;

    Search(Replication replication, boolean leads, int due) {
      this.replication = replication;
      this.leads = leads;
      this.due = due;
    }

    /**
     * @param reply null for none
     */
    void answered(RespValue reply) {
      due--;
      silence |= reply == null;
      if (reply instanceof RespValue.Int millis) {
        long ahead = millis.value() - monotoneMillis();
        aheadMillis = found ? Math.max(aheadMillis, ahead) : ahead;
        found = true;
      }
      endIfAllHaveAnswered();
    }

    void endIfAllHaveAnswered() {
      if (due > 0 || search != this) { // identity: another one has taken its place
        return;
      }
      search = null;
      LogClock clock = replication.raft().clock();
      if (found) {
        clock.heard(aheadMillis + monotoneMillis());
      } else if (leads
          && replication.raft().group().isLeader()
          && (!silence || System.nanoTime() - leadingNanos > PATIENCE_NANOS)) {
        LOG.info("Nobody knows the log's clock; it goes on from this node's own");
        clock.begin();
      }
    }

    private static long monotoneMillis() {
      return TimeUnit.NANOSECONDS.toMillis(System.nanoTime());
    }
  }
}
