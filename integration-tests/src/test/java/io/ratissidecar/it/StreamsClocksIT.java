package io.ratissidecar.it;

import static io.ratissidecar.it.Replies.assertNoError;
import static io.ratissidecar.it.Replies.assertNumber;
import static io.ratissidecar.it.Replies.assertText;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.ratissidecar.jepsen.Reply;
import io.ratissidecar.jepsen.RespClient;
import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.Parameter;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.EnumSource;

/** Streams with nodes whose clocks, and their Redis servers', are an hour apart. */
@ParameterizedClass
@EnumSource
@ExtendWith(PrintLogsOnFailure.class)
class StreamsClocksIT {
  @Parameter private RedisVersion version;

  @AutoClose("compareAndClose")
  private TestCluster cluster;

  @BeforeEach
  void start() {
    cluster =
        TestCluster.unformed(0, version.with("--follower-proxy", "yes", "--mode", "transparent"));
    for (String clock : new String[] {"+0h", "-1h", "+1h"}) {
      cluster.create().clock(clock).start();
    }
    cluster.nodes().forEach(Node::awaitReady);
    cluster.form();
  }

  @Test
  void when_every_node_leads_in_turn_then_times_go_on_and_are_the_same() throws Exception {
    Node leader = cluster.leader();
    leader.call("XGROUP", "CREATE", "s", "g", "0", "MKSTREAM");
    String last = "0-0";
    for (int i : new int[] {2, 0, 1, 0}) {
      Poll.letRun(Duration.ofMillis(1200)); // the others hear the leader's clock once a second
      cluster.transferLeadership(cluster.node(i));
      Node node = cluster.awaitLeader();
      for (int k = 0; k < 50; k++) {
        String id = node.call("XADD", "s", "*", "f", "v").text();
        assertTrue(millis(id) >= millis(last), last + " then " + id);
        assertTrue(last.equals("0-0") || millis(id) - millis(last) < 30_000, id);
        last = id;
      }
      try (RespClient client = node.client()) {
        for (int k = 0; k < 100; k++) {
          client.send("XADD", "s", "MAXLEN", "~", "1000000", "*", "f", "v");
          client.send(
              "EVAL",
              "redis.call('XADD', 's', '*', 'f', 'v') return redis.call('XADD', 's', '*', 'f', 'v')",
              "0");
        }
        for (int k = 0; k < 200; k++) {
          last = client.read().text();
        }
      }
      long delivered = System.nanoTime();
      assertNoError(
          node.call("XREADGROUP", "GROUP", "g", "c" + i, "COUNT", "20", "STREAMS", "s", ">"));
      Poll.letRun(Duration.ofMillis(700));
      long idle =
          node.call("XPENDING", "s", "g", "-", "+", "500", "c" + i).elements().stream()
              .mapToLong(p -> p.elements().get(2).number())
              .min()
              .orElseThrow();
      long most = (System.nanoTime() - delivered) / 1_000_000 + 100;
      assertTrue(idle >= 700 && idle < most, () -> idle + " ms of at most " + most);
      assertEquals(
          "*[]", node.call("XPENDING", "s", "g", "IDLE", "600000", "-", "+", "9").toString());
      List<Reply> claimed = node.call("XAUTOCLAIM", "s", "g", "z", "600000", "-").elements();
      assertEquals("[$0-0, *[]]", claimed.subList(0, 2).toString());
      assertEquals(
          5,
          node.call("XAUTOCLAIM", "s", "g", "x", "500", "-", "COUNT", "5", "JUSTID")
              .elements()
              .get(1)
              .elements()
              .size());
      node.call("SADD", "set", "a", "b", "c", "d", "e");
      assertEquals(2, node.call("SPOP", "set", "2").elements().size());
      assertText("OK", node.call("SET", "other", node.name()));
    }
    checkSame();
    Node away = cluster.followers().get(0);
    away.killBoth();
    Poll.letRun(Duration.ofMillis(1500));
    away.start().awaitReady(); // applies what it has not yet, and later than the others
    checkSame();
    cluster.transferLeadership(away);
    assertNumber(4 * 350, away.call("XLEN", "s"));
    assertNoError(away.call("XCLAIM", "s", "g", "y", "1000", last));
  }

  @Test
  void when_pending_entries_come_from_elsewhere_then_they_are_as_old_everywhere() throws Exception {
    Node now = cluster.node(0);
    for (int i = 1; i <= 3; i++) {
      assertNoError(now.redisCall("XADD", "elsewhere", i + "-1", "f", "v"));
    }
    assertNoError(now.redisCall("XGROUP", "CREATE", "elsewhere", "g", "0"));
    assertNoError(now.redisCall("XREADGROUP", "GROUP", "g", "c", "STREAMS", "elsewhere", ">"));
    byte[] dump = now.redisCall("DUMP", "elsewhere").bytes();
    assertNumber(1, now.redisCall("DEL", "elsewhere"));
    try (RespClient client = cluster.leader().client()) {
      assertText("OK", Dump.restore(client, "s", dump));
      // The node that is behind would take them for an hour old.
      assertEquals("*[]", client.call("XCLAIM", "s", "g", "d", "600000", "1-1").toString());
      assertNoError(client.call("XAUTOCLAIM", "s", "g", "e", "600000", "0"));
      Poll.letRun(Duration.ofMillis(50));
      assertNoError(client.call("XAUTOCLAIM", "s", "g", "e", "50", "0", "COUNT", "2"));
    }
    checkSame();
  }

  private static long millis(String id) {
    return Long.parseLong(id.split("-")[0]);
  }

  private void checkSame() throws IOException {
    cluster.awaitSameIndex();
    for (List<String> words :
        List.of(
            List.of("XINFO", "STREAM", "s", "FULL", "COUNT", "0"),
            List.of("XRANGE", "s", "-", "+"))) {
      Set<String> seen = new TreeSet<>();
      for (Node node : cluster.nodes()) {
        String text = node.redisCall(words.toArray(String[]::new)).toString();
        // Redis's own, of no key that it has packed alike; consumers are seen by the node's clock.
        seen.add(text.replaceAll("\\$(seen-time|radix-tree-keys|radix-tree-nodes), :\\d+", ""));
      }
      assertEquals(1, seen.size(), seen::toString);
    }
  }
}
