package io.ratissidecar.it;

import static io.ratissidecar.it.Replies.assertNumber;
import static io.ratissidecar.it.Replies.assertOk;
import static io.ratissidecar.it.Replies.assertText;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.ratissidecar.jepsen.RespClient;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/** However a connection ends, what the client asked before is answered before, and in order. */
@ExtendWith(PrintLogsOnFailure.class)
class ConnectionEndIT {
  @AutoClose("compareAndClose")
  private static TestCluster cluster;

  private static Node leader;
  private static Node follower;

  @BeforeAll
  static void start() {
    cluster = TestCluster.of(3, "--follower-proxy", "yes");
    leader = cluster.leader();
    follower = cluster.followers().get(0);
  }

  @Test
  void when_quit_follows_then_earlier_commands_are_answered_first() throws IOException {
    assertEquals("+OK\r\n+OK\r\n", RawClient.untilClosed(leader, "RAFT SET q 1\r\nQUIT\r\n"));
    assertEquals(
        ":1\r\n$1\r\n1\r\n+OK\r\n",
        RawClient.untilClosed(follower, "RAFT INCR q2\r\nRAFT GET q2\r\nQUIT\r\nPING\r\n"));
    assertEquals("$-1\r\n+OK\r\n", RawClient.untilClosed(leader, "GET none\r\nQUIT\r\n"));
  }

  @Test
  void when_a_client_kills_itself_then_earlier_commands_are_answered_first() throws IOException {
    assertEquals(
        "+OK\r\n:1\r\n",
        RawClient.untilClosed(
            leader,
            "RAFT SET q 1\r\nCLIENT KILL SKIPME no ADDR 0\r\n".replace("ADDR 0", "ID " + nextId())
                + "PING\r\n"));
  }

  private static long nextId() throws IOException {
    return leader.call("CLIENT", "ID").number() + 1;
  }

  @Test
  void when_the_protocol_is_broken_then_the_error_comes_behind_earlier_replies()
      throws IOException {
    assertEquals(
        "+OK\r\n-ERR Protocol error: expected '$', got '!'\r\n",
        RawClient.untilClosed(leader, "RAFT SET pe 1\r\n*1\r\n!bad\r\n"));
    assertEquals(
        "+OK\r\n:1\r\n-ERR Protocol error: expected '$', got '!'\r\n",
        RawClient.untilClosed(follower, "RAFT SET pe2 0\r\nRAFT INCR pe2\r\n*1\r\n!bad\r\n"));
  }

  @Test
  void when_a_client_ends_its_side_then_it_still_gets_every_reply() throws IOException {
    for (Node node : cluster.nodes()) {
      try (RawClient client = new RawClient(node)) {
        client.send("RAFT SET half 1\r\nRAFT GET half\r\nECHO x\r\nGET none\r\nPING\r\n*1\r\n$4");
        client.endOutput();
        assertEquals("+OK\r\n$1\r\n1\r\n$1\r\nx\r\n$-1\r\n+PONG\r\n", client.readUntilClosed());
      }
    }
  }

  @Test
  void when_very_many_commands_end_with_the_input_then_all_are_answered() throws IOException {
    int count = 5000;
    try (RawClient client = new RawClient(leader)) {
      client.send("GET none\r\n".repeat(count) + "MULTI\r\nGET none\r\nEXEC\r\n");
      client.endOutput();
      assertEquals(
          "$-1\r\n".repeat(count) + "+OK\r\n+QUEUED\r\n*1\r\n$-1\r\n", client.readUntilClosed());
    }
  }

  @Test
  void when_a_client_ends_its_side_and_waits_for_nothing_then_it_is_closed() throws IOException {
    String unfinished = "*2\r\n$4\r\nECHO\r\n$100\r\nabc";
    for (String sent : new String[] {"", unfinished, "SUBSCRIBE ch\r\n", "MONITOR\r\n"}) {
      try (RawClient client = new RawClient(leader)) {
        client.send("CLIENT SETNAME half\r\n" + sent);
        client.endOutput();
        client.readUntilClosed();
      }
    }
    Poll.until(
        "nothing is left of them",
        Duration.ofSeconds(5),
        () -> !leader.call("CLIENT", "LIST").text().contains("name=half"));
  }

  /**
   * A machine that is switched off ends no connection. Those of its clients that are blocked would
   * stay in their queues, where each takes an element with it.
   */
  @Test
  void when_a_client_is_silent_then_the_kernel_asks_after_it_as_soon_as_from_redis()
      throws IOException {
    try (RespClient client = leader.client()) {
      assertText("PONG", client.call("PING"));
      int port = Integer.parseInt(client.localAddress().split(":")[1]);
      SocketTimer timer = SocketTimer.of(leader.port(), port);
      assertTrue(timer.isKeepAlive(), timer::toString);
      assertTrue(timer.seconds() <= 300, timer::toString);
    }
  }

  @Test
  void when_a_blocked_client_leaves_with_more_requests_behind_then_it_takes_no_element()
      throws Exception {
    long index;
    try (RawClient blocked = new RawClient(leader)) {
      blocked.send("RAFT SET behind 0\r\n"); // its reply is not read: the connection is reset
      Poll.until(
          "it is in the log",
          TestCluster.PATIENCE,
          () -> leader.call("RAFT", "EXISTS", "behind").number() == 1);
      blocked.send("BLPOP gone 0\r\nRAFT SET behind 1\r\nBLPOP gone 0\r\n");
      leader.awaitBlocked(1);
      index = leader.infoNumber("raft_current_index");
    }
    leader.awaitBlocked(0);
    assertEquals(index, leader.infoNumber("raft_current_index"), "it has left an entry");
    assertNumber(1, leader.call("RPUSH", "gone", "x"));
    assertNumber(1, leader.call("LLEN", "gone"));
    leader.call("DEL", "gone");
  }

  @Test
  void when_reset_follows_then_earlier_commands_are_answered_as_they_came_out() throws Exception {
    for (Node node : cluster.nodes()) {
      try (RespClient client = node.client()) {
        client.call("RAFT", "SET", "reset:n", "0");
        client.sendRaw(
            ("GET reset:none\r\nGET reset:none\r\nRESET\r\n"
                    + "RAFT INCR reset:n\r\nRAFT INCR reset:n\r\nRESET\r\nPING\r\n")
                .getBytes(StandardCharsets.US_ASCII));
        assertTrue(client.read().isNull());
        assertTrue(client.read().isNull());
        assertText("RESET", client.read());
        assertNumber(1, client.read());
        assertNumber(2, client.read());
        assertText("RESET", client.read());
        assertText("PONG", client.read());
        assertOk(client.call("RAFT", "SET", "reset:n", "0"));
      }
    }
  }
}
