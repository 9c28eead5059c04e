package io.ratissidecar.it;

import static io.ratissidecar.it.Replies.assertError;
import static io.ratissidecar.it.Replies.assertNumber;
import static io.ratissidecar.it.Replies.assertOk;
import static io.ratissidecar.it.Replies.assertText;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.ratissidecar.jepsen.Reply;
import io.ratissidecar.jepsen.RespClient;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.extension.RegisterExtension;

/** Commands that wait for data. */
@ExtendWith(PrintLogsOnFailure.class)
class BlockingIT {
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
    awaitBlocked(leader, 0);
  }

  private static void awaitBlocked(Node node, int clients) {
    Poll.until(
        clients + " blocked clients",
        TestCluster.PATIENCE,
        () -> node.call("INFO", "clients").text().contains("blocked_clients:" + clients + "\r"));
  }

  @Test
  void when_there_is_data_then_nothing_waits() throws Exception {
    for (Node node : cluster.nodes()) {
      try (RespClient client = node.client()) {
        client.call("RPUSH", "list", "a", "b", "c", "d", "e");
        assertEquals(List.of("list", "a"), client.call("BLPOP", "none", "list", "0").texts());
        assertEquals(List.of("list", "e"), client.call("BRPOP", "list", "0").texts());
        assertText("b", client.call("BLMOVE", "list", "to", "LEFT", "RIGHT", "0"));
        assertText("d", client.call("BRPOPLPUSH", "list", "to", "0"));
        assertEquals(
            "*[$list, *[$c]]", client.call("BLMPOP", "0", "2", "none", "list", "LEFT").toString());
        client.call("ZADD", "set", "1.5", "a", "2", "b", "3", "c");
        assertEquals(List.of("set", "a", "1.5"), client.call("BZPOPMIN", "set", "0").texts());
        assertEquals(List.of("set", "c", "3"), client.call("BZPOPMAX", "set", "0").texts());
        assertEquals(
            "*[$set, *[*[$b, $2]]]", client.call("BZMPOP", "0", "1", "set", "MIN").toString());
        client.call("HELLO", "3");
        client.call("ZADD", "set", "1.5", "a");
        assertEquals("*[$set, $a, ,1.5]", client.call("BZPOPMIN", "set", "0").toString());
        client.call("DEL", "to");
      }
    }
  }

  @Test
  void when_the_arguments_are_wrong_then_redis_says_so() throws Exception {
    try (RespClient client = leader.client()) {
      assertError("ERR timeout is not a float", client.call("BLPOP", "list", "x"));
      assertError("ERR timeout is negative", client.call("BLPOP", "list", "-1"));
      assertError("ERR wrong number of arguments", client.call("BLPOP", "list"));
      assertError(
          "ERR numkeys should be greater than 0", client.call("BLMPOP", "0", "0", "k", "LEFT"));
      assertError("ERR syntax error", client.call("BLMPOP", "0", "1", "k", "MIDDLE"));
      assertError("ERR syntax error", client.call("BLMOVE", "a", "b", "LEFT", "MIDDLE", "0"));
      client.call("SET", "string", "x");
      assertError("WRONGTYPE", client.call("BLPOP", "none", "string", "0"));
      assertError("WRONGTYPE", client.call("BZPOPMIN", "string", "0"));
    }
  }

  @Test
  void when_the_time_is_over_then_the_reply_is_null_and_the_log_knows_nothing() throws Exception {
    cluster.awaitSameIndex();
    long before = leader.infoNumber("raft_current_index");
    for (Node node : cluster.nodes()) {
      try (RespClient client = node.client()) {
        assertEquals("*null", client.call("BLPOP", "list", "0.05").toString());
        assertEquals("*null", client.call("BLMOVE", "a", "b", "LEFT", "LEFT", "0.05").toString());
        client.call("HELLO", "3");
        assertTrue(client.call("BZPOPMIN", "set", "0.05").isNull());
      }
    }
    assertEquals(before, leader.infoNumber("raft_current_index"));
    awaitBlocked(leader, 0);
  }

  @Test
  void when_data_comes_then_who_waited_first_gets_it() throws Exception {
    List<RespClient> clients = new ArrayList<>();
    try {
      for (int i = 0; i < 6; i++) {
        RespClient client = cluster.node(i % 3).client();
        clients.add(client);
        client.send("BLPOP", "other " + i, "list", "0");
        awaitBlocked(leader, i + 1);
      }
      leader.call("SET", "list", "not a list"); // they go on waiting
      leader.call("DEL", "list");
      leader.call("RPUSH", "list", "0", "1");
      leader.call("RPUSH", "list", "2");
      leader.call("RPUSH", "to be renamed", "3");
      leader.call("RENAME", "to be renamed", "list");
      for (int i = 0; i < 4; i++) {
        assertEquals(List.of("list", "" + i), clients.get(i).read().texts());
      }
      leader.call("RPUSH", "other 5", "5");
      assertEquals(List.of("other 5", "5"), clients.get(5).read().texts());
      awaitBlocked(leader, 1);
      clients.get(4).close();
      awaitBlocked(leader, 0);
      assertNumber(1, leader.call("RPUSH", "list", "left alone"));
    } finally {
      clients.forEach(RespClient::close);
    }
    ClosingInvariants.checkSameData(cluster);
  }

  @Test
  void when_data_comes_for_who_waits_then_nobody_sees_it_in_between() throws Exception {
    try (RespClient producer = leader.client();
        RespClient consumer = leader.client();
        RespClient mover = leader.client()) {
      for (int i = 0; i < 50; i++) {
        consumer.send("BLMOVE", "b", "c", "LEFT", "RIGHT", "0");
        mover.send("BLMOVE", "a", "b", "LEFT", "RIGHT", "0");
        awaitBlocked(leader, 2);
        if (i % 2 == 0) {
          assertNumber(1, producer.call("RPUSH", "a", "" + i));
        } else {
          assertOk(producer.call("MULTI"));
          producer.call("RPUSH", "a", "" + i);
          assertEquals("*[:1]", producer.call("EXEC").toString());
        }
        assertNumber(0, producer.call("EXISTS", "a", "b"));
        assertNumber(i + 1, producer.call("LLEN", "c"));
        assertText("" + i, mover.read());
        assertText("" + i, consumer.read());
      }
    }
  }

  @Test
  void when_groups_are_named_as_streams_then_who_waits_in_vain_makes_no_entries() throws Exception {
    try (RespClient orders = leader.client();
        RespClient billing = leader.client()) {
      assertOk(leader.call("XGROUP", "CREATE", "orders", "billing", "$", "MKSTREAM"));
      assertOk(leader.call("XGROUP", "CREATE", "billing", "orders", "$", "MKSTREAM"));
      orders.send("XREADGROUP GROUP billing c BLOCK 0 STREAMS orders >".split(" "));
      billing.send("XREADGROUP GROUP orders c BLOCK 0 STREAMS billing >".split(" "));
      awaitBlocked(leader, 2);
      assertNumber(0, leader.call("XACK", "orders", "billing", "1-1"));
      Poll.until(
          "the log stands still",
          TestCluster.PATIENCE,
          () -> {
            long before = leader.infoNumber("raft_current_index");
            for (int i = 0; i < 100; i++) {
              leader.call("EXISTS", "nothing");
            }
            return leader.infoNumber("raft_current_index") == before;
          });
      leader.call("XADD", "orders", "1-1", "f", "v");
      leader.call("XADD", "billing", "1-2", "f", "v");
      assertTrue(orders.read().toString().contains("1-1"));
      assertTrue(billing.read().toString().contains("1-2"));
    }
  }

  @Test
  void when_several_streams_have_nothing_then_who_waits_does_not_try_again_and_again()
      throws Exception {
    Node leader = cluster.leader();
    for (String key : List.of("s", "t", "u")) {
      leader.call("XGROUP", "CREATE", key, "g", "$", "MKSTREAM");
      leader.call("XGROUP", "CREATE", key, "h", "$", "MKSTREAM");
    }
    try (RespClient one = leader.client();
        RespClient two = leader.client();
        RespClient other = leader.client();
        RespClient reader = leader.client()) {
      one.send("XREADGROUP GROUP g a BLOCK 0 STREAMS s t u > > >".split(" "));
      two.send("XREADGROUP GROUP g b BLOCK 0 STREAMS u t s > > >".split(" "));
      other.send("XREADGROUP GROUP h a BLOCK 0 STREAMS t s u > > >".split(" "));
      reader.send("XREAD BLOCK 0 STREAMS s t u 0 0 0".split(" "));
      awaitBlocked(leader, 4);
      // A few attempts, and looks at the keys now and then, but not as fast as they go.
      Poll.until(
          "it is quiet",
          TestCluster.PATIENCE,
          () -> {
            long entries = leader.infoNumber("raft_current_index");
            long commands = processed(leader);
            Poll.letRun(Duration.ofMillis(1500));
            return leader.infoNumber("raft_current_index") == entries
                && processed(leader) - commands < 200;
          });
      leader.call("XADD", "t", "1-1", "f", "v");
      assertTrue(one.read().toString().contains("1-1"));
      assertTrue(other.read().toString().contains("1-1"));
      assertTrue(reader.read().toString().contains("1-1"));
      leader.call("XADD", "u", "2-1", "f", "v");
      assertTrue(two.read().toString().contains("2-1"));
    }
  }

  private static long processed(Node node) throws IOException {
    String stats = node.redisCall("INFO", "stats").text();
    return Long.parseLong(stats.split("total_commands_processed:")[1].split("\r")[0]);
  }

  @Test
  void when_a_group_is_destroyed_then_its_consumers_hear_it_who_came_later_than_others()
      throws Exception {
    Node leader = cluster.leader();
    leader.call("XGROUP", "CREATE", "s", "b", "$", "MKSTREAM");
    leader.call("XGROUP", "CREATE", "s", "a", "$");
    try (RespClient first = leader.client();
        RespClient second = leader.client();
        RespClient third = leader.client()) {
      first.send("XREADGROUP GROUP b c BLOCK 0 STREAMS s >".split(" "));
      awaitBlocked(leader, 1);
      second.send("XREADGROUP GROUP a c BLOCK 0 STREAMS s >".split(" "));
      awaitBlocked(leader, 2);
      third.send("XREADGROUP GROUP a d BLOCK 0 STREAMS s >".split(" "));
      awaitBlocked(leader, 3);
      leader.call("XGROUP", "DESTROY", "s", "a");
      assertError("NOGROUP", second.read());
      assertError("NOGROUP", third.read());
      awaitBlocked(leader, 1);
      leader.call("XADD", "s", "1-1", "f", "v");
      assertTrue(first.read().toString().contains("1-1"));
    }
  }

  @Test
  void when_unblocked_while_a_write_names_the_key_then_the_client_hears_it() throws Exception {
    try (RespClient waiting = leader.client();
        RespClient client = leader.client()) {
      String id = waiting.call("CLIENT", "ID").toString().substring(1);
      for (int i = 0; i < 20; i++) {
        waiting.send("BLPOP", "list", "0");
        awaitBlocked(leader, 1);
        client.send("DEL", "list");
        client.send("CLIENT", "UNBLOCK", id, "ERROR");
        assertNumber(0, client.read());
        assertNumber(1, client.read());
        assertError("UNBLOCKED client unblocked via CLIENT UNBLOCK", waiting.read());
      }
    }
  }

  @Test
  void when_it_is_of_no_use_to_the_first_then_the_next_gets_it() throws Exception {
    try (RespClient first = leader.client();
        RespClient second = leader.client();
        RespClient swapped = leader.client()) {
      first.send("BLPOP", "key", "0");
      awaitBlocked(leader, 1);
      second.send("BZPOPMIN", "key", "0");
      awaitBlocked(leader, 2);
      leader.call("ZADD", "key", "1", "m");
      assertEquals(List.of("key", "m", "1"), second.read().texts());
      leader.call("RPUSH", "key", "e");
      assertEquals(List.of("key", "e"), first.read().texts());
      swapped.send("BLPOP", "elsewhere", "0");
      awaitBlocked(leader, 1);
      try (RespClient other = leader.client()) {
        other.call("SELECT", "1");
        other.call("RPUSH", "elsewhere", "e");
        other.call("SWAPDB", "0", "1");
      }
      assertEquals(List.of("elsewhere", "e"), swapped.read().texts());
    }
  }

  @Test
  void when_databases_are_swapped_then_who_has_looked_in_vain_looks_again() throws Exception {
    try (RespClient reader = leader.client();
        RespClient other = leader.client()) {
      leader.call("XADD", "stream", "1-0", "f", "v");
      reader.send("XREAD", "BLOCK", "0", "STREAMS", "stream", "5-0");
      awaitBlocked(leader, 1);
      other.call("SELECT", "1");
      other.call("XADD", "stream", "9-0", "f", "v");
      assertOk(other.call("SWAPDB", "0", "1"));
      assertEquals("*[*[$stream, *[*[$9-0, *[$f, $v]]]]]", reader.read().toString());
    }
  }

  @Test
  void when_the_destination_is_of_another_type_then_who_waits_hears_it() throws Exception {
    try (RespClient waiting = leader.client();
        RespClient next = leader.client();
        RespClient client = leader.client()) {
      assertOk(client.call("SET", "text", "x"));
      for (String move : List.of("BLMOVE source text LEFT RIGHT 0", "BRPOPLPUSH source text 0")) {
        waiting.send(move.split(" "));
        awaitBlocked(leader, 1);
        next.send("BLMOVE", "source", "list", "LEFT", "LEFT", "0");
        awaitBlocked(leader, 2);
        assertOk(client.call("SET", "source", "no list"));
        assertNumber(1, client.call("DEL", "source"));
        assertNumber(1, client.call("RPUSH", "source", "e"));
        assertEquals("-WRONGTYPE", waiting.read().toString().split(" ")[0]);
        assertText("e", next.read());
      }
    }
  }

  @Test
  void when_the_key_is_of_another_type_for_a_moment_then_what_comes_next_is_not_missed()
      throws Exception {
    try (RespClient waiting = leader.client();
        RespClient client = leader.client()) {
      for (int i = 0; i < 50; i++) {
        waiting.send("BLPOP", "changing", "0");
        awaitBlocked(leader, 1);
        client.send("SET", "changing", "no list");
        client.send("DEL", "changing");
        client.send("RPUSH", "changing", "e" + i);
        assertOk(client.read());
        assertNumber(1, client.read());
        assertNumber(1, client.read());
        assertEquals(List.of("changing", "e" + i), waiting.read().texts());
      }
    }
  }

  @Test
  void when_the_key_is_of_another_type_then_changes_of_it_are_no_entries_for_those_who_wait()
      throws Exception {
    List<RespClient> clients = new ArrayList<>();
    try (RespClient client = leader.client()) {
      for (int i = 0; i < 30; i++) {
        clients.add(waiting(cluster.node(i % 3)));
      }
      awaitBlocked(leader, 30);
      long before = leader.infoNumber("raft_current_index");
      for (int i = 0; i < 10; i++) {
        assertOk(client.call("SET", "list", "no list " + i));
      }
      assertError("WRONGTYPE", client.call("BLPOP", "list", "0"));
      long entries = leader.infoNumber("raft_current_index") - before;
      assertTrue(entries <= 11, () -> entries + " entries");
      assertNumber(1, client.call("DEL", "list"));
      assertNumber(30, client.call(pushed(30)));
      Set<String> taken = new HashSet<>();
      for (RespClient waited : clients) {
        taken.add(waited.read().texts().get(1));
      }
      assertEquals(30, taken.size());
    } finally {
      clients.forEach(RespClient::close);
    }
  }

  /** The command that appends the numbers below the count. */
  private static String[] pushed(int count) {
    return Stream.concat(
            Stream.of("RPUSH", "list"), IntStream.range(0, count).mapToObj(Integer::toString))
        .toArray(String[]::new);
  }

  @Test
  void when_in_a_transaction_then_nothing_waits() throws Exception {
    try (RespClient client = leader.client()) {
      client.call("RPUSH", "list", "a");
      client.call("ZADD", "set", "1", "m");
      client.call("MULTI");
      client.call("BLPOP", "none", "list", "0");
      client.call("BLPOP", "none", "list", "0");
      client.call("BZPOPMAX", "set", "0");
      client.call("BLMOVE", "list", "to", "LEFT", "LEFT", "0");
      assertEquals(
          "*[*[$list, $a], *null, *[$set, $m, $1], $null]", client.call("EXEC").toString());
    }
  }

  @Test
  void when_unblocked_by_a_command_then_the_client_hears_it() throws Exception {
    for (Node node : List.of(leader, cluster.followers().get(0))) {
      try (RespClient client = node.client()) {
        String id = client.call("CLIENT", "ID").text();
        client.send("BLPOP", "list", "0");
        awaitBlocked(leader, 1);
        awaitBlocked(node, 1);
        assertNumber(1, node.call("CLIENT", "UNBLOCK", id));
        assertEquals("*null", client.read().toString());
        client.send("BLPOP", "list", "0");
        awaitBlocked(leader, 1);
        assertNumber(1, node.call("CLIENT", "UNBLOCK", id, "ERROR"));
        assertError("UNBLOCKED client unblocked via CLIENT UNBLOCK", client.read());
        assertNumber(0, node.call("CLIENT", "UNBLOCK", id));
        assertText("PONG", client.call("PING"));
        assertTrue(client.call("GET", "none").isNull());
      }
    }
  }

  /** Nobody has confirmed that this node still leads: another may have what is waited for. */
  @Test
  void when_the_leader_is_cut_off_then_a_timeout_is_no_null() throws Exception {
    List<Node> others = cluster.followers();
    try (RespClient popping = leader.client();
        RespClient reading = leader.client()) {
      others.forEach(Node::pauseSidecar);
      popping.send("BLPOP", "list", "0.1");
      reading.send("XREAD", "BLOCK", "100", "STREAMS", "stream", "0");
      assertTrue(popping.read().isError());
      assertTrue(reading.read().isError());
    } finally {
      others.forEach(Node::resumeSidecar);
    }
    cluster.awaitVoters(3);
  }

  @Test
  @Tag("long")
  void when_the_leader_freezes_then_who_waits_there_through_a_follower_hears_it() throws Exception {
    List<String> settings = new ArrayList<>(List.of(SETTINGS));
    settings.addAll(List.of("--response-timeout-millis", "1500", "--read-timeout-millis", "1000"));
    try (TestCluster frozen = TestCluster.of(3, settings.toArray(String[]::new))) {
      Node frozenLeader = frozen.leader();
      try (RespClient client = frozen.followers().get(0).client()) {
        client.send("BLPOP", "list", "0");
        awaitBlocked(frozenLeader, 1);
        frozenLeader.pauseSidecar();
        assertError("TIMEOUT no reply from leader", client.read());
      } finally {
        frozenLeader.resumeSidecar();
      }
      ClosingInvariants.checkSameData(frozen);
      frozen.checkLogs();
    }
  }

  @Test
  void when_a_thousand_wait_then_each_gets_one_in_the_order_of_their_arrival() throws Exception {
    int count = 1000;
    List<RespClient> clients = new ArrayList<>();
    try {
      for (int i = 0; i < count; i++) {
        clients.add(waiting(leader));
      }
      awaitBlocked(leader, count);
      assertNumber(count, leader.call(pushed(count)));
      for (int i = 0; i < count; i++) {
        assertEquals(List.of("list", "" + i), clients.get(i).read().texts());
      }
    } finally {
      clients.forEach(RespClient::close);
    }
  }

  /** One that has come before this returns: the node takes both commands in one go. */
  private static RespClient waiting(Node node) throws IOException {
    RespClient client = node.client();
    ByteArrayOutputStream both = new ByteArrayOutputStream();
    both.writeBytes(RespClient.encode("PING"));
    both.writeBytes(RespClient.encode("BLPOP", "list", "0"));
    client.sendRaw(both.toByteArray());
    assertText("PONG", client.read());
    return client;
  }

  @Test
  void when_the_leader_is_killed_then_all_who_wait_there_hear_it() throws Exception {
    int count = 1000;
    List<RespClient> direct = new ArrayList<>();
    List<RespClient> forwarded = new ArrayList<>();
    try {
      Node killed = leader;
      Node follower = cluster.followers().get(0);
      for (int i = 0; i < count / 2; i++) {
        direct.add(waiting(killed));
        forwarded.add(waiting(follower));
      }
      awaitBlocked(killed, count);
      killed.killSidecar();
      for (RespClient client : direct) {
        assertThrows(IOException.class, client::read);
      }
      for (RespClient client : forwarded) {
        assertError("TIMEOUT no reply from leader", client.read());
      }
      killed.start().awaitReady();
      ClosingInvariants.checkSameData(cluster);
    } finally {
      direct.forEach(RespClient::close);
      forwarded.forEach(RespClient::close);
    }
  }

  @Test
  void when_leadership_moves_then_who_waits_hears_it() throws Exception {
    try (RespClient client = leader.client()) {
      client.send("BLPOP", "list", "0");
      awaitBlocked(leader, 1);
      cluster.transferLeadership(cluster.followers().get(0));
      assertError("UNBLOCKED", client.read());
      client.send("BLPOP", "list", "0"); // through the new leader
      awaitBlocked(cluster.leader(), 1);
      cluster.leader().call("RPUSH", "list", "x");
      assertEquals(List.of("list", "x"), client.read().texts());
    }
  }

  /** A call of which the client does not know whether it took an element, and when it was made. */
  private record CutCall(long beganNanos, long endedNanos) {}

  /** Takes elements, and notes what became of each call. */
  private static final class Taker extends Thread {
    private final Node node;
    private final AtomicBoolean stop;
    private final Map<Integer, Long> takenNanos = new HashMap<>();
    private final List<CutCall> cut = new ArrayList<>();
    private int twice;

    Taker(Node node, AtomicBoolean stop) {
      this.node = node;
      this.stop = stop;
    }

    @Override
    public void run() {
      while (!stop.get()) {
        try (RespClient client = node.client()) {
          while (!stop.get()) {
            take(client);
          }
        } catch (IOException e) {
          // Nothing was asked, or the call is among those that were cut.
        }
      }
    }

    private void take(RespClient client) throws IOException {
      long began = System.nanoTime();
      boolean known = false;
      try {
        Reply reply = client.call("BLPOP", "queue", "0.5");
        known = !reply.isError() || !reply.text().startsWith("TIMEOUT");
        if (!reply.isError() && !reply.isNull()) {
          int element = Integer.parseInt(reply.texts().get(1));
          twice += takenNanos.put(element, System.nanoTime()) == null ? 0 : 1;
        }
      } finally {
        if (!known) {
          cut.add(new CutCall(began, System.nanoTime()));
        }
      }
    }
  }

  @Test
  void when_leaders_are_killed_then_no_element_is_lost_or_given_twice() throws Exception {
    AtomicBoolean stop = new AtomicBoolean();
    List<Taker> takers = cluster.nodes().stream().map(node -> new Taker(node, stop)).toList();
    takers.forEach(Thread::start);
    List<Long> putNanos = new ArrayList<>();
    for (int kill = 0; kill < 3; kill++) {
      for (int i = 0; i < 60; i++) {
        String element = "" + putNanos.size();
        putNanos.add(System.nanoTime());
        Poll.until(
            "put " + element,
            TestCluster.PATIENCE,
            () -> !cluster.leader().call("RPUSH", "queue", element).isError());
      }
      Node killed = cluster.leader();
      killed.killSidecar();
      cluster.awaitLeader();
      killed.start().awaitReady();
    }
    Poll.until(
        "the queue is empty",
        TestCluster.PATIENCE,
        () -> cluster.leader().call("LLEN", "queue").number() == 0);
    stop.set(true);
    for (Taker taker : takers) {
      taker.join();
    }
    checkTaken(takers, putNanos);
    ClosingInvariants.checkSameData(cluster);
    cluster.checkLogs();
  }

  /**
   * Every element was taken once, or by a call of its own that was cut while the element was there:
   * it came before the call's end, and went, since elements leave in order, before the next one was
   * taken by somebody.
   */
  private static void checkTaken(List<Taker> takers, List<Long> putNanos) {
    Map<Integer, Long> taken = new HashMap<>();
    List<CutCall> cut = new ArrayList<>();
    for (Taker taker : takers) {
      assertEquals(0, taker.twice, "elements that came twice to one client");
      taker.takenNanos.forEach(
          (element, nanos) -> assertNull(taken.put(element, nanos), () -> element + " twice"));
      cut.addAll(taker.cut);
    }
    cut.sort(Comparator.comparingLong(CutCall::endedNanos));
    int lost = 0;
    for (int i = 0; i < putNanos.size(); i++) {
      if (taken.containsKey(i)) {
        continue;
      }
      lost++;
      int element = i;
      long goneNanos =
          taken.entrySet().stream()
              .filter(later -> later.getKey() > element)
              .mapToLong(Map.Entry::getValue)
              .min()
              .orElse(Long.MAX_VALUE);
      CutCall own =
          cut.stream()
              .filter(call -> call.endedNanos >= putNanos.get(element))
              .filter(call -> call.beganNanos <= goneNanos)
              .findFirst()
              .orElseThrow(() -> new AssertionError("nobody can have taken " + element));
      cut.remove(own);
    }
    System.out.printf("%d elements went with %d calls that were cut%n", lost, lost + cut.size());
  }
}
