package io.ratissidecar.it;

import static io.ratissidecar.it.Replies.assertNoError;
import static io.ratissidecar.it.Replies.assertNumber;
import static io.ratissidecar.it.Replies.assertOk;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.ratissidecar.jepsen.Reply;
import io.ratissidecar.jepsen.RespClient;
import io.ratissidecar.statemachine.command.LogicalTime;
import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.AfterParameterizedClassInvocation;
import org.junit.jupiter.params.BeforeParameterizedClassInvocation;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.EnumSource;

/** Deadlines with nodes whose clocks, and their Redis servers', are an hour apart. */
@ParameterizedClass
@EnumSource
@ExtendWith(PrintLogsOnFailure.class)
class ExpiryClocksIT {
  /** The others hear the leader's clock once a second; nobody can be asked whether they have. */
  private static final Duration CLOCK_IS_HEARD = Duration.ofMillis(1200);

  private static final String[] CLOCKS = {"-1h", "+0h", "+1h"};

  private static TestCluster cluster;

  /**
   * @param version that the cluster was started with
   */
  ExpiryClocksIT(RedisVersion version) {}

  @BeforeParameterizedClassInvocation
  static void start(RedisVersion version) {
    cluster = TestCluster.unformed(0, version.with("--follower-proxy", "yes"));
    for (String clock : CLOCKS) {
      cluster.create().clock(clock).start();
    }
    cluster.nodes().forEach(Node::awaitReady);
    cluster.form();
  }

  @AfterParameterizedClassInvocation
  static void stop() {
    cluster.compareAndClose();
  }

  @BeforeEach
  void empty() throws IOException {
    assertOk(cluster.awaitLeader().call("RAFT", "FLUSHALL"));
  }

  @Test
  void when_the_leader_changes_then_no_key_is_lost_early_or_seen_late() throws Exception {
    int round = 0;
    cluster.transferLeadership(cluster.node(0));
    for (int i : new int[] {2, 0, 1}) {
      Node before = cluster.awaitLeader();
      String key = "k" + round++;
      assertOk(before.call("RAFT", "SET", key, "v", "EX", "8"));
      long set = System.nanoTime();
      assertOk(before.call("RAFT", "SET", "long-" + key, "v", "EX", "1800"));
      if (cluster.node(i) != before) {
        Poll.letRun(CLOCK_IS_HEARD);
        cluster.transferLeadership(cluster.node(i));
      }
      Node after = cluster.awaitLeader();
      long left = after.call("RAFT", "PTTL", key).number();
      long expected = 8_000 - (System.nanoTime() - set) / 1_000_000;
      assertTrue(Math.abs(left - expected) < 1500, () -> left + " ms left instead of " + expected);
      assertEquals(1, after.call("RAFT", "EXISTS", key).number());
      long ttl = after.call("RAFT", "TTL", "long-" + key).number();
      assertTrue(ttl > 1780 && ttl <= 1800, () -> ttl + " s");
      String at = Long.parseLong(after.call("RAFT", "TIME").texts().get(0)) + 1700 + "";
      assertNumber(1, after.call("RAFT", "EXPIREAT", "long-" + key, at));
      long fromThen = after.call("RAFT", "TTL", "long-" + key).number();
      assertTrue(fromThen > 1690 && fromThen <= 1700, () -> fromThen + " s");
      // A leader whose own clock is behind lets the log's go slower, by 500 millionths at the most.
      Poll.letRun(Duration.ofMillis(Math.max(0, left) + left / 1000 + 2));
      assertNumber(0, cluster.awaitLeader().call("RAFT", "EXISTS", key));
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
  void when_the_clock_of_a_running_node_jumps_then_no_key_is_lost_early_or_seen_late()
      throws Exception {
    Node leader = cluster.node(0);
    Node follower = cluster.node(2);
    if (cluster.awaitLeader() != leader) {
      cluster.transferLeadership(leader);
    }
    for (Node jumping : List.of(leader, follower)) {
      int i = cluster.nodes().indexOf(jumping);
      for (String clock : List.of("+0h", "-2h", CLOCKS[i])) {
        assertOk(leader.call("RAFT", "SET", "short", "v", "PX", "2500"));
        long set = System.nanoTime();
        assertOk(leader.call("RAFT", "SET", "long", "v", "EX", "1800"));
        long before = time(jumping);
        jumping.clock(clock);
        assertTrue(Math.abs(time(jumping) - before) > 3000, "its clock has not jumped");
        Poll.letRun(CLOCK_IS_HEARD);
        long left = leader.call("RAFT", "PTTL", "short").number();
        long expected = 2_500 - (System.nanoTime() - set) / 1_000_000;
        assertTrue(Math.abs(left - expected) < 300, () -> left + " ms instead of " + expected);
        assertNumber(1, follower.call("RAFT", "EXISTS", "short"));
        Poll.letRun(Duration.ofMillis(Math.max(0, left) + left / 1000 + 2));
        assertNumber(0, follower.call("RAFT", "EXISTS", "short"));
        long ttl = leader.call("RAFT", "TTL", "long").number();
        assertTrue(ttl > 1790 && ttl <= 1798, () -> ttl + " s");
      }
    }
    cluster.transferLeadership(follower);
    long ttl = follower.call("RAFT", "TTL", "long").number();
    assertTrue(ttl > 1780 && ttl <= 1798, () -> ttl + " s");
  }

  /** Wall clock of a node's Redis, seconds. */
  private static long time(Node node) throws IOException {
    return Long.parseLong(node.redisCall("TIME").texts().get(0));
  }

  /** The only one that knows the log's clock does not lead any more. */
  @Test
  @Tag("long")
  void when_a_node_leads_that_was_just_started_then_it_has_asked_for_the_logs_clock()
      throws Exception {
    Node knowing = cluster.node(0);
    Node ahead = cluster.node(2);
    if (cluster.awaitLeader() != knowing) {
      cluster.transferLeadership(knowing);
    }
    assertOk(knowing.call("RAFT", "SET", "k", "v", "EX", "1800"));
    cluster.awaitSameIndex();
    cluster.node(1).killSidecar();
    do { // until it wins the election
      ahead.killSidecar();
      Poll.until("it leads no more", TestCluster.PATIENCE, () -> !knowing.isLeader());
      knowing.pauseSidecar(); // or it would be elected before the other one has started
      try {
        ahead.start().awaitReady();
      } finally {
        knowing.resumeSidecar();
      }
    } while (cluster.awaitLeader() != ahead);
    long ttl = ahead.call("RAFT", "TTL", "k").number();
    assertTrue(ttl > 1700 && ttl <= 1800, () -> ttl + " s");
    cluster.node(1).start().awaitReady();
    cluster.awaitSameIndex();
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

  /** Lua has no whole numbers above 2^53, and Redis 6.2 tells what is left by its own clock. */
  @Test
  void when_a_script_asks_for_a_deadline_that_lua_can_not_tell_then_all_nodes_have_the_same()
      throws IOException {
    Reply left =
        cluster
            .awaitLeader()
            .call(
                "RAFT",
                "EVAL",
                """
                for i = 1, 50 do
                  redis.call('SET', KEYS[1], 'v')
                  redis.call('PEXPIRE', KEYS[1], ARGV[1])
                  redis.call('RPUSH', KEYS[2], redis.call('PTTL', KEYS[1]))
                end
                return redis.call('PTTL', KEYS[1]) + redis.call('TIME')[1] * 1000
                """,
                "2",
                "far",
                "left",
                "9999999999999999");
    long most = (1L << 53) - LogicalTime.SHIFT_MILLIS;
    assertTrue(Math.abs(left.number() - most) <= 1000, left::toString);
    cluster.awaitSameIndex();
    Set<String> lists = new TreeSet<>();
    for (Node node : cluster.nodes()) {
      lists.add(node.redisCall("LRANGE", "left", "0", "-1").toString());
    }
    assertEquals(1, lists.size(), lists::toString);
  }

  /** The oldest Redis has no command for a deadline, and tells what is left by its own clock. */
  @Test
  void when_a_script_asks_how_much_time_is_left_then_the_logs_clock_tells() throws IOException {
    Node leader = cluster.awaitLeader();
    assertOk(leader.call("RAFT", "SET", "key", "value", "EX", "100"));
    String script =
        "local left = redis.call('PTTL', KEYS[1]) redis.call('SET', KEYS[2], left) "
            + "return {left, redis.call('TTL', KEYS[1]), redis.call('TTL', KEYS[2]), redis.call('TTL', 'none')}";
    List<Reply> left = leader.call("RAFT", "EVAL", script, "2", "key", "left").elements();
    assertTrue(left.get(0).number() > 60_000 && left.get(0).number() <= 100_000, left::toString);
    assertEquals((left.get(0).number() + 500) / 1000, left.get(1).number());
    assertEquals(List.of(-1L, -2L), List.of(left.get(2).number(), left.get(3).number()));
    ClosingInvariants.checkSameData(cluster);
  }
}
