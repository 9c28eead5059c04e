package io.ratissidecar.it;

import static io.ratissidecar.it.Replies.assertOk;
import static io.ratissidecar.it.Replies.assertText;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/** The Redis 6.2 that ships with the program, for machines without one: also the oldest one. */
@ExtendWith(PrintLogsOnFailure.class)
class BundledRedisIT {
  @Test
  void when_no_redis_is_installed_then_the_bundled_one_serves() throws Exception {
    try (TestCluster cluster = TestCluster.of(2, "--redis-server", "bundled")) {
      Node leader = cluster.leader();
      assertTrue(leader.call("INFO", "server").text().contains("redis_version:6.2"));
      assertOk(leader.call("RAFT", "SET", "bundled", "1", "EX", "1000"));
      assertText("1", leader.call("RAFT", "GET", "bundled"));
      leader.killRedis();
      Poll.until(
          "the leader, or another, serves again",
          TestCluster.PATIENCE,
          () -> "1".equals(cluster.leader().call("RAFT", "GET", "bundled").text()));
      ClosingInvariants.checkSameData(cluster);
      cluster.checkLogs();
    }
  }
}
