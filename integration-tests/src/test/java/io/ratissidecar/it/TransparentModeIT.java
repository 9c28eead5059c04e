package io.ratissidecar.it;

import static io.ratissidecar.it.Replies.assertError;
import static io.ratissidecar.it.Replies.assertNumber;
import static io.ratissidecar.it.Replies.assertOk;
import static io.ratissidecar.it.Replies.assertText;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.lettuce.core.RedisClient;
import io.ratissidecar.jepsen.Reply;
import io.ratissidecar.jepsen.RespClient;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import redis.clients.jedis.HostAndPort;
import redis.clients.jedis.Jedis;
import redis.clients.jedis.RedisClusterClient;
import redis.clients.jedis.Transaction;

/** Clients that know nothing of the sidecar. */
@ExtendWith(PrintLogsOnFailure.class)
class TransparentModeIT {
  @AutoClose("compareAndClose")
  private static TestCluster cluster;

  @BeforeAll
  static void start() {
    cluster = TestCluster.of(3, "--mode", "transparent");
  }

  @BeforeEach
  void empty() throws Exception {
    assertOk(cluster.leader().call("FLUSHALL"));
  }

  @Test
  void when_a_command_comes_without_raft_then_it_is_replicated() throws Exception {
    try (RespClient client = cluster.leader().client()) {
      assertOk(client.call("SET", "key", "value"));
      assertText("value", client.call("GET", "key"));
      assertText("value", client.call("RAFT", "GET", "key"));
      assertNumber(2, client.call("RPUSH", "list", "a", "b"));
      assertError("WRONGTYPE", client.call("INCR", "list"));
      assertError("ERR unknown command 'NOSUCH'", client.call("NOSUCH", "x"));
      assertError("ERR wrong number of arguments for 'get'", client.call("GET"));
      assertOk(client.call("SELECT", "3"));
      assertOk(client.call("SET", "key", "three"));
      assertNumber(1, client.call("DBSIZE"));
    }
    cluster.awaitSameIndex();
    for (Node node : cluster.nodes()) {
      assertText("value", node.redisCall("GET", "key"));
      try (RespClient redis = new RespClient("127.0.0.1", node.redisPort(), Node.CALL_MILLIS)) {
        assertOk(redis.call("SELECT", "3"));
        assertText("three", redis.call("GET", "key"));
      }
    }
  }

  @Test
  void when_a_follower_is_asked_then_it_redirects() throws Exception {
    for (Node node : cluster.followers()) {
      assertError("MOVED 0 " + cluster.leader().address(), node.call("SET", "key", "value"));
      assertError("MOVED 0 " + cluster.leader().address(), node.call("GET", "key"));
      assertText("PONG", node.call("PING"));
    }
  }

  @Test
  void when_it_concerns_one_node_then_that_node_answers() throws Exception {
    for (Node node : cluster.nodes()) {
      assertTrue(node.call("CONFIG", "GET", "maxmemory").texts().contains("maxmemory"));
      assertTrue(node.call("CLIENT", "LIST").text().contains("cmd="));
      assertTrue(node.call("INFO", "server").text().contains("redis_version"));
      assertEquals(2, node.call("TIME").elements().size());
      assertError("ERR CONFIG SET is refused", node.call("CONFIG", "SET", "maxmemory", "1"));
    }
    assertError("ERR DEBUG is refused", cluster.leader().call("DEBUG", "SLEEP", "1"));
  }

  @Test
  void when_redis_lets_it_into_no_transaction_then_it_says_so() throws Exception {
    try (RespClient client = cluster.leader().client()) {
      for (String command : List.of("SAVE", "SHUTDOWN", "ACL")) {
        assertOk(client.call("MULTI"));
        assertError(
            command.equals("ACL")
                ? "ERR 'acl' can't be part of a MULTI"
                : "ERR Command not allowed inside a transaction",
            command.equals("ACL") ? client.call("ACL", "WHOAMI") : client.call(command));
        assertError("EXECABORT", client.call("EXEC"));
      }
    }
  }

  @Test
  void when_a_client_hears_of_all_keys_then_not_of_the_sidecars_own() throws Exception {
    Node node = cluster.leader();
    assertOk(node.call("CONFIG", "SET", "notify-keyspace-events", "KEA"));
    try (RespClient two = node.client();
        RespClient three = node.client()) {
      three.call("HELLO", "3");
      for (RespClient client : List.of(two, three)) {
        client.call("PSUBSCRIBE", "*");
        node.call("SET", "heard", "x");
        assertEquals(
            List.of("pmessage", "*", "__keyspace@0__:heard", "set"), client.read().texts());
        assertEquals(
            List.of("pmessage", "*", "__keyevent@0__:set", "heard"), client.read().texts());
        node.call("PUBLISH", "@15__:", "x");
        assertEquals(List.of("pmessage", "*", "@15__:", "x"), client.read().texts());
      }
    } finally {
      node.call("CONFIG", "SET", "notify-keyspace-events", "");
    }
  }

  @Test
  void when_a_client_waits_for_replicas_then_it_hears_of_those_that_have_its_writes()
      throws Exception {
    try (RespClient client = cluster.leader().client()) {
      client.send("SET", "key", "x");
      client.send("WAIT", "1", "0");
      assertOk(client.read());
      assertTrue(client.read().number() >= 1, "a majority has it");
      assertNumber(2, client.call("WAIT", "2", "0"));
      long began = System.nanoTime();
      assertNumber(2, client.call("WAIT", "3", "50"));
      assertTrue(System.nanoTime() - began >= 50_000_000);
      assertTrue(client.call("WAIT", "0", "0").number() >= 1);
      assertError("ERR value is not an integer", client.call("WAIT", "x", "0"));
      assertError("ERR timeout is not an integer", client.call("WAIT", "1", "x"));
      assertError("ERR timeout is negative", client.call("WAIT", "1", "-1"));
      assertError("ERR wrong number of arguments", client.call("WAIT", "1"));
      assertText("x", client.call("GET", "key"));
    }
    assertError("MOVED", cluster.followers().get(0).call("WAIT", "1", "0"));
  }

  @Test
  void when_who_waits_for_replicas_goes_or_is_unblocked_then_the_waiting_ends() throws Exception {
    Node leader = cluster.leader();
    try (RespClient client = leader.client()) {
      long id = client.call("CLIENT", "ID").number();
      client.send("WAIT", "9", "0");
      awaitUnblocked(leader, id, "TIMEOUT");
      assertTrue(client.read().number() >= 1);
      client.send("WAIT", "9", "0");
      awaitUnblocked(leader, id, "ERROR");
      assertError("UNBLOCKED", client.read());
    }
    RespClient gone = leader.client();
    long id = gone.call("CLIENT", "ID").number();
    gone.send("WAIT", "9", "0");
    gone.close();
    Poll.until(
        "its connection ends",
        TestCluster.PATIENCE,
        () -> !leader.call("CLIENT", "LIST").text().contains("id=" + id + " "));
  }

  private static void awaitUnblocked(Node node, long id, String how) {
    Poll.until(
        "unblocked",
        TestCluster.PATIENCE,
        () -> node.call("CLIENT", "UNBLOCK", "" + id, how).number() == 1);
  }

  @Test
  void when_a_client_caches_then_it_must_ask_for_all_changes() throws Exception {
    Node node = cluster.leader();
    try (RespClient client = node.client()) {
      client.call("HELLO", "3");
      String error = "ERR CLIENT TRACKING is refused without BCAST";
      assertError(error, client.call("CLIENT", "TRACKING", "ON"));
      assertError(error, client.call("CLIENT", "TRACKING", "ON", "OPTIN", "PREFIX", "bcast"));
      assertError(
          "ERR CLIENT TRACKING is refused with REDIRECT",
          client.call("CLIENT", "TRACKING", "ON", "BCAST", "REDIRECT", "1"));
      assertError(
          "ERR CLIENT TRACKING is refused with NOLOOP",
          client.call("CLIENT", "TRACKING", "ON", "BCAST", "NOLOOP"));
      assertOk(client.call("CLIENT", "TRACKING", "ON", "PREFIX", "cached", "BCAST"));
      assertOk(node.call("SET", "cached", "x"));
      assertEquals("invalidate", client.read().texts().get(0));
      assertText("x", client.call("GET", "cached"));
      assertOk(client.call("CLIENT", "TRACKING", "OFF"));
    }
  }

  @Test
  void when_replies_are_off_then_subscriptions_are_told_all_the_same() throws Exception {
    Node node = cluster.leader();
    try (RespClient client = node.client()) {
      client.send("CLIENT", "REPLY", "OFF");
      assertEquals(List.of("subscribe", "off", "1"), client.call("SUBSCRIBE", "off").texts());
      node.call("PUBLISH", "off", "x");
      assertEquals(List.of("message", "off", "x"), client.read().texts());
    }
    try (RespClient client = node.client()) {
      client.send("CLIENT", "REPLY", "SKIP");
      assertEquals(List.of("psubscribe", "sk*", "1"), client.call("PSUBSCRIBE", "sk*").texts());
    }
  }

  @Test
  void when_a_subcommand_has_wrong_arguments_then_only_the_client_hears_of_it() throws Exception {
    try (RespClient client = cluster.leader().client()) {
      String error = "ERR unknown subcommand or wrong number of arguments for 'FLUSH'";
      assertError(error, client.call("FUNCTION", "FLUSH", "SYNC", "more"));
      assertOk(client.call("SET", "key", "value"));
    }
    cluster.awaitSameIndex();
  }

  @Test
  void when_a_setting_concerns_no_replicated_data_then_it_may_be_changed() throws Exception {
    Node node = cluster.followers().get(0);
    assertOk(node.call("CONFIG", "SET", "hash-max-listpack-entries", "7", "slowlog-max-len", "9"));
    assertEquals(
        List.of("slowlog-max-len", "9"), node.call("CONFIG", "GET", "slowlog-max-len").texts());
    assertOk(node.call("CONFIG", "RESETSTAT"));
    assertError(
        "ERR CONFIG SET is refused: replication may depend on 'maxmemory'",
        node.call("CONFIG", "SET", "hz", "10", "maxmemory", "1000000"));
  }

  @Test
  void when_in_a_transaction_then_all_of_it_is_one_entry() throws Exception {
    try (RespClient client = cluster.leader().client()) {
      assertOk(client.call("MULTI"));
      assertText("QUEUED", client.call("SET", "a", "1"));
      assertText("QUEUED", client.call("PING"));
      assertText("QUEUED", client.call("SELECT", "2"));
      assertText("QUEUED", client.call("INCR", "a"));
      assertText("QUEUED", client.call("GET", "a"));
      assertEquals(List.of("OK", "PONG", "OK", "1", "1"), client.call("EXEC").texts());
      assertText("1", client.call("GET", "a")); // database 2 from now on
      assertOk(client.call("SET", "a", "two"));
      assertOk(client.call("SELECT", "0"));
      assertText("1", client.call("GET", "a"));

      assertOk(client.call("MULTI"));
      assertError("ERR 'config' can't be part of a MULTI", client.call("CONFIG", "GET", "save"));
      assertError("EXECABORT", client.call("EXEC"));
      assertOk(client.call("MULTI"));
      assertError("ERR DB index is out of range", client.call("SELECT", "15"));
      assertError("EXECABORT", client.call("EXEC"));
      assertOk(client.call("MULTI"));
      assertText("QUEUED", client.call("SET", "a", "discarded"));
      assertOk(client.call("DISCARD"));
      assertText("1", client.call("GET", "a"));
      assertOk(client.call("MULTI"));
      assertText("RESET", client.call("RESET"));
      assertText("1", client.call("GET", "a"));
    }
  }

  @Test
  void when_a_database_is_named_that_is_not_there_then_only_the_client_hears_of_it()
      throws Exception {
    try (RespClient client = cluster.leader().client()) {
      client.call("SET", "key", "value", "EX", "100");
      for (int i = 0; i < 5; i++) {
        client.send("MOVE", "key", "100");
        client.send("COPY", "key", "other", "DB", "100");
      }
      for (int i = 0; i < 10; i++) {
        assertTrue(client.read().isError());
      }
      assertText("value", client.call("GET", "key"));
    }
  }

  @Test
  void when_published_at_the_leader_then_subscribers_of_every_node_hear_it() throws Exception {
    for (Node node : cluster.nodes()) {
      try (RespClient subscriber = node.client()) {
        assertEquals("subscribe", subscriber.call("SUBSCRIBE", "news").texts().get(0));
        assertFalse(cluster.leader().call("PUBLISH", "news", node.name()).isError());
        Reply message = subscriber.read();
        while (!message.texts().contains(node.name())) {
          message = subscriber.read(); // this node may have been behind, and tell of earlier ones
        }
        assertEquals(List.of("message", "news", node.name()), message.texts());
      }
    }
  }

  @Test
  void when_jedis_is_used_unchanged_then_it_works() {
    Node leader = cluster.leader();
    try (Jedis jedis = new Jedis("127.0.0.1", leader.port())) {
      jedis.set("jedis", "1");
      assertEquals(2, jedis.incr("jedis"));
      Transaction transaction = jedis.multi();
      var incremented = transaction.incr("jedis");
      transaction.hset("hash", "field", "value");
      transaction.exec();
      assertEquals(3, incremented.get());
      assertEquals("value", jedis.hget("hash", "field"));
    }
    Node follower = cluster.followers().get(0);
    try (RedisClusterClient any =
        RedisClusterClient.builder()
            .nodes(Set.of(new HostAndPort("127.0.0.1", follower.port())))
            .build()) {
      any.set("cluster client", "finds the leader");
      assertEquals("finds the leader", any.get("cluster client"));
    }
  }

  @Test
  void when_lettuce_is_used_unchanged_then_it_works() {
    RedisClient client = RedisClient.create("redis://" + cluster.leader().address());
    try (var connection = client.connect()) {
      var commands = connection.sync();
      assertEquals("OK", commands.set("lettuce", "1"));
      commands.multi();
      commands.incr("lettuce");
      assertEquals(List.of(2L), commands.exec().stream().toList());
      assertEquals("2", commands.get("lettuce"));
    } finally {
      client.shutdown();
    }
  }

  @Test
  void when_the_node_is_in_no_cluster_then_it_says_so() throws Exception {
    try (TestCluster none = TestCluster.unformed(1, "--mode", "transparent")) {
      Reply reply = none.node(0).call("SET", "key", "value");
      assertError("NOCLUSTER", reply);
      assertText("PONG", none.node(0).call("PING"));
    }
  }
}
