package io.ratissidecar.it;

import static io.ratissidecar.it.Replies.assertNoError;
import static io.ratissidecar.it.Replies.assertNumber;
import static io.ratissidecar.it.Replies.assertOk;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.ratissidecar.jepsen.RespClient;
import java.io.IOException;
import java.time.Duration;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/**
 * Deadlines with nodes whose clocks, and their Redis servers', are an hour apart. The bundled Redis
 * is used: Debian's, with its allocator as a library, does not start under {@code faketime}.
 */
@ExtendWith(PrintLogsOnFailure.class)
class ExpiryClocksIT {
  /** The others hear the leader's clock once a second; nobody can be asked whether they have. */
  private static final Duration CLOCK_IS_HEARD = Duration.ofMillis(1200);

  @AutoClose("compareAndClose")
  private TestCluster cluster;

  @BeforeEach
  void start() {
    cluster = TestCluster.unformed(0, "--redis-server", "bundled", "--follower-proxy", "yes");
    for (String clock : new String[] {"-1h", "+0h", "+1h"}) {
      cluster.create().clock(clock).start().awaitReady();
    }
    cluster.form();
  }

  @Test
  void when_the_leader_changes_then_no_key_is_lost_early_or_seen_late() throws Exception {
    int round = 0;
    for (int i : new int[] {0, 2, 1, 0, 1, 2, 0}) {
      Node before = cluster.awaitLeader();
      String key = "k" + round++;
      assertOk(before.call("RAFT", "SET", key, "v", "EX", "12"));
      long set = System.nanoTime();
      assertOk(before.call("RAFT", "SET", "long-" + key, "v", "EX", "1800"));
      if (cluster.node(i) != before) {
        Poll.letRun(CLOCK_IS_HEARD);
        cluster.transferLeadership(cluster.node(i));
      }
      Node after = cluster.awaitLeader();
      long left = after.call("RAFT", "PTTL", key).number();
      long expected = 12_000 - (System.nanoTime() - set) / 1_000_000;
      assertTrue(Math.abs(left - expected) < 1500, () -> left + " ms left instead of " + expected);
      assertEquals(1, after.call("RAFT", "EXISTS", key).number());
      long ttl = after.call("RAFT", "TTL", "long-" + key).number();
      assertTrue(ttl > 1780 && ttl <= 1800, () -> ttl + " s");
      // A leader whose own clock is behind lets the log's go slower, by 500 millionths at the most.
      Poll.letRun(Duration.ofMillis(Math.max(0, left) + left / 1000 + 2));
      assertNumber(0, after.call("RAFT", "EXISTS", key));
    }
    int keys = round;
    for (Node node : cluster.nodes()) {
      Poll.until(
          node.name() + "'s Redis holds " + keys,
          TestCluster.PATIENCE,
          () -> node.redisCall("DBSIZE").number() == keys);
    }
  }

  @Test
  void when_a_node_replays_with_another_clock_then_it_comes_to_the_same() throws Exception {
    Node away = cluster.node(2); // ahead: for its Redis everything would be over
    Node leader = cluster.node(1);
    cluster.transferLeadership(leader);
    try (RespClient client = leader.client()) {
      for (int i = 0; i < 200; i++) {
        assertOk(client.call("RAFT", "SET", "k" + i, "v", "PX", i % 2 == 0 ? "1000" : "1800000"));
      }
      away.killBoth();
      Poll.until(
          "the last one with a deadline is over",
          TestCluster.PATIENCE,
          () -> client.call("RAFT", "EXISTS", "k198").number() == 0);
      for (int i = 0; i < 200; i++) {
        assertNoError(client.call("RAFT", "APPEND", "k" + i, "x"));
      }
    }
    away.start().awaitReady();
    cluster.awaitSameIndex();
    checkHalf(away);
    cluster.transferLeadership(away);
    checkHalf(away);
    assertNumber(200, away.call("RAFT", "DBSIZE"));
  }

  private static void checkHalf(Node node) throws IOException {
    assertEquals("x", node.redisCall("GET", "k0").text());
    assertEquals("vx", node.redisCall("GET", "k1").text());
    long ttl = node.call("TTL", "k1").number();
    assertTrue(ttl > 1700 && ttl <= 1800, () -> ttl + " s");
  }
}
