package io.ratissidecar.it;

import java.time.Duration;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.extension.RegisterExtension;

/** The leader loses its sidecar, its Redis, both, or five seconds, under load. */
@Tag("fault")
@Tag("alone")
@ExtendWith(PrintLogsOnFailure.class)
class LeaderLossIT {
  @RegisterExtension
  private static final SharedCluster SHARED = new SharedCluster(() -> TestCluster.of(3));

  private TestCluster cluster;

  @BeforeEach
  void renew() {
    cluster = SHARED.get();
  }

  @Test
  @Tag("long")
  void when_its_sidecar_is_killed_then_nothing_is_lost() {
    try (FaultRun run = new FaultRun(cluster)) {
      Node leader = cluster.leader();
      run.failover("SIGKILL of the leader's sidecar", leader::killSidecar);
      leader.start().awaitReady();
      run.awaitMore(200);
      run.finish();
    }
  }

  @Test
  void when_its_redis_is_killed_then_nothing_is_lost() {
    try (FaultRun run = new FaultRun(cluster)) {
      run.failover("SIGKILL of the leader's Redis", cluster.leader()::killRedis);
      run.awaitMore(200);
      run.finish();
    }
  }

  @Test
  void when_both_are_killed_then_nothing_is_lost() {
    try (FaultRun run = new FaultRun(cluster)) {
      Node leader = cluster.leader();
      run.failover("SIGKILL of the leader's sidecar and Redis", leader::killBoth);
      leader.start().awaitReady();
      run.awaitMore(200);
      run.finish();
    }
  }

  @Test
  void when_its_sidecar_is_paused_for_five_seconds_then_nothing_is_lost() {
    try (FaultRun run = new FaultRun(cluster)) {
      Node leader = cluster.leader();
      long end = System.nanoTime() + 5_000_000_000L;
      leader.pauseSidecar();
      run.awaitWriteElsewhere("SIGSTOP of the leader's sidecar");
      Poll.letRun(Duration.ofNanos(end - System.nanoTime()));
      leader.resumeSidecar();
      run.awaitMore(200);
      run.finish();
    }
  }
}
