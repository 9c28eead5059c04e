package io.ratissidecar.it;

import static io.ratissidecar.it.Replies.assertError;
import static io.ratissidecar.it.Replies.assertNoError;
import static io.ratissidecar.it.Replies.assertNumber;
import static io.ratissidecar.it.Replies.assertOk;
import static io.ratissidecar.it.Replies.assertText;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.ratissidecar.jepsen.Reply;
import io.ratissidecar.jepsen.RespClient;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What clients are sent without asking: messages of channels, and what to drop from a cache. */
@ExtendWith(PrintLogsOnFailure.class)
class PushedMessagesIT {
  private static final int MESSAGES = 200;

  @AutoClose("compareAndClose")
  private static TestCluster cluster;

  @BeforeAll
  static void start() {
    cluster = TestCluster.of(3, "--mode", "transparent", "--follower-proxy", "yes");
  }

  /** The log is the order, so that it is the same at every node. */
  @ParameterizedTest
  @ValueSource(strings = {"", "S"})
  void when_two_publish_at_two_nodes_then_all_subscribers_hear_one_order(String sharded)
      throws Exception {
    List<RespClient> subscribers = new ArrayList<>();
    try {
      for (Node node : cluster.nodes()) {
        RespClient subscriber = node.client();
        subscribers.add(subscriber);
        assertNoError(subscriber.call(sharded + "SUBSCRIBE", "channel"));
      }
      Queue<Throwable> problems = new ConcurrentLinkedQueue<>();
      List<Thread> publishers = new ArrayList<>();
      for (Node node : cluster.followers()) {
        publishers.add(new Thread(() -> publish(node, sharded + "PUBLISH", problems)));
      }
      publishers.forEach(Thread::start);
      List<List<String>> heard = new ArrayList<>();
      for (RespClient subscriber : subscribers) {
        List<String> messages = new ArrayList<>();
        for (int i = 0; i < 2 * MESSAGES; i++) {
          messages.add(subscriber.read().texts().get(2));
        }
        heard.add(messages);
      }
      for (Thread publisher : publishers) {
        publisher.join();
      }
      assertEquals(List.of(), List.copyOf(problems));
      assertEquals(2 * MESSAGES, new HashSet<>(heard.get(0)).size());
      assertEquals(heard.get(0), heard.get(1));
      assertEquals(heard.get(0), heard.get(2));
      for (Node node : cluster.followers()) { // and each publisher's own
        List<String> own = heard.get(0).stream().filter(m -> m.startsWith(node.name())).toList();
        assertEquals(numbered(node), own);
      }
    } finally {
      subscribers.forEach(RespClient::close);
    }
  }

  private static List<String> numbered(Node node) {
    List<String> all = new ArrayList<>();
    for (int i = 0; i < MESSAGES; i++) {
      all.add(node.name() + " " + i);
    }
    return all;
  }

  /** Plainly, in a transaction, and by a script. */
  private static void publish(Node node, String command, Queue<Throwable> problems) {
    String script = "return redis.call('" + command + "', KEYS[1], ARGV[1])";
    try (RespClient client = node.client()) {
      List<String> messages = numbered(node);
      for (int i = 0; i < MESSAGES; i++) {
        String message = messages.get(i);
        if (i % 3 == 0) {
          assertNoError(client.call(command, "channel", message));
        } else if (i % 3 == 1) {
          assertOk(client.call("MULTI"));
          client.call(command, "channel", message);
          assertNoError(client.call("EXEC").elements().get(0));
        } else {
          assertNoError(client.call("EVAL", script, "1", "channel", message));
        }
      }
    } catch (IOException | AssertionError e) {
      problems.add(e);
    }
  }

  /** As with Redis Cluster: those that are connected to the node that was asked. */
  @ParameterizedTest
  @ValueSource(strings = {"", "S"})
  void when_published_then_the_reply_counts_the_subscribers_of_the_node_that_was_asked(
      String sharded) throws Exception {
    String publish = sharded + "PUBLISH";
    String channel = "counted" + sharded;
    Node asked = cluster.followers().get(0);
    List<RespClient> subscribers = new ArrayList<>();
    try (RespClient follower = asked.client();
        RespClient other = cluster.followers().get(1).client();
        RespClient leader = cluster.leader().client()) {
      subscribers.add(subscriber(asked, sharded + "SUBSCRIBE", channel));
      assertNumber(1, follower.call(publish, channel, "x"));
      assertNumber(0, leader.call(publish, channel, "x"));
      assertNumber(0, other.call(publish, channel, "x"));
      assertNumber(1, follower.call(publish, channel, "x"));
      if (sharded.isEmpty()) {
        subscribers.add(subscriber(asked, "PSUBSCRIBE", "count*"));
      } else {
        subscribers.add(subscriber(asked, "SSUBSCRIBE", channel));
      }
      subscribers.add(subscriber(cluster.leader(), sharded + "SUBSCRIBE", channel));
      for (String protocol : List.of("2", "3")) {
        follower.call("HELLO", protocol);
        leader.call("HELLO", protocol);
        assertNumber(1, leader.call(publish, channel, "x"));
        assertNumber(2, follower.call(publish, channel, "x"));
        assertNumber(0, other.call(publish, channel, "x"));
        assertNumber(2, follower.call(publish.toLowerCase(Locale.ROOT), channel, ""));
      }
      assertOk(follower.call("MULTI"));
      follower.call(publish, channel, "x");
      assertEquals(List.of("1"), follower.call("EXEC").texts()); // what the leader's node says
      assertError("ERR wrong number", follower.call(publish, channel));
      assertNumber(2, follower.call(publish, channel, "x"));
    } finally {
      subscribers.forEach(RespClient::close);
    }
  }

  private static RespClient subscriber(Node node, String command, String channel)
      throws IOException {
    RespClient subscriber = node.client();
    assertNoError(subscriber.call(command, channel));
    return subscriber;
  }

  /** Equal ones and others, from two clients of two nodes, with commands of other kinds. */
  @Test
  void when_many_are_published_at_once_then_each_has_the_count_of_its_node() throws Exception {
    Node leader = cluster.leader();
    Node asked = cluster.followers().get(0);
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    for (int i = 0; i < MESSAGES; i++) {
      out.writeBytes(RespClient.encode("PUBLISH", "many", "same"));
      out.writeBytes(RespClient.encode("PUBLISH", "many", "" + i));
      out.writeBytes(RespClient.encode("SET", "published", "" + i));
      out.writeBytes(RespClient.encode("GET", "published"));
      out.writeBytes(RespClient.encode("PUBLISH", "nobody", "same"));
      out.writeBytes(RespClient.encode("ECHO", "" + i));
    }
    try (RespClient first = subscriber(asked, "SUBSCRIBE", "many");
        RespClient second = subscriber(asked, "SUBSCRIBE", "many");
        RespClient third = subscriber(leader, "SUBSCRIBE", "many");
        RespClient atFollower = asked.client();
        RespClient atLeader = leader.client()) {
      atFollower.sendRaw(out.toByteArray());
      atLeader.sendRaw(out.toByteArray());
      int own = 0;
      for (int i = 0; i < MESSAGES; i++) {
        for (RespClient client : List.of(atFollower, atLeader)) {
          for (int k = 0; k < 2; k++) {
            long counted = client.read().number();
            own += client == atFollower && counted == 2 ? 1 : 0;
            // On a machine that stands still for a second it is the leader's count.
            assertTrue(counted == 1 || client == atFollower && counted == 2, "" + counted);
          }
          assertOk(client.read());
          assertNoError(client.read());
          assertNumber(0, client.read());
          assertText("" + i, client.read());
        }
      }
      assertTrue(own > MESSAGES, "" + own);
      for (RespClient subscriber : List.of(first, second, third)) {
        for (int i = 0; i < 4 * MESSAGES; i++) {
          assertEquals("many", subscriber.read().texts().get(1));
        }
      }
    }
  }

  /** The leader's count is better than none. */
  @Test
  void when_the_nodes_own_redis_is_late_then_the_leaders_count_is_the_reply() throws Exception {
    Node asked = cluster.followers().get(0);
    try (RespClient subscriber = subscriber(cluster.leader(), "SUBSCRIBE", "late");
        RespClient client = asked.client()) {
      assertNumber(0, client.call("PUBLISH", "late", "x"));
      assertEquals("late", subscriber.read().texts().get(1));
      asked.pauseRedis();
      try {
        for (int i = 0; i < 3; i++) {
          assertNumber(1, client.call("PUBLISH", "late", "x"));
        }
      } finally {
        asked.resumeRedis();
      }
      awaitOwnCount(asked, client);
    }
  }

  /** For the next test: a Redis that was not there is not waited for. */
  private static void awaitOwnCount(Node asked, RespClient client) throws IOException {
    RespClient own = subscriber(asked, "SUBSCRIBE", "own count");
    try {
      Poll.until(
          "its own count again",
          TestCluster.PATIENCE,
          () -> client.call("PUBLISH", "own count", "x").toString().equals(":1"));
    } finally {
      own.close();
    }
  }

  /** Too much would have to be kept behind the reply that is waited for. */
  @Test
  void when_much_is_read_behind_what_waits_for_the_nodes_own_redis_then_the_client_gets_all()
      throws Exception {
    Node asked = cluster.followers().get(0);
    String value = "x".repeat(100_000);
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    out.writeBytes(RespClient.encode("PUBLISH", "behind", "x"));
    for (int i = 0; i < 500; i++) {
      out.writeBytes(RespClient.encode("GET", "large"));
    }
    try (RespClient client = asked.client()) {
      assertOk(client.call("SET", "large", value));
      asked.pauseRedis();
      try {
        client.sendRaw(out.toByteArray());
        assertNumber(0, client.read());
        for (int i = 0; i < 500; i++) {
          assertEquals(value.length(), client.read().text().length());
        }
      } finally {
        asked.resumeRedis();
      }
      awaitOwnCount(asked, client);
    }
  }

  /** Otherwise the client would keep the old value for ever. */
  @Test
  void when_a_cached_key_changes_while_it_is_read_then_the_old_value_comes_before_the_news()
      throws Exception {
    Node leader = cluster.leader();
    for (Node node : List.of(leader, cluster.followers().get(0))) {
      try (RespClient caching = node.client();
          RespClient writer = leader.client()) {
        assertOk(writer.call("SET", "cached", "old"));
        Poll.until("it is there", TestCluster.PATIENCE, () -> held(node).equals("old"));
        caching.call("HELLO", "3");
        assertOk(caching.call("CLIENT", "TRACKING", "ON", "BCAST", "PREFIX", "cached"));
        leader.pauseRedis();
        try {
          caching.send("GET", "cached");
          Poll.letRun(Duration.ofMillis(100)); // it gets to the leader's Redis
          writer.send("SET", "cached", "new");
          Poll.letRun(Duration.ofMillis(100)); // it gets to all of them
        } finally {
          leader.resumeRedis();
        }
        Reply first = caching.read();
        assertText("old", first);
        Reply second = caching.read();
        assertEquals("invalidate", second.texts().get(0));
        assertOk(writer.read());
        assertText("new", caching.call("GET", "cached"));
      }
    }
  }

  private static String held(Node node) throws IOException {
    return node.redisCall("GET", "cached").text();
  }

  @Test
  void when_a_client_waits_for_data_then_what_it_is_to_drop_is_told_meanwhile() throws Exception {
    for (Node node : cluster.nodes()) {
      try (RespClient caching = node.client()) {
        caching.call("HELLO", "3");
        assertOk(caching.call("CLIENT", "TRACKING", "ON", "BCAST", "PREFIX", "told"));
        caching.send("BLPOP", "nothing", "0");
        assertOk(cluster.leader().call("SET", "told", "x"));
        assertEquals("invalidate", caching.read().texts().get(0));
      }
    }
  }
}
