package io.ratissidecar.it;

import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.extension.RegisterExtension;

/** All nodes at once. */
@Tag("fault")
@ExtendWith(PrintLogsOnFailure.class)
class WholeClusterIT {
  @RegisterExtension
  private static final SharedCluster SHARED = new SharedCluster(() -> TestCluster.of(3));

  private TestCluster cluster;

  private void startAll() {
    cluster.nodes().forEach(Node::start);
    cluster.nodes().forEach(Node::awaitReady);
  }

  @Test
  void when_all_sidecars_and_redis_servers_are_killed_then_nothing_is_lost() {
    cluster = SHARED.get();
    try (FaultRun run = new FaultRun(cluster)) {
      for (int i = 0; i < 2; i++) {
        cluster.nodes().parallelStream().forEach(Node::killBoth);
        startAll();
        run.awaitMore(200);
      }
      run.finish();
    }
  }

  @Test
  void when_all_sidecars_are_killed_while_redis_lives_then_nothing_is_lost() {
    cluster = SHARED.get();
    try (FaultRun run = new FaultRun(cluster)) {
      cluster.nodes().parallelStream().forEach(Node::killSidecar);
      startAll();
      run.awaitMore(200);
      run.finish();
    }
  }

  @Test
  @Tag("long")
  void when_all_die_and_redis_keeps_its_own_append_only_file_then_nothing_is_lost() {
    cluster = SHARED.own(TestCluster.of(3, "--redis-appendonly", "yes"));
    try (FaultRun run = new FaultRun(cluster)) {
      cluster.nodes().parallelStream().forEach(Node::killBoth);
      startAll();
      run.awaitMore(200);
      run.finish();
    }
  }
}
