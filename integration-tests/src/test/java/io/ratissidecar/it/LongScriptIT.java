package io.ratissidecar.it;

import static io.ratissidecar.it.Replies.assertError;
import static io.ratissidecar.it.Replies.assertNumber;
import static io.ratissidecar.it.Replies.assertOk;
import static io.ratissidecar.it.Replies.assertText;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.ratissidecar.jepsen.RespClient;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/** Scripts that keep Redis busy for a while, and then end. */
@Tag("fault")
@ExtendWith(PrintLogsOnFailure.class)
class LongScriptIT {
  private static final String LONG = "for i = 1, 60000000 do end return ARGV[1]";

  @Test
  void when_a_script_has_kept_redis_busy_then_nobody_is_refused_once_it_is_answered()
      throws Exception {
    try (TestCluster cluster = TestCluster.of(1, "--mode", "transparent")) {
      Node leader = cluster.leader();
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
  }

  @Test
  void when_a_script_does_not_end_then_soon_nothing_is_taken_any_more() throws Exception {
    try (TestCluster cluster = TestCluster.of(1, "--mode", "transparent")) {
      Node leader = cluster.leader();
      assertOk(leader.call("CONFIG", "SET", "busy-reply-threshold", "10"));
      try (RespClient client = leader.client();
          RespClient other = leader.client()) {
        for (int i = 0; i < 10; i++) {
          client.send("EVAL", "while true do end", "0");
          Poll.until(
              "Redis is busy",
              TestCluster.PATIENCE,
              () -> leader.redisCall("PING").toString().startsWith("-BUSY"));
          Thread.sleep(50); // from then on the leader has to ask
          assertError("BUSY", other.call("INCR", "n"));
          assertOk(other.call("SCRIPT", "KILL"));
          assertTrue(client.read().isError());
          assertNumber(i + 1, other.call("INCR", "n"));
        }
      }
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

  private static void awaitBusy(RespClient client) {
    Poll.until(
        "Redis is busy",
        TestCluster.PATIENCE,
        () -> client.call("PING").toString().startsWith("-BUSY"));
  }
}
