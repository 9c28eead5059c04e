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
import java.util.List;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.extension.RegisterExtension;

/** Optimistic locking: {@code EXEC} runs only if no watched key was changed. */
@ExtendWith(PrintLogsOnFailure.class)
class WatchIT {
  private static final String[] SETTINGS = {"--mode", "transparent", "--follower-proxy", "yes"};

  @RegisterExtension
  private static final SharedCluster SHARED =
      SharedCluster.comparing(() -> TestCluster.of(3, SETTINGS));

  private TestCluster cluster;

  @BeforeEach
  void begin() {
    cluster = SHARED.get();
  }

  private static Reply transaction(RespClient client) throws IOException {
    assertOk(client.call("MULTI"));
    assertText("QUEUED", client.call("INCR", "done"));
    return client.call("EXEC");
  }

  @Test
  void when_a_watched_key_is_changed_then_exec_does_nothing() throws Exception {
    for (Node node : cluster.nodes()) { // the leader, and two that forward
      try (RespClient client = node.client();
          RespClient other = cluster.leader().client()) {
        assertOk(other.call("SET", "key", "1"));
        assertOk(client.call("WATCH", "key", "other key"));
        assertEquals(1, transaction(client).elements().size(), "nobody has changed it");

        assertOk(client.call("WATCH", "key"));
        assertText("1", client.call("GET", "key"));
        assertOk(other.call("SET", "key", "2"));
        assertTrue(transaction(client).isNull(), "somebody has changed it");
        assertEquals(1, transaction(client).elements().size(), "nothing is watched any more");

        assertOk(client.call("WATCH", "key"));
        assertOk(client.call("SET", "key", "3"));
        assertTrue(transaction(client).isNull(), "the client itself has changed it");

        assertOk(client.call("WATCH", "key"));
        assertOk(other.call("SET", "key", "4"));
        assertOk(client.call("UNWATCH"));
        assertEquals(1, transaction(client).elements().size(), "unwatched");

        assertOk(client.call("WATCH", "key"));
        assertOk(other.call("SET", "key", "5"));
        assertOk(client.call("MULTI"));
        assertOk(client.call("DISCARD"));
        assertEquals(1, transaction(client).elements().size(), "discarded");

        assertOk(client.call("WATCH", "key"));
        assertOk(other.call("SET", "key", "6"));
        assertOk(client.call("MULTI"));
        assertError("ERR wrong number", client.call("GET"));
        assertError("EXECABORT", client.call("EXEC"));
        assertEquals(1, transaction(client).elements().size(), "aborted");

        assertOk(client.call("MULTI"));
        assertError("ERR WATCH inside MULTI is not allowed", client.call("WATCH", "key"));
        assertText("QUEUED", client.call("PING"));
        assertEquals(List.of("PONG"), client.call("EXEC").texts());

        assertOk(client.call("SET", "lock", "me", "PX", "100"));
        assertOk(client.call("WATCH", "lock"));
        long ends = System.nanoTime() + 101_000_000;
        Poll.until("its time is over", TestCluster.PATIENCE, () -> System.nanoTime() > ends);
        assertTrue(transaction(client).isNull(), "a watched key has ended");

        assertOk(client.call("WATCH", "key"));
        assertOk(other.call("SET", "key", "6b"));
        assertOk(client.call("MULTI"));
        assertText("QUEUED", client.call("SELECT", "3"));
        assertTrue(client.call("EXEC").isNull());
        assertText("6b", client.call("GET", "key")); // in database 0 still

        assertOk(client.call("SELECT", "5"));
        assertOk(client.call("WATCH", "key"));
        assertOk(other.call("SET", "key", "7"));
        assertEquals(1, transaction(client).elements().size(), "that was another database");
      }
    }
  }

  @Test
  void when_many_count_up_with_watch_then_no_step_is_lost() throws Exception {
    int each = 40;
    AtomicInteger conflicts = new AtomicInteger();
    Queue<Throwable> problems = new ConcurrentLinkedQueue<>();
    List<Thread> threads = new ArrayList<>();
    for (int i = 0; i < 6; i++) {
      Node node = cluster.node(i % 3);
      threads.add(
          new Thread(
              () -> {
                try (RespClient client = node.client()) {
                  for (int done = 0; done < each; ) {
                    assertOk(client.call("WATCH", "counter"));
                    String now = client.call("GET", "counter").text();
                    int next = now == null ? 1 : Integer.parseInt(now) + 1;
                    assertOk(client.call("MULTI"));
                    client.call("SET", "counter", "" + next);
                    if (client.call("EXEC").isNull()) {
                      conflicts.incrementAndGet();
                    } else {
                      done++;
                    }
                  }
                } catch (IOException | AssertionError e) {
                  problems.add(e);
                }
              }));
    }
    threads.forEach(Thread::start);
    for (Thread thread : threads) {
      thread.join();
    }
    assertEquals(List.of(), List.copyOf(problems));
    assertText("" + 6 * each, cluster.leader().call("GET", "counter"));
    assertTrue(conflicts.get() > 0, "they have got into each other's way");
    ClosingInvariants.checkSameData(cluster);
  }

  @Test
  void when_leadership_changes_between_then_exec_does_nothing() throws Exception {
    Node leader = cluster.leader();
    Node next = cluster.followers().get(0);
    try (RespClient atLeader = leader.client();
        RespClient atNext = next.client();
        RespClient atThird = cluster.followers().get(1).client()) {
      for (RespClient client : List.of(atLeader, atNext, atThird)) {
        assertOk(client.call("WATCH", "key"));
        assertOk(client.call("MULTI"));
        assertText("QUEUED", client.call("INCR", "key"));
      }
      cluster.transferLeadership(next);
      for (RespClient client : List.of(atLeader, atNext, atThird)) {
        assertTrue(client.call("EXEC").isNull(), "what was watched is not known any more");
        assertEquals(1, transaction(client).elements().size());
      }
    }
    assertTrue(cluster.leader().call("GET", "key").isNull());
  }

  @Test
  void when_leadership_comes_back_between_then_exec_does_nothing() throws Exception {
    Node leader = cluster.leader();
    try (RespClient client = leader.client()) {
      assertOk(client.call("WATCH", "key"));
      cluster.transferLeadership(cluster.followers().get(0));
      cluster.transferLeadership(leader);
      assertOk(client.call("MULTI"));
      assertText("QUEUED", client.call("INCR", "key"));
      assertTrue(client.call("EXEC").isNull(), "what was watched belongs to another term");
      assertEquals(1, transaction(client).elements().size());
    }
  }

  @Test
  void when_the_leaders_redis_is_lost_between_then_exec_does_nothing() throws Exception {
    try (RespClient client = cluster.leader().client()) {
      assertOk(client.call("WATCH", "key"));
      cluster.leader().killRedis();
      cluster.awaitLeader();
      Poll.until(
          "the leader's Redis is back",
          TestCluster.PATIENCE,
          () -> !cluster.leader().call("SET", "other", "x").isError());
      assertOk(client.call("MULTI"));
      assertText("QUEUED", client.call("INCR", "key"));
      assertTrue(client.call("EXEC").isNull());
      assertNumber(1, client.call("INCR", "key"));
    }
  }
}
