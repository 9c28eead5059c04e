package io.ratissidecar.it;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/**
 * Clients of the npm registry, unchanged. What each does and expects stands in a script of its own
 * in {@code src/test/js}; when it says so, the leader is killed or hands over.
 */
@ExtendWith(PrintLogsOnFailure.class)
class NodeClientsIT {
  @AutoClose("compareAndClose")
  private static TestCluster cluster;

  private static Path scripts;

  @BeforeAll
  static void start() {
    scripts = NodeScript.install();
    cluster = TestCluster.of(3, "--mode", "transparent");
  }

  @BeforeEach
  void empty() throws IOException {
    Replies.assertOk(cluster.leader().call("FLUSHALL"));
  }

  @AfterEach
  void startAgain() {
    startKilled();
    cluster.nodes().forEach(Node::awaitReady);
    cluster.awaitVoters(3);
  }

  private static void startKilled() {
    cluster.nodes().stream().filter(node -> !node.isAlive()).forEach(Node::start);
  }

  @Test
  void when_leaders_change_then_ioredis_goes_on() throws IOException {
    assertWritten(play("ioredis.js"));
  }

  @Test
  void when_leaders_change_then_node_redis_goes_on() throws IOException {
    assertWritten(play("node-redis.js"));
  }

  @Test
  void when_leaders_change_then_bullmq_loses_no_job() throws IOException {
    List<String> said = play("bullmq.js");
    Node leader = cluster.leader();
    Replies.assertNumber(0, leader.call("LLEN", "bull:work:wait"));
    Replies.assertNumber(0, leader.call("LLEN", "bull:work:active"));
    Replies.assertNumber(0, leader.call("ZCARD", "bull:work:failed"));
    long completed = leader.call("ZCARD", "bull:work:completed").number();
    assertTrue(completed >= number(said, "acknowledged"), completed + " of " + said);
  }

  /** Runs a script to its end, changes the leader when it says so, and returns what it said. */
  private static List<String> play(String name) throws IOException {
    List<String> said = new ArrayList<>();
    try (NodeScript script = new NodeScript(scripts.resolve(name), cluster.addresses())) {
      for (String line = script.read(); line != null; line = script.read()) {
        switch (line) {
          case "leader kill" -> {
            cluster.leader().killBoth();
            cluster.awaitLeader();
            script.say("changed");
          }
          case "leader transfer" -> {
            Node former = cluster.leader();
            startKilled();
            Poll.until(
                "another leads",
                TestCluster.PATIENCE,
                () -> {
                  former.call("RAFT.TRANSFER_LEADER");
                  return cluster.leader() != former;
                });
            script.say("changed");
          }
          default -> said.add(line);
        }
      }
      script.awaitSuccess();
    }
    System.out.println(name + ": " + said);
    return said;
  }

  /** The keys that were written during a change are there, on top of what the script has read. */
  private static void assertWritten(List<String> said) throws IOException {
    for (String how : List.of("kill", "transfer")) {
      int found = cluster.leader().call("KEYS", how + ":*").elements().size();
      assertTrue(found >= number(said, "acknowledged " + how), found + " of " + said);
    }
    assertEquals("all is well", said.get(said.size() - 1));
  }

  private static long number(List<String> said, String what) {
    String line = said.stream().filter(l -> l.startsWith(what + " ")).findFirst().orElseThrow();
    return Long.parseLong(line.substring(what.length() + 1).replaceAll("\\D.*", ""));
  }
}
