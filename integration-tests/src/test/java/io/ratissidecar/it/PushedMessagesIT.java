package io.ratissidecar.it;

import static io.ratissidecar.it.Replies.assertNoError;
import static io.ratissidecar.it.Replies.assertOk;
import static io.ratissidecar.it.Replies.assertText;
import static org.junit.jupiter.api.Assertions.assertEquals;

import io.ratissidecar.jepsen.Reply;
import io.ratissidecar.jepsen.RespClient;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
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
