package io.ratissidecar.it;

import static io.ratissidecar.it.Replies.assertError;
import static io.ratissidecar.it.Replies.assertNoError;
import static io.ratissidecar.it.Replies.assertNumber;
import static io.ratissidecar.it.Replies.assertText;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.ratissidecar.jepsen.Reply;
import io.ratissidecar.jepsen.RespClient;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Pattern;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.io.TempDir;

/** Streams by the log's clock, and members of sets that are popped at random. */
@ExtendWith(PrintLogsOnFailure.class)
class StreamsIT {
  @TempDir static Path directory;

  private static final Pattern LONG_NUMBER = Pattern.compile(":([0-9]{12,})");

  private static final String[] SETTINGS = {"--mode", "transparent", "--follower-proxy", "yes"};

  @RegisterExtension
  private static final SharedCluster SHARED =
      SharedCluster.comparing(() -> TestCluster.of(3, SETTINGS));

  private TestCluster cluster;

  private Node leader;

  @BeforeEach
  void begin() {
    cluster = SHARED.get();
    leader = cluster.leader();
  }

  /** Redis keeps them 34 years earlier. */
  @Test
  void when_pending_entries_are_told_in_full_then_their_times_are_of_today() throws Exception {
    leader.call("XADD", "full", "1-1", "pel", "pending");
    leader.call("XGROUP", "CREATE", "full", "g", "0");
    leader.call("XREADGROUP", "GROUP", "g", "pel", "STREAMS", "full", ">");
    for (Node node : cluster.nodes()) {
      for (String protocol : List.of("2", "3")) {
        try (RespClient client = node.client()) {
          client.call("HELLO", protocol);
          checkTimes(client.call("XINFO", "STREAM", "full", "FULL"));
          checkTimes(client.call("RAFT", "xinfo", "stream", "full", "full", "COUNT", "0"));
          client.call("MULTI");
          client.call("XINFO", "STREAM", "full", "FULL");
          client.call("XADD", "full", "*", "f", "v");
          checkTimes(client.call("EXEC"));
        }
      }
    }
    assertError("ERR no such key", leader.call("XINFO", "STREAM", "none", "FULL"));
  }

  private static void checkTimes(Reply info) {
    List<Long> times =
        LONG_NUMBER.matcher(info.toString()).results().map(m -> Long.valueOf(m.group(1))).toList();
    assertTrue(
        times.size() >= 3, info::toString); // the group's, the consumer's, and when it was seen
    long now = System.currentTimeMillis();
    assertTrue(times.stream().allMatch(t -> Math.abs(now - t) < 600_000), info::toString);
  }

  @Test
  void when_ids_are_generated_then_they_grow_and_are_the_same_everywhere() throws Exception {
    List<String> ids = new ArrayList<>();
    for (Node node : cluster.nodes()) {
      try (RespClient client = node.client()) {
        for (int i = 0; i < 200; i++) {
          client.send("XADD", "s", "*", "i", "" + i);
        }
        for (int i = 0; i < 200; i++) {
          ids.add(client.read().text());
        }
        client.call("MULTI");
        client.call("XADD", "s", "*", "in", "multi");
        client.call("XADD", "s", "NOMKSTREAM", "MAXLEN", "~", "100000", "*", "in", "multi");
        ids.addAll(client.call("EXEC").texts());
        ids.add(client.call("RAFT", "XADD", "s", "*", "f", "v").text());
        ids.add(
            client
                .call("EVAL", "return redis.call('XADD', KEYS[1], '*', 'f', 'v')", "1", "s")
                .text());
      }
    }
    long now = System.currentTimeMillis();
    long[] before = {0, -1};
    for (String id : ids) {
      String[] parts = id.split("-");
      long ms = Long.parseLong(parts[0]);
      long seq = Long.parseLong(parts[1]);
      assertTrue(ms > before[0] || ms == before[0] && seq == before[1] + 1, ids::toString);
      assertTrue(Math.abs(now - ms) < 60_000, id);
      before = new long[] {ms, seq};
    }
    assertText("9999999999999-5", leader.call("XADD", "s", "9999999999999-5", "f", "v"));
    assertText("9999999999999-6", leader.call("XADD", "s", "*", "f", "v"));
    assertText("9999999999999-7", leader.call("XADD", "s", "9999999999999-*", "f", "v"));
    assertTrue(leader.call("XADD", "none", "NOMKSTREAM", "*", "f", "v").isNull());
    assertNumber(ids.size() + 3, leader.call("XLEN", "s"));
    checkSame(cluster);
  }

  @Test
  void when_trimmed_about_then_by_the_nodes_of_the_leaders_setting() throws Exception {
    Node follower = cluster.followers().get(0);
    assertEquals("100", configured(leader));
    try {
      assertText("OK", leader.call("config", "set", "STREAM-NODE-MAX-ENTRIES", "10"));
      for (int i = 1; i <= 40; i++) {
        leader.call("XADD", "s", i + "-0", "f", "v");
      }
      assertNumber(20, leader.call("XTRIM", "s", "MAXLEN", "~", "15"));
      assertText("41-0", follower.call("XADD", "s", "MAXLEN", "~", "5", "41-0", "f", "v"));
      assertNumber(11, leader.call("XLEN", "s"));
      leader.killRedis(); // the next one knows nothing of what was set
      leader.awaitReady();
      for (int i = 42; i <= 50; i++) {
        leader.call("XADD", "s", i + "-0", "f", "v");
      }
      assertEquals("100", configured(leader));
      assertNumber(0, leader.call("XTRIM", "s", "MAXLEN", "~", "5"));
    } finally {
      leader.call("CONFIG", "SET", "stream-node-max-entries", "100");
    }
    checkSame(cluster);
  }

  private static String configured(Node node) throws IOException {
    return node.call("CONFIG", "GET", "stream-node-max-entries").texts().get(1);
  }

  /** One client of the cluster and one of a plain Redis do the same. */
  @Test
  void when_compared_with_plain_redis_then_all_replies_are_alike() throws Exception {
    String[] lines = {
      "SET string x",
      "XADD string * f v",
      "XADD s * f",
      "XADD s - f v",
      "XADD s 1-1 f v",
      "XADD s 1-* f v",
      "XADD s 2-1 f v",
      "XADD t 1-1 g w",
      "XGROUP CREATE s g 0",
      "XGROUP CREATE t g 0",
      "XREADGROUP GROUP g a COUNT 1 STREAMS s t > >",
      "XREADGROUP GROUP g a STREAMS s t 0 0",
      "XREADGROUP GROUP g b NOACK COUNT 1 STREAMS s >",
      "XREADGROUP GROUP g b STREAMS s >",
      "XREADGROUP GROUP g b STREAMS s >",
      "XREADGROUP GROUP g b BLOCK 10 STREAMS s >",
      "XREADGROUP GROUP g b BLOCK 10 STREAMS s 0",
      "XREADGROUP GROUP none b BLOCK 10 STREAMS s >",
      "XREADGROUP GROUP g b BLOCK 10 STREAMS string >",
      "XREADGROUP GROUP g b STREAMS s",
      "XREADGROUP GROUP g b BLOCK x STREAMS s >",
      "XREADGROUP GROUP g b BLOCK -1 STREAMS s >",
      "XPENDING s g",
      "XCLAIM s g c 0 1-1 2-1",
      "XCLAIM s g c 100000 1-1 2-1",
      "XCLAIM s g c 0 1-1 IDLE 100 JUSTID",
      "XCLAIM string g c 0 1-1",
      "XAUTOCLAIM s g d 0 - COUNT 1",
      "XAUTOCLAIM s g d 100000 0",
      "XAUTOCLAIM s none d 0 0",
      "XDEL s 1-1",
      "XREADGROUP GROUP g d STREAMS s 0",
      "XAUTOCLAIM s g d 0 -",
      "XACK s g 2-1",
      "XPENDING s g IDLE 0 - + 10",
      "XPENDING s none - + 10",
      "XREAD BLOCK 10 STREAMS s $",
      "XREAD BLOCK 10 COUNT 1 STREAMS s t 0 $",
      "XREAD BLOCK 1 COUNT 1 STREAMS none s t $ 0 0",
      "XREAD BLOCK 10 STREAMS none 0",
      "XREAD BLOCK 10 STREAMS string 0",
      "XREAD BLOCK 10 STREAMS string $",
      "XREAD BLOCK x STREAMS s 0",
      "XREAD BLOCK 10 STREAMS s t 0",
      "XREAD BLOCK 10 STREAMS s x",
      "RPUSH list a",
      "BLPOP none list 0.001",
      "SADD one m",
      "SPOP one",
      "SPOP one",
      "SPOP one 5",
      "SPOP string",
      "SPOP string 2",
      "SPOP string 0",
      "SPOP none 0",
      "SADD one m",
      "SPOP one 0",
      "SPOP one 3",
      "SPOP one -1",
      "SPOP one x",
      "SPOP one 1 2",
      "SADD one m",
      "MULTI",
      "SPOP one",
      "SPOP one 2",
      "XADD s 9-* f v",
      "XREADGROUP GROUP g a STREAMS s >",
      "XREADGROUP GROUP g a BLOCK 0 STREAMS s >",
      "XREAD BLOCK 0 STREAMS s $",
      "XCLAIM s g c 0 9-0",
      "XPENDING s g",
      "SPOP string",
      "EXEC"
    };
    try (PlainRedis redis = new PlainRedis(directory)) {
      for (Node node : cluster.nodes()) {
        for (String protocol : List.of("2", "3")) {
          leader.call("FLUSHALL");
          redis.call("FLUSHALL");
          try (RespClient plain = redis.client();
              RespClient client = node.client()) {
            plain.call("HELLO", protocol);
            client.call("HELLO", protocol);
            for (String line : lines) {
              String expected = plain.call(line.split(" ")).toString();
              assertEquals(expected, client.call(line.split(" ")).toString(), protocol + line);
            }
          }
        }
      }
    }
    checkSame(cluster);
  }

  @Test
  void when_entries_are_delivered_then_idle_times_are_right_and_go_on_with_another_leader()
      throws Exception {
    leader.call("XADD", "s", "1-1", "f", "v");
    leader.call("XADD", "s", "2-1", "f", "v");
    leader.call("XGROUP", "CREATE", "s", "g", "0");
    leader.call("XREADGROUP", "GROUP", "g", "a", "COUNT", "1", "STREAMS", "s", ">");
    long delivered = System.nanoTime();
    Poll.letRun(Duration.ofMillis(1500));
    for (Node node : cluster.nodes()) {
      cluster.transferLeadership(node);
      long idle =
          node.call("XPENDING", "s", "g", "-", "+", "9")
              .elements()
              .get(0)
              .elements()
              .get(2)
              .number();
      long expected = (System.nanoTime() - delivered) / 1_000_000;
      assertTrue(Math.abs(idle - expected) < 400, () -> idle + " ms instead of " + expected);
      assertEquals(
          "*[]", node.call("XPENDING", "s", "g", "IDLE", "60000", "-", "+", "9").toString());
      assertEquals("*[]", node.call("XCLAIM", "s", "g", "b", "60000", "1-1").toString());
      assertEquals(
          1, node.call("XPENDING", "s", "g", "IDLE", "1400", "-", "+", "9").elements().size());
    }
    assertEquals(
        List.of("1-1"),
        cluster.leader().call("XCLAIM", "s", "g", "b", "1400", "1-1", "JUSTID").texts());
    assertEquals("*[]", cluster.leader().call("XCLAIM", "s", "g", "c", "1400", "1-1").toString());
    checkSame(cluster);
  }

  @Test
  void when_members_are_popped_then_each_once_and_any() throws Exception {
    int size = 3000;
    List<RespClient> clients = new ArrayList<>();
    for (int i = 0; i < 6; i++) {
      clients.add(cluster.node(i % 3).client());
    }
    try {
      fill("big", size);
      Set<String> popped = new HashSet<>();
      int asked = 0;
      while (popped.size() < size) {
        for (RespClient client : clients) {
          for (int i = 0; i < 5; i++) {
            client.send("SPOP", "big");
          }
          client.send("SPOP", "big", "" + (asked++ % 40));
        }
        for (RespClient client : clients) {
          for (int i = 0; i < 5; i++) {
            Reply one = client.read();
            assertTrue(one.isNull() || popped.add(one.text()), () -> one + " twice");
          }
          client.read().texts().forEach(one -> assertTrue(popped.add(one), () -> one + " twice"));
        }
        assertTrue(asked < 2000, "the set never ends");
      }
      assertNumber(0, leader.call("EXISTS", "big"));
    } finally {
      clients.forEach(RespClient::close);
    }
    // Each member of ten is the first in 2000 draws some 200 times: 14 is the standard deviation.
    int[] first = new int[10];
    try (RespClient client = leader.client()) {
      for (int i = 0; i < 2000; i++) {
        client.send("DEL", "few");
        client.send("SADD", "few", "0", "1", "2", "3", "4", "5", "6", "7", "8", "9");
        client.send("SPOP", "few");
      }
      for (int i = 0; i < 2000; i++) {
        client.read();
        client.read();
        first[Integer.parseInt(client.read().text())]++;
      }
    }
    for (int count : first) {
      assertTrue(count > 120 && count < 280, () -> java.util.Arrays.toString(first));
    }
    fill("large", 5000);
    try (RespClient client = leader.client()) {
      assertEquals(3000, new HashSet<>(client.call("SPOP", "large", "3000").texts()).size());
      client.call("MULTI");
      for (int i = 0; i < 150; i++) {
        client.call("SPOP", "large");
      }
      client.call("SPOP", "large", "500");
      client.call("SELECT", "1");
      client.call("SPOP", "large");
      List<Reply> replies = client.call("EXEC").elements();
      Set<String> all = new HashSet<>(replies.get(150).texts());
      replies.subList(0, 150).forEach(one -> all.add(one.text()));
      assertEquals(650, all.size());
      assertTrue(replies.get(152).isNull());
      client.call("SELECT", "0");
      assertNumber(1350, client.call("SCARD", "large"));
      assertEquals(1350, client.call("SPOP", "large", "200000").elements().size());
    }
    checkSame(cluster);
  }

  private void fill(String key, int size) throws IOException {
    String[] add = new String[size + 2];
    add[0] = "SADD";
    add[1] = key;
    for (int i = 0; i < size; i++) {
      add[i + 2] = "m" + i;
    }
    assertNumber(size, leader.call(add));
  }

  @Test
  void when_something_is_added_then_all_who_read_get_it() throws Exception {
    List<RespClient> readers = new ArrayList<>();
    try (RespClient consumer = leader.client();
        RespClient second = leader.client()) {
      leader.call("XADD", "s", "1-1", "f", "old");
      leader.call("XGROUP", "CREATE", "s", "g", "$");
      for (int i = 0; i < 9; i++) {
        RespClient reader = cluster.node(i % 3).client();
        readers.add(reader);
        reader.send("XREAD", "BLOCK", "0", "STREAMS", "none", i < 3 ? "s" : "t", "$", "$");
      }
      consumer.send("XREADGROUP", "GROUP", "g", "c", "BLOCK", "0", "STREAMS", "s", ">");
      awaitBlocked(10);
      second.send("XREADGROUP", "GROUP", "g", "d", "BLOCK", "0", "STREAMS", "s", ">");
      awaitBlocked(11);
      leader.call("XADD", "s", "2-1", "f", "new");
      for (RespClient reader : readers.subList(0, 3)) {
        assertEquals("*[*[$s, *[*[$2-1, *[$f, $new]]]]]", reader.read().toString());
      }
      assertEquals("*[*[$s, *[*[$2-1, *[$f, $new]]]]]", consumer.read().toString());
      awaitBlocked(7);
      leader.call("XADD", "s", "3-1", "f", "newer");
      assertEquals("*[*[$s, *[*[$3-1, *[$f, $newer]]]]]", second.read().toString());
      leader.call("SET", "t", "of another type");
      leader.call("DEL", "t");
      awaitBlocked(6);
      leader.call("XADD", "t", "1-1", "f", "x");
      for (RespClient reader : readers.subList(3, 9)) {
        assertEquals("*[*[$t, *[*[$1-1, *[$f, $x]]]]]", reader.read().toString());
      }
      consumer.send("XREADGROUP", "GROUP", "g", "c", "BLOCK", "0", "STREAMS", "s", ">");
      awaitBlocked(1);
      leader.call("DEL", "s");
      assertTrue(consumer.read().isError());
      // What a client has added itself just before is not new to it.
      for (int i = 0; i < 50; i++) {
        consumer.send("XADD", "own", "*", "f", "v");
        consumer.send("XREAD", "BLOCK", "1", "STREAMS", "own", "$");
        consumer.send("XREAD", "BLOCK", "0", "COUNT", "1", "STREAMS", "own", "0");
        assertNoError(consumer.read());
        assertTrue(consumer.read().isNull());
        assertEquals(1, consumer.read().elements().size());
      }
      awaitBlocked(0);
      assertTrue(consumer.call("XREAD", "BLOCK", "30", "STREAMS", "own", "$").isNull());
    } finally {
      readers.forEach(RespClient::close);
    }
    checkSame(cluster);
  }

  @Test
  void when_the_stream_or_its_group_goes_then_who_waits_there_hears_which() throws Exception {
    String version = leader.redisCall("INFO", "server").text().split("redis_version:")[1];
    boolean sayWhich = version.startsWith("6.") || version.startsWith("7.0");
    String noStream = sayWhich ? "UNBLOCKED the stream key no longer exists" : "NOGROUP";
    String otherType = sayWhich ? noStream : "WRONGTYPE";
    String noGroup = sayWhich ? "NOGROUP the consumer group this client was blocked" : "NOGROUP";
    String[][] going = {
      {"DEL s", noStream},
      {"SET s x", otherType},
      {"FLUSHALL", noStream},
      {"FLUSHDB", noStream},
      {"RENAME s other", noStream},
      {"EVAL redis.call('del','s') 0", noStream},
      {"SWAPDB 0 5", noStream},
      {"XGROUP DESTROY s g", noGroup},
    };
    for (String[] goes : going) {
      leader.call("FLUSHALL");
      leader.call("XGROUP", "CREATE", "s", "g", "$", "MKSTREAM");
      leader.call("XGROUP", "CREATE", "t", "g", "$", "MKSTREAM");
      try (RespClient one = leader.client();
          RespClient two = cluster.followers().get(0).client()) {
        one.send("XREADGROUP", "GROUP", "g", "c", "BLOCK", "0", "STREAMS", "s", ">");
        two.send("XREADGROUP", "GROUP", "g", "d", "BLOCK", "0", "STREAMS", "t", "s", ">", ">");
        awaitBlocked(2);
        assertNoError(leader.call(goes[0].split(" ")));
        List<Reply> heard = List.of(one.read(), two.read());
        assertTrue(
            heard.stream().allMatch(r -> r.isError() && r.text().startsWith(goes[1])),
            () -> goes[0] + ": " + heard);
        awaitBlocked(0);
      }
    }
    checkSame(cluster);
  }

  @Test
  void when_consumers_of_two_groups_wait_then_each_group_gets_the_entry() throws Exception {
    leader.call("XGROUP", "CREATE", "q", "g1", "$", "MKSTREAM");
    leader.call("XGROUP", "CREATE", "q", "g2", "$");
    try (RespClient first = leader.client();
        RespClient second = leader.client();
        RespClient other = leader.client()) {
      String wait = "XREADGROUP COUNT 1 GROUP %s %s BLOCK 0 STREAMS q >"; // options in this order
      first.send(wait.formatted("g1", "c").split(" "));
      awaitBlocked(1);
      second.send(wait.formatted("g1", "d").split(" "));
      awaitBlocked(2);
      other.send(wait.formatted("g2", "c").split(" "));
      awaitBlocked(3);
      leader.call("XADD", "q", "1-0", "f", "v");
      assertEquals("*[*[$q, *[*[$1-0, *[$f, $v]]]]]", first.read().toString());
      assertEquals("*[*[$q, *[*[$1-0, *[$f, $v]]]]]", other.read().toString());
    }
  }

  @Test
  void when_many_consumers_wait_then_every_entry_goes_to_one() throws Exception {
    leader.call("XGROUP", "CREATE", "q", "g", "0", "MKSTREAM");
    List<RespClient> clients = new ArrayList<>();
    try {
      for (int i = 0; i < 60; i++) {
        RespClient client = cluster.node(i % 3).client();
        clients.add(client);
        client.send(
            "XREADGROUP", "GROUP", "g", "c" + i, "COUNT", "1", "BLOCK", "0", "STREAMS", "q", ">");
      }
      awaitBlocked(60);
      long before = leader.infoNumber("raft_current_index");
      Set<String> added = new TreeSet<>();
      try (RespClient client = leader.client()) {
        for (int i = 0; i < 60; i++) {
          client.send("XADD", "q", "*", "f", "v");
        }
        for (int i = 0; i < 60; i++) {
          added.add(client.read().text());
        }
      }
      Set<String> got = new TreeSet<>();
      for (RespClient client : clients) {
        Reply entry = client.read().elements().get(0).elements().get(1).elements().get(0);
        got.add(entry.elements().get(0).text());
      }
      assertEquals(added, got);
      long entries = leader.infoNumber("raft_current_index") - before;
      assertTrue(entries < 500, () -> entries + " entries of the log");
    } finally {
      clients.forEach(RespClient::close);
    }
    checkSame(cluster);
  }

  @Test
  void when_leaders_are_killed_and_nodes_replay_then_all_come_to_the_same() throws Exception {
    cluster.leader().call("XGROUP", "CREATE", "s", "g", "0", "MKSTREAM");
    for (int round = 0; round < 3; round++) {
      Node killed = cluster.leader();
      try (RespClient client = killed.client()) {
        for (int i = 0; i < 40; i++) {
          client.send("XADD", "s", "*", "f", "v");
          client.send("XREADGROUP", "GROUP", "g", "c" + i % 3, "COUNT", "1", "STREAMS", "s", ">");
          client.send("XAUTOCLAIM", "s", "g", "d", "5", "-", "COUNT", "3");
          client.send("SADD", "set", "a" + i, "b" + i, "c" + i);
          client.send("SPOP", "set");
          if (i == 20) {
            client.read();
          }
        }
        killed.killSidecar();
      } finally {
        cluster.awaitLeader();
      }
      killed.start().awaitReady();
    }
    Node away = cluster.followers().get(0);
    away.killRedis(); // it comes back empty, and everything is applied once more
    Poll.until(
        "it has a new Redis",
        TestCluster.PATIENCE,
        () -> away.redis().isPresent() && away.redisCall("EXISTS", "s").number() == 1);
    checkSame(cluster);
    // What a claim finds depends on what every node keeps.
    Poll.letRun(Duration.ofMillis(50));
    for (Node node : cluster.nodes()) {
      cluster.transferLeadership(node);
      assertNoError(node.call("XAUTOCLAIM", "s", "g", node.name(), "40", "-", "COUNT", "10"));
    }
    checkSame(cluster);
  }

  private void awaitBlocked(int clients) {
    Poll.until(
        clients + " blocked clients",
        TestCluster.PATIENCE,
        () -> leader.call("INFO", "clients").text().contains("blocked_clients:" + clients + "\r"));
  }

  /** Data, and groups with all times but those that are the node's own. */
  private static void checkSame(TestCluster cluster) throws IOException {
    ClosingInvariants.checkSameData(cluster);
    List<Reply> keys = cluster.node(0).redisCall("KEYS", "*").elements();
    for (Reply key : keys) {
      Set<String> seen = new TreeSet<>();
      for (Node node : cluster.nodes()) {
        Reply info = node.redisCall("XINFO", "STREAM", key.text(), "FULL", "COUNT", "0");
        seen.add(info.toString().replaceAll("seen-time, :\\d+", ""));
      }
      assertEquals(1, seen.size(), seen::toString);
    }
    cluster.checkLogs();
  }
}
