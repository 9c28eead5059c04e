package io.ratissidecar.it;

import static io.ratissidecar.it.Replies.assertError;
import static io.ratissidecar.it.Replies.assertNumber;
import static io.ratissidecar.it.Replies.assertOk;
import static io.ratissidecar.it.Replies.assertText;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.ratissidecar.jepsen.Reply;
import io.ratissidecar.jepsen.RespClient;
import java.io.IOException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/** Commands that wait for data. */
@ExtendWith(PrintLogsOnFailure.class)
class BlockingIT {
  @AutoClose private TestCluster cluster;
  private Node leader;

  @BeforeEach
  void start() {
    cluster = TestCluster.of(3, "--mode", "transparent", "--follower-proxy", "yes");
    leader = cluster.leader();
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

  @Test
  void when_the_leader_freezes_then_who_waits_there_through_a_follower_hears_it() throws Exception {
    try (TestCluster frozen =
        TestCluster.of(
            3,
            "--mode",
            "transparent",
            "--follower-proxy",
            "yes",
            "--response-timeout-millis",
            "1500",
            "--read-timeout-millis",
            "1000")) {
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
  void when_a_thousand_wait_then_each_gets_one() throws Exception {
    int count = 1000;
    List<RespClient> clients = new ArrayList<>();
    try {
      for (int i = 0; i < count; i++) {
        RespClient client = leader.client();
        clients.add(client);
        client.send("BLPOP", "list", "0");
      }
      awaitBlocked(leader, count);
      String[] push = new String[count + 2];
      push[0] = "RPUSH";
      push[1] = "list";
      for (int i = 0; i < count; i++) {
        push[i + 2] = "" + i;
      }
      assertNumber(count, leader.call(push));
      Set<String> got = new HashSet<>();
      for (RespClient client : clients) {
        got.add(client.read().texts().get(1));
      }
      assertEquals(count, got.size());
    } finally {
      clients.forEach(RespClient::close);
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

  @Test
  void when_leaders_are_killed_then_no_element_is_lost_or_given_twice() throws Exception {
    AtomicBoolean stop = new AtomicBoolean();
    Map<String, Integer> taken = new HashMap<>();
    ConcurrentLinkedQueue<String> unknown = new ConcurrentLinkedQueue<>();
    List<Thread> takers = new ArrayList<>();
    for (Node node : cluster.nodes()) {
      takers.add(
          new Thread(
              () -> {
                while (!stop.get()) {
                  try (RespClient client = node.client()) {
                    while (!stop.get()) {
                      Reply reply = client.call("BLPOP", "queue", "0.5");
                      if (!reply.isError() && !reply.isNull()) {
                        synchronized (taken) {
                          taken.merge(reply.texts().get(1), 1, Integer::sum);
                        }
                      } else if (reply.isError() && reply.text().startsWith("TIMEOUT")) {
                        unknown.add(reply.text());
                      }
                    }
                  } catch (IOException e) {
                    unknown.add(e.toString()); // one may have been on its way to this client
                  }
                }
              }));
    }
    takers.forEach(Thread::start);
    Set<String> put = new TreeSet<>();
    int number = 0;
    for (int kill = 0; kill < 3; kill++) {
      for (int i = 0; i < 60; i++) {
        String element = "" + number++;
        Poll.until(
            "put " + element,
            TestCluster.PATIENCE,
            () -> !cluster.leader().call("RPUSH", "queue", element).isError());
        put.add(element);
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
    for (Thread taker : takers) {
      taker.join();
    }
    assertTrue(taken.values().stream().allMatch(times -> times == 1), () -> "twice: " + taken);
    put.removeAll(taken.keySet());
    assertTrue(
        put.size() <= unknown.size(),
        () ->
            "lost: " + put + ", while clients were left in the dark " + unknown.size() + " times");
    ClosingInvariants.checkSameData(cluster);
    cluster.checkLogs();
  }
}
