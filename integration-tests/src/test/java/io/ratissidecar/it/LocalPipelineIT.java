package io.ratissidecar.it;

import static io.ratissidecar.it.Replies.assertError;
import static io.ratissidecar.it.Replies.assertOk;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.ratissidecar.jepsen.Reply;
import io.ratissidecar.jepsen.RespClient;
import java.io.EOFException;
import java.io.IOException;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/** Pipelines of subscriptions and transactions without the prefix are answered as by Redis. */
@ExtendWith(PrintLogsOnFailure.class)
class LocalPipelineIT {
  @AutoClose("checkAndClose")
  private static TestCluster cluster;

  private static Node node;

  @BeforeAll
  static void start() {
    cluster = TestCluster.of(1);
    node = cluster.leader();
  }

  /** Sends the commands to the sidecar and to its Redis, and expects the same of both. */
  private static void assertAsRedis(String... commands) throws IOException {
    String sent = String.join("\r\n", commands) + "\r\nQUIT\r\n";
    assertEquals(
        RawClient.untilClosed(node.redisPort(), sent), RawClient.untilClosed(node.port(), sent));
  }

  @Test
  void when_subscriptions_are_pipelined_with_other_commands_then_as_in_redis() throws IOException {
    assertAsRedis("SUBSCRIBE ch", "INFO server");
    assertAsRedis("SUBSCRIBE ch", "PING");
    assertAsRedis("SUBSCRIBE ch", "GET a", "PING", "PING x");
    assertAsRedis("UNSUBSCRIBE", "PING");
    assertAsRedis("SUBSCRIBE", "PING", "SUBSCRIBE a", "SUBSCRIBE", "GET a");
    assertAsRedis("GET none", "SUBSCRIBE a b a", "UNSUBSCRIBE b", "GET none");
    assertAsRedis("PSUBSCRIBE a b", "SUBSCRIBE c", "UNSUBSCRIBE", "PUNSUBSCRIBE b", "PUNSUBSCRIBE");
    assertAsRedis("SUBSCRIBE ch", "UNSUBSCRIBE", "GET none", "ECHO x", "UNSUBSCRIBE x y", "PING");
    assertAsRedis("SUBSCRIBE ch", "MULTI", "HELLO 3", "SELECT 1");
  }

  @Test
  void when_a_subscription_is_refused_then_one_error_answers_all_its_channels() throws IOException {
    // As a Redis that does not know the command would; which one that is depends on its version.
    node.redisCall("ACL", "SETUSER", "default", "resetchannels");
    try {
      assertAsRedis("SUBSCRIBE a b c", "GET none", "PSUBSCRIBE a b", "PING", "ECHO x");
    } finally {
      node.redisCall("ACL", "SETUSER", "default", "allchannels");
    }
  }

  @Test
  void when_a_resp3_client_subscribes_then_confirmations_come_in_order() throws IOException {
    try (RespClient client = node.client()) {
      client.call("HELLO", "3");
      client.sendRaw("SUBSCRIBE a b\r\nPING\r\nUNSUBSCRIBE\r\nECHO x\r\n".getBytes());
      assertEquals(List.of("subscribe", "a", "1"), client.read().texts());
      assertEquals(List.of("subscribe", "b", "2"), client.read().texts());
      assertEquals("PONG", client.read().text());
      assertEquals("unsubscribe", client.read().texts().get(0));
      assertEquals("unsubscribe", client.read().texts().get(0));
      assertEquals("x", client.read().text());
    }
  }

  @Test
  void when_a_reply_looks_like_a_message_then_it_is_a_reply() throws IOException {
    node.call("RPUSH", "looks", "message", "a", "b");
    assertAsRedis("LRANGE looks 0 -1", "SUBSCRIBE a", "UNSUBSCRIBE", "LRANGE looks 0 -1");
  }

  @Test
  void when_in_a_transaction_then_commands_run_at_exec() throws IOException {
    assertAsRedis("MULTI", "PING", "ECHO x", "EXEC", "PING");
    assertAsRedis("MULTI", "MULTI", "WATCH a", "EXEC x", "EXEC");
    assertAsRedis("MULTI x", "PING", "DISCARD");
    assertAsRedis("MULTI", "SELECT x", "EXEC");
  }

  @Test
  void when_a_transaction_selects_then_the_client_is_there_afterwards() throws IOException {
    try (RespClient client = node.client()) {
      client.sendRaw("MULTI\r\nSELECT 3\r\nEXEC\r\nSET three 3\r\nCLIENT INFO\r\n".getBytes());
      assertOk(client.read());
      assertEquals("QUEUED", client.read().text());
      assertEquals(List.of("OK"), client.read().texts());
      assertOk(client.read());
      assertTrue(client.read().text().contains(" db=3 "));
      assertOk(client.call("SELECT", "0"));
      assertTrue(client.call("GET", "three").isNull());
      assertOk(client.call("MULTI"));
      client.call("SELECT", "4");
      assertOk(client.call("DISCARD"));
      assertTrue(client.call("CLIENT", "INFO").text().contains(" db=0 "));
    }
  }

  @Test
  void when_a_transaction_asks_for_info_then_it_is_what_it_is_outside() throws IOException {
    try (RespClient client = node.client()) {
      long commands = client.call("COMMAND", "COUNT").number();
      assertOk(client.call("MULTI"));
      client.call("INFO", "keyspace");
      client.call("COMMAND", "COUNT");
      client.call("INFO", "raft");
      client.call("INFO", "everything");
      List<Reply> replies = client.call("EXEC").elements();
      assertFalse(replies.get(0).text().contains("db15"), replies.get(0).text());
      assertEquals(commands, replies.get(1).number());
      assertTrue(replies.get(2).text().contains("raft_role:leader"));
      assertFalse(replies.get(3).text().contains("db15:"));
    }
  }

  @Test
  void when_a_transaction_asks_for_what_it_may_not_then_it_is_not_executed() throws IOException {
    for (String refused :
        List.of(
            "SELECT 15",
            "SUBSCRIBE a",
            "FLUSHALL",
            "CLIENT REPLY OFF",
            "HELLO 3",
            "AUTH x",
            "RAFT SET never 2",
            "RAFT GET never",
            "RAFT",
            "RAFT.NODE LIST")) {
      try (RespClient client = node.client()) {
        assertOk(client.call("MULTI"));
        assertError("ERR", client.call(refused.split(" ")));
        client.call("SET", "never", "1");
        assertError("EXECABORT", client.call("EXEC"));
        assertTrue(client.call("GET", "never").isNull());
      }
    }
  }

  @Test
  void when_half_of_too_many_commands_are_answered_then_the_client_goes_on() throws Exception {
    try (TestCluster small = TestCluster.of(1, "--max-pending-commands", "4");
        RespClient client = small.leader().client()) {
      client.sendRaw(
          "GET a\r\nGET a\r\nBLPOP none 0\r\nGET a\r\nCLIENT SETNAME goes-on\r\n".getBytes());
      Poll.until(
          "the command behind the limit",
          Duration.ofSeconds(10),
          () -> small.leader().call("CLIENT", "LIST").text().contains("name=goes-on"));
    }
  }

  @Test
  void when_monitoring_then_the_reserved_database_stays_out_of_reach() throws IOException {
    try (RespClient client = node.client()) {
      assertOk(client.call("MONITOR"));
      client.send("SELECT", "15");
      Reply reply = client.read();
      while (!reply.isError()) {
        reply = client.read();
      }
      assertError("ERR DB index is out of range", reply);
    }
  }

  @Test
  void when_redis_dies_then_who_had_something_there_is_told() throws Exception {
    try (RespClient resp3 = node.client();
        RespClient tracking = node.client();
        RespClient blocked = node.client()) {
      resp3.call("HELLO", "3");
      resp3.call("SUBSCRIBE", "a");
      tracking.call("HELLO", "3");
      assertOk(tracking.call("CLIENT", "TRACKING", "ON"));
      blocked.send("BLPOP", "nothing", "0");
      node.awaitBlocked(1);
      node.killRedis();
      assertThrows(EOFException.class, resp3::read);
      assertThrows(EOFException.class, tracking::read);
      assertThrows(EOFException.class, blocked::read);
    }
    cluster.awaitLeader();
  }

  @Test
  void when_hello_follows_info_then_info_keeps_its_protocol() throws IOException {
    try (RespClient client = node.client()) {
      client.sendRaw("INFO server\r\nHELLO 3\r\n".getBytes());
      assertEquals('$', client.read().type());
      assertEquals('%', client.read().type());
      assertEquals('=', client.call("INFO", "server").type());
    }
    assertAsRedis("SELECT +1", "AUTH a b c", "HELLO +3");
  }

  @Test
  void when_client_kill_is_wrong_then_nobody_is_killed() throws IOException {
    assertAsRedis(
        "CLIENT KILL SKIPME maybe",
        "CLIENT KILL USER nobody",
        "CLIENT KILL ID +5",
        "CLIENT KILL TYPE foo",
        "CLIENT KILL FOO x");
    try (RespClient peer = node.client();
        RespClient other = node.client()) {
      peer.call("RAFT.PEER", "PROXY", "1", node.info().get("raft_dbid"));
      assertEquals(0, node.call("CLIENT", "KILL", "LADDR", "1.2.3.4:5").number());
      node.call("CLIENT", "KILL", "USER", "default");
      assertThrows(EOFException.class, other::read);
      assertEquals("PONG", peer.call("PING").text());
    }
  }
}
