package io.ratissidecar.it;

import static io.ratissidecar.it.Replies.assertError;
import static io.ratissidecar.it.Replies.assertNumber;
import static io.ratissidecar.it.Replies.assertOk;
import static io.ratissidecar.it.Replies.assertText;
import static java.nio.charset.StandardCharsets.US_ASCII;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.ratissidecar.jepsen.Reply;
import io.ratissidecar.jepsen.RespClient;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/** Followers that forward: each client gets its own replies, in order, whatever is cut. */
@ExtendWith(PrintLogsOnFailure.class)
class ProxyIT {
  private static final int CLIENTS = 24;

  /** For tests that hurt no node, or mend what they hurt. */
  @AutoClose("compareAndClose")
  private static TestCluster cluster;

  @BeforeAll
  static void start() {
    cluster = TestCluster.of(3, "--follower-proxy", "yes");
  }

  @Test
  void when_a_follower_is_asked_then_the_leaders_reply_comes_back() throws Exception {
    for (Node node : cluster.followers()) {
      try (RespClient client = node.client()) {
        assertOk(client.call("RAFT", "SET", "proxy:a", node.name()));
        assertText(node.name(), client.call("RAFT", "GET", "proxy:a"));
        assertError("WRONGTYPE", client.call("RAFT", "LPUSH", "proxy:a", "x"));
        assertOk(client.call("SELECT", "2"));
        assertOk(client.call("RAFT", "SET", "proxy:two", "2"));
        assertOk(client.call("RAFT", "MULTI"));
        assertText("QUEUED", client.call("RAFT", "INCR", "proxy:two"));
        assertText("QUEUED", client.call("RAFT", "GET", "proxy:two"));
        assertEquals(List.of("3", "3"), client.call("RAFT", "EXEC").texts());
        try (RespClient subscriber = node.client()) {
          subscriber.call("SUBSCRIBE", "proxy:channel");
          assertNumber(1, client.call("RAFT", "PUBLISH", "proxy:channel", "x"));
          client.sendRaw("RAFT publish proxy:channel 'an inline one'\r\n".getBytes(US_ASCII));
          assertNumber(1, client.read());
          assertEquals("x", subscriber.read().texts().get(2));
          assertEquals("an inline one", subscriber.read().texts().get(2));
        }
        assertOk(client.call("RAFT", "MULTI"));
        assertError("ERR wrong number", client.call("RAFT", "INCR"));
        assertError("EXECABORT", client.call("RAFT", "EXEC"));
        assertNumber(2, client.call("RAFT", "WAIT", "2", "0"));
        assertError("ERR timeout is negative", client.call("RAFT", "WAIT", "1", "-1"));
        client.call("HELLO", "3");
        client.call("RAFT", "HSET", "proxy:h", "f", "v");
        assertEquals('%', client.call("RAFT", "HGETALL", "proxy:h").type());
      }
      assertTrue(node.infoNumber("raft_proxy_reqs") > 0);
      assertEquals(0, node.infoNumber("raft_proxy_outstanding_reqs"));
    }
    Node any = cluster.node(0); // followers take commands, so they are there to be read from
    assertEquals(2, any.call("SENTINEL", "REPLICAS", "mymaster").elements().size());
  }

  @Test
  void when_pipelined_through_a_follower_then_replies_come_in_order() throws Exception {
    try (RespClient client = cluster.followers().get(0).client()) {
      ByteArrayOutputStream out = new ByteArrayOutputStream();
      for (int i = 0; i < 3000; i++) {
        out.writeBytes(RespClient.encode("RAFT", "RPUSH", "proxy:list", "" + i));
        out.writeBytes(RespClient.encode("ECHO", "" + i));
        out.writeBytes(RespClient.encode("RAFT", "LINDEX", "proxy:list", "" + i));
      }
      Thread sender = new Thread(() -> send(client, out.toByteArray()));
      sender.start();
      for (int i = 0; i < 3000; i++) {
        assertText("" + (i + 1), client.read());
        assertText("" + i, client.read());
        assertText("" + i, client.read());
      }
      sender.join();
    }
  }

  private static void send(RespClient client, byte[] bytes) {
    try {
      client.sendRaw(bytes);
    } catch (IOException e) {
      throw new java.io.UncheckedIOException(e);
    }
  }

  @Test
  void when_upstream_connections_and_leaders_are_cut_then_replies_never_cross() throws Exception {
    AtomicBoolean stop = new AtomicBoolean();
    AtomicLong replies = new AtomicLong();
    Queue<String> problems = new ConcurrentLinkedQueue<>();
    List<Thread> threads = new ArrayList<>();
    for (int i = 0; i < CLIENTS; i++) {
      int number = i;
      Node node = cluster.node(i % 3);
      Thread thread = new Thread(() -> talk(node, number, stop, replies, problems), "client-" + i);
      threads.add(thread);
      thread.start();
    }
    for (int round = 0; round < 6; round++) {
      awaitMore(replies, 300);
      Node leader = cluster.leader();
      if (round % 3 == 2) {
        // A busy machine may be too slow for one attempt.
        Poll.until(
            "another leader",
            TestCluster.PATIENCE,
            () -> !cluster.leader().call("RAFT.TRANSFER_LEADER").isError());
      } else {
        cutUpstream(leader);
      }
    }
    Node leader = cluster.leader();
    leader.killSidecar();
    awaitMore(replies, 200);
    leader.start().awaitReady();
    awaitMore(replies, 200);
    stop.set(true);
    for (Thread thread : threads) {
      thread.join(20_000);
      assertTrue(!thread.isAlive(), thread.getName() + " hangs");
    }
    assertEquals(List.of(), List.copyOf(problems));
    ClosingInvariants.checkSameData(cluster);
    System.out.println("replies checked: " + replies);
  }

  private static void awaitMore(AtomicLong counter, long more) {
    long target = counter.get() + more;
    Poll.until(more + " more replies", Duration.ofSeconds(30), () -> counter.get() >= target);
  }

  /**
   * Has the leader close every connection but this test's: the other nodes' forwarding ones too.
   */
  private static void cutUpstream(Node leader) throws IOException {
    try (RespClient client = leader.client()) {
      String list = client.call("CLIENT", "LIST").text();
      assertTrue(list.contains("flags=S"), "no forwarding connection in " + list);
      assertTrue(client.call("CLIENT", "KILL", "TYPE", "normal").number() >= 0);
      for (String line : list.split("\n")) {
        if (line.contains("flags=S")) {
          client.call("CLIENT", "KILL", "ID", line.substring(3, line.indexOf(' ')));
        }
      }
    }
  }

  @Test
  void when_the_leader_freezes_then_what_was_forwarded_gets_an_answer() throws Exception {
    try (TestCluster frozen =
        TestCluster.of(
            3,
            "--follower-proxy",
            "yes",
            "--response-timeout-millis",
            "1500",
            "--read-timeout-millis",
            "1000")) {
      Node leader = frozen.leader();
      Node follower = frozen.followers().get(0);
      try (RespClient client = follower.client()) {
        assertOk(client.call("RAFT", "SET", "proxy:frozen", "1"));
        leader.pauseSidecar();
        assertError(
            "TIMEOUT no reply from leader", client.call("RAFT", "SET", "proxy:frozen", "2"));
        Poll.until(
            "the same client is served by the new leader",
            TestCluster.PATIENCE,
            () -> !client.call("RAFT", "SET", "proxy:frozen", "3").isError());
        assertText("3", client.call("RAFT", "GET", "proxy:frozen"));
      } finally {
        leader.resumeSidecar();
      }
      ClosingInvariants.checkSameData(frozen);
      frozen.checkLogs();
    }
  }

  @Test
  void when_the_leader_is_frozen_before_a_client_forwards_then_the_client_gets_an_answer()
      throws Exception {
    try (TestCluster frozen =
        TestCluster.of(3, "--follower-proxy", "yes", "--password", "correct horse")) {
      Node leader = frozen.leader();
      Node follower = frozen.followers().get(0);
      long counted = 0;
      try (RespClient client = follower.loggedIn()) {
        leader.pauseSidecar();
        client.send("RAFT", "INCR", "proxy:count");
        client.send("ECHO", "in order");
        client.send("RAFT", "INCR", "proxy:count");
        counted += refusedOrCounted(client.read());
        assertText("in order", client.read());
        counted += client.read().isError() ? 0 : 1;
        Poll.until(
            "the same client is served by the new leader",
            TestCluster.PATIENCE,
            () -> !client.call("RAFT", "INCR", "proxy:count").isError());
        counted++;
      } finally {
        leader.resumeSidecar();
      }
      frozen.awaitSameIndex();
      assertText("" + counted, leader.redisCall("GET", "proxy:count"));
      ClosingInvariants.checkSameData(frozen);
      frozen.checkLogs();
    }
  }

  /**
   * On a slow machine the follower may have given up the leader, or have another one, before it
   * forwards.
   */
  private static int refusedOrCounted(Reply reply) {
    if (reply.isError()) {
      assertTrue(
          reply.text().matches("NOTLEADER Failed to proxy command|CLUSTERDOWN No Raft leader"),
          reply::toString);
      return 0;
    }
    return 1;
  }

  @Test
  void when_a_newer_node_wants_to_forward_then_it_is_refused_by_name() throws Exception {
    Node leader = cluster.leader();
    String clusterId = leader.info().get("raft_dbid");
    try (RespClient peer = leader.client()) {
      assertError(
          "ERR node-to-node protocol version 2 is newer than 1",
          peer.call("RAFT.PEER", "PROXY", "2", clusterId));
      assertError("ERR this node is not of cluster x", peer.call("RAFT.PEER", "PROXY", "1", "x"));
      assertError("ERR wrong number of arguments", peer.call("RAFT.PEER", "PROXY"));
      assertTrue(peer.call("CLIENT", "INFO").text().contains("flags=N"), "it is no peer's");
      assertOk(peer.call("RAFT.PEER", "PROXY", "1", clusterId));
      assertTrue(peer.call("CLIENT", "INFO").text().contains("flags=S"), "it is a peer's");
    }
  }

  @Test
  void when_multi_was_refused_and_the_node_leads_by_now_then_nothing_of_the_block_is_executed()
      throws Exception {
    Node next = cluster.followers().get(0);
    try (RespClient peer = next.client()) {
      assertOk(peer.call("RAFT.PEER", "PROXY", "1", next.info().get("raft_dbid")));
      for (String end : List.of("EXEC", "DISCARD")) {
        Reply refused = peer.call("RAFT", "MULTI");
        assertError("MOVED", refused);
        cluster.transferLeadership(next);
        assertEquals(refused.toString(), peer.call("RAFT", "SET", "proxy:part", "1").toString());
        assertEquals(refused.toString(), peer.call("RAFT", "GET", "proxy:part").toString());
        assertEquals(refused.toString(), peer.call("RAFT", end).toString());
        assertTrue(peer.call("RAFT", "GET", "proxy:part").isNull());
        assertOk(peer.call("RAFT", "MULTI"));
        assertText("QUEUED", peer.call("RAFT", "GET", "proxy:part"));
        assertOk(peer.call("RAFT", "DISCARD"));
        cluster.transferLeadership(cluster.followers().get(0));
      }
    }
  }

  private static void talk(
      Node node, int number, AtomicBoolean stop, AtomicLong replies, Queue<String> problems) {
    String key = "proxy:client:" + number;
    long sequence = 0;
    while (!stop.get()) {
      try (RespClient client = node.client()) {
        while (!stop.get()) {
          String value = number + ":" + sequence++;
          // Pipelined, so that several are under way when the connection is cut.
          client.send("RAFT", "SET", key, value);
          client.send("RAFT", "GET", key);
          client.send("RAFT", "PUBLISH", "proxy:nobody", "the same from all");
          client.send("RAFT", "ECHO", value);
          checkSet(client.read(), value, problems);
          Reply got = client.read();
          if (!got.isError() && !got.isNull() && !got.text().startsWith(number + ":")) {
            problems.add(number + " read " + got);
          }
          Reply published = client.read();
          if (!published.isError() && !published.toString().equals(":0")) {
            problems.add(number + " published, got " + published);
          }
          Reply echo = client.read();
          if (!echo.isError() && !value.equals(echo.text())) {
            problems.add(number + " sent " + value + ", got the echo " + echo);
          }
          replies.addAndGet(4);
        }
      } catch (IOException e) {
        // Cut off; goes on with a new connection, when there is one.
        Poll.letRun(Duration.ofMillis(20));
      } catch (RuntimeException e) {
        problems.add(number + ": " + e);
        return;
      }
    }
  }

  private static void checkSet(Reply reply, String value, Queue<String> problems) {
    boolean known =
        reply.toString().equals("+OK")
            || reply.isError()
                && reply.text().matches("(CLUSTERDOWN|NOTLEADER|TIMEOUT|MOVED|TRYAGAIN) .*");
    if (!known) {
      problems.add("SET of " + value + " got " + reply);
    }
  }
}
