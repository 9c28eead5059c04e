package io.ratissidecar.it;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.ratissidecar.jepsen.HistoryReport;
import io.ratissidecar.jepsen.Outcome;
import java.time.Duration;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.extension.RegisterExtension;

/** SIGTERM: drain, hand over leadership, exit. */
@Tag("fault")
@Tag("alone")
@ExtendWith(PrintLogsOnFailure.class)
class GracefulStopIT {
  @RegisterExtension
  private static final SharedCluster SHARED = new SharedCluster(() -> TestCluster.of(3));

  private TestCluster cluster;

  @BeforeEach
  void renew() {
    cluster = SHARED.get();
  }

  @Test
  void when_the_leader_is_told_to_stop_under_load_then_clients_hardly_notice() {
    try (FaultRun run = new FaultRun(cluster)) {
      Node leader = cluster.leader();
      run.failover(
          "SIGTERM of the leader",
          () -> {
            leader.terminate();
            assertEquals(0, exitOf(leader));
          });
      assertTrue(leader.redis().isEmpty(), "the managed Redis stops with its sidecar");
      leader.start().awaitReady();
      run.awaitMore(200);
      HistoryReport history = run.finish();
      // Each client has one request under way: what was sent after the drain may be cut off.
      assertTrue(history.count(Outcome.INFO) <= 6, history.summary());
    }
  }

  @Test
  void when_every_node_is_told_to_stop_then_all_exit_and_go_on_later() {
    try (FaultRun run = new FaultRun(cluster)) {
      cluster.nodes().forEach(Node::terminate);
      cluster.nodes().forEach(node -> assertEquals(0, exitOf(node), node.name()));
      cluster.nodes().forEach(Node::start);
      cluster.nodes().forEach(Node::awaitReady);
      run.awaitMore(200);
      run.finish();
    }
  }

  @Test
  void when_the_redis_hangs_then_its_sidecar_stops_in_time_all_the_same() {
    Node leader = cluster.leader();
    leader.pauseRedis();
    leader.terminate();
    assertEquals(0, exitOf(leader));
    leader.start().awaitReady();
  }

  private static int exitOf(Node node) {
    long start = System.nanoTime();
    int exit = node.awaitExit(Duration.ofSeconds(10));
    long millis = (System.nanoTime() - start) / 1_000_000;
    System.out.printf("%s stopped within %d ms%n", node.name(), millis);
    assertTrue(millis <= 5000, node.name() + " took " + millis + " ms to stop");
    return exit;
  }
}
