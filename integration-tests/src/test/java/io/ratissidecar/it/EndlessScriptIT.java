package io.ratissidecar.it;

import static io.ratissidecar.it.Replies.assertError;
import static io.ratissidecar.it.Replies.assertNoError;
import static io.ratissidecar.it.Replies.assertNumber;
import static io.ratissidecar.it.Replies.assertOk;
import static io.ratissidecar.it.Replies.assertText;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.ratissidecar.jepsen.Reply;
import io.ratissidecar.jepsen.RespClient;
import java.io.IOException;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.extension.RegisterExtension;

/** Scripts that do not end: {@code SCRIPT KILL} takes them out of the log, on every node. */
@Tag("fault")
@ExtendWith(PrintLogsOnFailure.class)
class EndlessScriptIT {
  private static final String ENDLESS = "while true do end";
  private static final String WRITES = "redis.call('set', 'by-script', 'x') while true do end";

  @RegisterExtension
  private static final SharedCluster SHARED =
      new SharedCluster(() -> TestCluster.of(3, "--mode", "transparent"));

  private TestCluster cluster;

  @BeforeEach
  void renew() {
    cluster = SHARED.get();
  }

  private void soonBusy() throws IOException {
    for (Node node : cluster.nodes()) {
      assertOk(node.call("CONFIG", "SET", "busy-reply-threshold", "50"));
    }
  }

  /** Who leads is; that may be another node since the script was sent. */
  private void awaitBusy() {
    awaitBusy("GET", "a");
  }

  private void awaitBusy(String... words) {
    Poll.until(
        "the leader is busy",
        TestCluster.PATIENCE,
        () -> {
          for (Node node : cluster.running()) {
            if (node.call(words).toString().startsWith("-BUSY")) {
              return true;
            }
          }
          return false;
        });
  }

  /** Nobody serves while all are busy, and who leads may change. */
  private void kill(String kind) {
    Poll.until(
        kind + " KILL ends it",
        TestCluster.PATIENCE,
        () -> {
          for (Node node : cluster.running()) {
            Reply reply = node.call(kind, "KILL");
            assertFalse(reply.toString().startsWith("-NOTBUSY"), "it has ended already");
            if (!reply.isError()) {
              return true;
            }
          }
          return false;
        });
  }

  /** Ended before it wrote, there is nothing to undo. */
  private void assertNothingIsLoadedAnew() {
    for (Node node : cluster.nodes()) {
      assertFalse(node.hasLogged("will be loaded anew"), node.name());
    }
  }

  /** Who leads may change: the script took the processors. */
  private void awaitWrite(String value) {
    Poll.until(
        "a write",
        TestCluster.PATIENCE,
        () -> cluster.awaitLeader().call("SET", "a", value).text().equals("OK"));
  }

  @Test
  void when_a_script_does_not_end_then_script_kill_ends_it_everywhere_and_for_good()
      throws Exception {
    soonBusy();
    Node leader = cluster.awaitLeader();
    assertError("NOTBUSY No scripts in execution right now.", leader.call("SCRIPT", "KILL"));
    assertOk(leader.call("SET", "a", "1"));
    try (RespClient client = leader.client()) {
      client.send("EVAL", ENDLESS, "0");
      client.send("SET", "behind", "x");
      awaitBusy();
      for (Node node : cluster.nodes()) {
        Poll.until("PING tells so", TestCluster.PATIENCE, () -> node.call("PING").isError());
      }
      awaitBusy("FUNCTION", "KILL");
      kill("SCRIPT");
      assertError("ERR Script killed by user with SCRIPT KILL", client.read());
      assertOk(client.read());
    }
    cluster.awaitText("1", "a");
    assertNothingIsLoadedAnew();
    assertText("x", cluster.awaitLeader().call("GET", "behind"));
    ClosingInvariants.checkSameData(cluster);
    for (Node node : cluster.nodes()) {
      node.assertLogs("declares commands void");
    }

    // Loaded from the log again, it does not come back.
    Node away = cluster.followers().get(0);
    away.killBoth();
    away.start().awaitReady();
    awaitWrite("2");
    ClosingInvariants.checkSameData(cluster);
    cluster.checkLogs();
  }

  /**
   * Redis may come back with data from before a script that was declared void, and the snapshot
   * that Raft goes on from is from behind that.
   */
  @Test
  void when_redis_is_older_than_the_snapshot_then_a_void_script_does_not_come_back()
      throws Exception {
    Node away = cluster.followers().get(0);
    away.terminate(); // its Redis leaves its data on disk
    away.awaitExit(TestCluster.PATIENCE);
    away.start().awaitReady();
    soonBusy();
    Node leader = cluster.awaitLeader();
    assertOk(leader.call("SET", "a", "0"));
    try (RespClient client = leader.client()) {
      client.send("EVAL", ENDLESS, "0");
      awaitBusy();
      kill("SCRIPT");
      assertError("ERR Script killed by user with SCRIPT KILL", client.read());
    }
    cluster.awaitText("0", "a");
    ClosingInvariants.checkSameData(cluster);
    assertNoError(away.call("RAFT.SNAPSHOT"));
    away.killBoth();
    away.clearLog();
    away.start().awaitReady();
    Poll.until(
        "its Redis has its own data, and not the snapshot's",
        TestCluster.PATIENCE,
        () -> away.hasLogged("The local Redis holds the state of entry"));
    awaitWrite("1");
    ClosingInvariants.checkSameData(cluster);
    cluster.checkLogs();
  }

  @Test
  void when_it_has_written_then_script_kill_undoes_that_on_every_node() throws Exception {
    soonBusy();
    Node leader = cluster.awaitLeader();
    assertOk(leader.call("SET", "by-script", "before"));
    try (RespClient client = leader.client()) {
      client.send("EVAL", WRITES, "0");
      awaitBusy();
      kill("SCRIPT");
      assertError("ERR Script killed by user with SCRIPT KILL", client.read());
    }
    cluster.awaitText("before", "by-script");
    awaitWrite("1");
    ClosingInvariants.checkSameData(cluster);
    cluster.checkLogs();
  }

  @Test
  void when_it_is_in_a_transaction_then_that_has_no_effect() throws Exception {
    soonBusy();
    Node leader = cluster.awaitLeader();
    try (RespClient client = leader.client()) {
      assertOk(client.call("MULTI"));
      assertText("QUEUED", client.call("SET", "a", "1"));
      assertText("QUEUED", client.call("EVAL", ENDLESS, "0"));
      assertText("QUEUED", client.call("SET", "b", "1"));
      client.send("EXEC");
      awaitBusy();
      kill("SCRIPT");
      assertError("ERR Script killed by user with SCRIPT KILL", client.read());
    }
    Poll.until(
        "there is nothing",
        TestCluster.PATIENCE,
        () -> cluster.awaitLeader().call("EXISTS", "a", "b").number() == 0);
    ClosingInvariants.checkSameData(cluster);
    cluster.checkLogs();
  }

  @Test
  void when_it_is_a_function_then_function_kill_ends_it() throws Exception {
    soonBusy();
    Node leader = cluster.awaitLeader();
    assertText(
        "l",
        leader.call(
            "FUNCTION",
            "LOAD",
            "#!lua name=l\nredis.register_function('f', function() while true do end end)"));
    try (RespClient client = leader.client()) {
      client.send("FCALL", "f", "0");
      awaitBusy();
      awaitBusy("SCRIPT", "KILL");
      kill("FUNCTION");
      assertError("ERR Script killed by user", client.read());
    }
    assertNothingIsLoadedAnew();
    awaitWrite("1");
    ClosingInvariants.checkSameData(cluster);
    cluster.checkLogs();
  }

  @Test
  void when_the_leader_dies_meanwhile_then_the_next_one_ends_it() throws Exception {
    soonBusy();
    Node leader = cluster.awaitLeader();
    try (RespClient client = leader.client()) {
      client.send("EVAL", WRITES, "0");
      awaitBusy();
      leader.killBoth();
    }
    kill("SCRIPT");
    awaitWrite("1");
    leader.start().awaitReady();
    assertNumber(0, cluster.awaitLeader().call("EXISTS", "by-script"));
    ClosingInvariants.checkSameData(cluster);
    cluster.checkLogs();
  }

  @Test
  void when_a_script_says_what_a_busy_redis_says_then_it_is_its_result() throws Exception {
    Node leader = cluster.awaitLeader();
    String script = "return redis.error_reply('BUSY Redis is busy, say I')";
    assertError("BUSY Redis is busy, say I", leader.call("EVAL", script, "0"));
    try (RespClient client = cluster.awaitLeader().client()) {
      client.send("EVAL", script, "0"); // again, and perhaps twice in one entry
      client.send("EVAL", script, "0");
      assertError("BUSY Redis is busy, say I", client.read());
      assertError("BUSY Redis is busy, say I", client.read());
    }
    awaitWrite("1");
    assertTrue(ClosingInvariants.checkSameData(cluster) > 0);
    assertEquals("1", cluster.awaitLeader().call("GET", "a").text());
    cluster.checkLogs();
  }
}
