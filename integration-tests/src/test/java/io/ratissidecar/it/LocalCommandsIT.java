package io.ratissidecar.it;

import static io.ratissidecar.it.Replies.assertError;
import static io.ratissidecar.it.Replies.assertNumber;
import static io.ratissidecar.it.Replies.assertOk;
import static io.ratissidecar.it.Replies.assertText;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.ratissidecar.jepsen.RespClient;
import java.io.EOFException;
import java.io.IOException;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/** Commands without the prefix reach this node's Redis, with all that a connection remembers. */
@ExtendWith(PrintLogsOnFailure.class)
class LocalCommandsIT {
  @AutoClose("checkAndClose")
  private static TestCluster cluster;

  private static Node node;

  @BeforeAll
  static void start() {
    cluster = TestCluster.of(1);
    node = cluster.leader();
  }

  @Test
  void when_without_prefix_then_this_nodes_redis_answers() throws Exception {
    assertOk(node.call("SET", "local:a", "1"));
    assertText("1", node.redisCall("GET", "local:a"));
    assertText("1", node.call("GET", "local:a"));
    assertError("WRONGTYPE", node.call("LPUSH", "local:a", "x"));
    assertEquals(
        node.redisCall("NOSUCH", "x").toString(), node.call("NOSUCH", "x").toString(), "unknown");
  }

  @Test
  void when_in_a_local_transaction_then_it_is_atomic_and_watch_works() throws Exception {
    try (RespClient one = node.client();
        RespClient two = node.client()) {
      assertOk(one.call("WATCH", "local:w"));
      assertOk(one.call("MULTI"));
      assertText("QUEUED", one.call("SET", "local:w", "one"));
      assertOk(two.call("SET", "local:w", "two"));
      assertTrue(one.call("EXEC").isNull());
      assertText("two", one.call("GET", "local:w"));
      assertOk(one.call("MULTI"));
      assertText("QUEUED", one.call("INCR", "local:n"));
      assertText("QUEUED", one.call("INCR", "local:n"));
      assertEquals(List.of("1", "2"), one.call("EXEC").texts());
    }
  }

  @Test
  void when_subscribed_then_messages_come_and_only_they() throws Exception {
    try (RespClient subscriber = node.client()) {
      assertEquals(
          List.of("subscribe", "local:c", "1"), subscriber.call("SUBSCRIBE", "local:c").texts());
      assertNumber(1, node.call("PUBLISH", "local:c", "hello"));
      assertEquals(List.of("message", "local:c", "hello"), subscriber.read().texts());
      assertError("ERR Can't execute 'get'", subscriber.call("GET", "x"));
      assertEquals(
          List.of("unsubscribe", "local:c", "0"),
          subscriber.call("UNSUBSCRIBE", "local:c").texts());
      assertTrue(subscriber.call("GET", "local:none").isNull());
    }
  }

  @Test
  void when_published_through_the_log_then_local_subscribers_hear_it() throws Exception {
    try (RespClient subscriber = node.client()) {
      subscriber.call("SUBSCRIBE", "local:r");
      assertFalse(node.call("RAFT", "PUBLISH", "local:r", "replicated").isError());
      assertEquals(List.of("message", "local:r", "replicated"), subscriber.read().texts());
    }
  }

  @Test
  void when_blocked_then_only_that_client_waits() throws Exception {
    try (RespClient blocked = node.client();
        RespClient other = node.client()) {
      blocked.send("BLPOP", "local:q", "5");
      assertText("PONG", other.call("PING"));
      assertNumber(1, other.call("RPUSH", "local:q", "x"));
      assertEquals(List.of("local:q", "x"), blocked.read().texts());
      assertTrue(blocked.call("BLPOP", "local:q", "0.1").isNull());
    }
  }

  @Test
  void when_a_blocked_client_leaves_then_it_takes_no_element_with_it() throws Exception {
    RespClient blocked = node.client();
    blocked.send("BLPOP", "local:gone", "0");
    node.awaitBlocked(1);
    blocked.close();
    node.awaitBlocked(0);
    assertNumber(1, node.call("RPUSH", "local:gone", "x"));
    assertNumber(1, node.call("LLEN", "local:gone"));
  }

  @Test
  void when_monitoring_then_commands_are_shown() throws Exception {
    try (RespClient monitor = node.client()) {
      assertOk(monitor.call("MONITOR"));
      node.call("GET", "local:seen");
      Poll.until(
          "the command is shown",
          Duration.ofSeconds(5),
          () -> monitor.read().text().contains("local:seen"));
    }
  }

  @Test
  void when_databases_are_used_then_all_but_the_reserved_one() throws Exception {
    try (RespClient client = node.client()) {
      assertOk(client.call("SELECT", "14"));
      assertOk(client.call("SET", "local:14", "x"));
      assertError("ERR DB index is out of range", client.call("SELECT", "15"));
      assertError("ERR", client.call("SELECT", "16"));
      assertError("ERR", client.call("SELECT", "-1"));
      assertError("ERR", client.call("SELECT", "x"));
      assertText("x", client.call("GET", "local:14"));
      assertError("ERR", client.call("MOVE", "local:14", "15"));
      assertError("ERR", client.call("COPY", "local:14", "y", "DB", "15"));
      assertError("ERR", client.call("SWAPDB", "14", "15"));
      assertFalse(client.call("INFO", "keyspace").text().contains("db15"));
      assertTrue(client.call("INFO", "keyspace").text().contains("db14"));
    }
  }

  @Test
  void when_a_local_transaction_selects_the_reserved_database_then_refused() throws Exception {
    try (RespClient client = node.client()) {
      assertOk(client.call("MULTI"));
      assertError("ERR DB index is out of range", client.call("SELECT", "15"));
      client.call("DISCARD");
    }
  }

  @Test
  void when_a_script_selects_the_reserved_database_then_it_cannot_touch_the_marker()
      throws Exception {
    long index = node.infoNumber("raft_last_applied_index");
    node.call("EVAL", "redis.call('select', 15) return redis.call('flushdb')", "0");
    assertOk(node.call("RAFT", "SET", "local:after", "1"));
    assertTrue(node.infoNumber("raft_last_applied_index") > index);
    try (RespClient redis = new RespClient("127.0.0.1", node.redisPort(), 5000)) {
      redis.call("SELECT", "15");
      assertTrue(redis.call("DBSIZE").number() >= 2, "the reserved database was emptied");
    }
  }

  @Test
  void when_dangerous_for_the_node_then_refused() throws Exception {
    for (String command :
        List.of(
            "FLUSHALL",
            "SHUTDOWN",
            "DEBUG SLEEP 0",
            "CONFIG SET databases 1",
            "REPLICAOF NO ONE",
            "SYNC",
            "PSYNC ? -1",
            "CLUSTER RESET")) {
      assertError("ERR", node.call(command.split(" ")));
    }
    assertText("PONG", node.call("PING"));
  }

  @Test
  void when_redis_is_restarted_then_a_client_with_state_is_told_and_others_go_on()
      throws IOException {
    try (RespClient stateful = node.client();
        RespClient plain = node.client()) {
      assertOk(stateful.call("MULTI"));
      assertFalse(plain.call("GET", "local:a").isError());
      node.killRedis();
      assertThrows(EOFException.class, stateful::read);
      // Not with the other client: what it sends before its end of Redis is noticed is lost, as
      // with
      // Redis itself.
      Poll.until(
          "local commands are served again",
          TestCluster.PATIENCE,
          () -> !node.call("GET", "local:a").isError());
      assertFalse(plain.call("GET", "local:a").isError());
    }
    cluster.awaitLeader();
  }
}
