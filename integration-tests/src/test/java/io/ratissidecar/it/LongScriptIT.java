package io.ratissidecar.it;

import static io.ratissidecar.it.Replies.assertError;
import static io.ratissidecar.it.Replies.assertNumber;
import static io.ratissidecar.it.Replies.assertOk;
import static io.ratissidecar.it.Replies.assertText;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.ratissidecar.jepsen.RespClient;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.extension.RegisterExtension;

/** Scripts that keep Redis busy for a while, and then end. */
@Tag("fault")
@ExtendWith(PrintLogsOnFailure.class)
class LongScriptIT {
  private static final String LONG = "for i = 1, 60000000 do end return ARGV[1]";

  @RegisterExtension
  private static final SharedCluster SINGLE =
      new SharedCluster(() -> TestCluster.of(1, "--mode", "transparent"));

  @Test
  void when_a_script_has_kept_redis_busy_then_nobody_is_refused_once_it_is_answered()
      throws Exception {
    Node leader = SINGLE.get().leader();
    assertOk(leader.call("CONFIG", "SET", "busy-reply-threshold", "10"));
    try (RespClient client = leader.client();
        RespClient other = leader.client()) {
      for (int i = 0; i < 5; i++) {
        client.send("EVAL", LONG, "0", "" + i);
        awaitBusy(other);
        assertText("" + i, client.read());
        assertText("PONG", client.call("PING"));
        assertNumber(i + 1, other.call("INCR", "n"));
      }
    }
  }

  @Test
  void when_a_script_does_not_end_then_soon_nothing_is_taken_any_more() throws Exception {
    Node leader = SINGLE.get().leader();
    assertOk(leader.call("CONFIG", "SET", "busy-reply-threshold", "10"));
    try (RespClient client = leader.client();
        RespClient other = leader.client()) {
      for (int i = 0; i < 10; i++) {
        client.send("EVAL", "while true do end", "0");
        Poll.until(
            "Redis is busy",
            TestCluster.PATIENCE,
            () -> leader.redisCall("PING").toString().startsWith("-BUSY"));
        Poll.letRun(Duration.ofMillis(50)); // from then on the leader has to ask
        assertError("BUSY", other.call("INCR", "n"));
        assertOk(other.call("SCRIPT", "KILL"));
        assertTrue(client.read().isError());
        assertNumber(i + 1, other.call("INCR", "n"));
      }
    }
  }

  @Test
  void when_killed_before_redis_says_that_it_is_busy_then_the_kill_waits_for_that()
      throws Exception {
    Node leader = SINGLE.get().leader();
    assertOk(leader.call("CONFIG", "SET", "busy-reply-threshold", "2000"));
    try (RespClient client = leader.client();
        RespClient other = leader.client()) {
      String body = "while ARGV[1] do end return 1";
      assertNumber(1, client.call("EVAL", body, "0")); // so the log has it
      client.send("EVAL", body, "0", "for ever");
      Poll.until(
          "Redis has it",
          TestCluster.PATIENCE,
          () -> {
            var info = leader.info();
            return Long.parseLong(info.get("raft_last_applied_index"))
                < Long.parseLong(info.get("raft_commit_index"));
          });
      assertOk(other.call("SCRIPT", "KILL"));
      assertTrue(client.read().isError());
      assertError("NOTBUSY", other.call("SCRIPT", "KILL"));
    }
  }

  /**
   * Followers hear with the declaration itself that the script is committed: their Redis may get
   * the script behind what is to end it.
   */
  @Test
  void when_scripts_are_killed_one_after_the_other_then_every_node_ends_each() throws Exception {
    try (TestCluster cluster =
        TestCluster.of(3, "--mode", "transparent", "--election-timeout-millis", "5000")) {
      Node leader = cluster.leader();
      for (Node node : cluster.nodes()) {
        assertOk(node.call("CONFIG", "SET", "busy-reply-threshold", "10"));
      }
      try (RespClient client = leader.client();
          RespClient other = leader.client()) {
        for (int i = 0; i < 30; i++) {
          client.send("EVAL", "while true do end", "0");
          awaitBusy(other);
          assertOk(other.call("SCRIPT", "KILL"));
          assertTrue(client.read().isError());
        }
      }
      ClosingInvariants.checkSameData(cluster);
    }
  }

  /** As at the leader, which hears of them with EXEC only. */
  @Test
  void when_a_followers_redis_is_busy_then_what_transactions_queue_there_is_refused()
      throws Exception {
    try (TestCluster cluster =
        TestCluster.of(
            3,
            "--mode",
            "transparent",
            "--follower-proxy",
            "yes",
            "--election-timeout-millis",
            "5000")) {
      for (Node node : cluster.nodes()) {
        assertOk(node.call("CONFIG", "SET", "busy-reply-threshold", "10"));
      }
      Node follower = cluster.followers().get(0);
      try (RespClient client = follower.client();
          RespClient begun = follower.client();
          RespClient other = follower.client()) {
        assertOk(begun.call("MULTI"));
        assertText("QUEUED", begun.call("INCR", "n"));
        client.send("EVAL", "while true do end", "0");
        awaitBusy(other);
        assertError("BUSY", begun.call("INCR", "n"));
        assertOk(other.call("MULTI"));
        assertError("BUSY", other.call("INCR", "n"));
        assertError("EXECABORT Transaction discarded because of: BUSY", other.call("EXEC"));
        assertError("BUSY", other.call("INCR", "n")); // as the leader says
        assertOk(other.call("SCRIPT", "KILL"));
        assertTrue(client.read().isError());
        Poll.until(
            "the follower's Redis has ended it, too",
            TestCluster.PATIENCE,
            () -> other.call("PING").toString().equals("+PONG"));
        assertError("EXECABORT Transaction discarded because of prev", begun.call("EXEC"));
        assertOk(begun.call("MULTI"));
        assertText("QUEUED", begun.call("INCR", "n"));
        assertEquals(List.of("1"), begun.call("EXEC").texts());
      }
    }
  }

  private static void awaitBusy(RespClient client) {
    Poll.until(
        "Redis is busy",
        TestCluster.PATIENCE,
        () -> client.call("PING").toString().startsWith("-BUSY"));
  }
}
