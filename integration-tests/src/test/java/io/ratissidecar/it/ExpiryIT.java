package io.ratissidecar.it;

import static io.ratissidecar.it.Replies.assertNoError;
import static io.ratissidecar.it.Replies.assertNumber;
import static io.ratissidecar.it.Replies.assertOk;
import static io.ratissidecar.it.Replies.assertText;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.ratissidecar.jepsen.Reply;
import io.ratissidecar.jepsen.RespClient;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Predicate;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Keys end at their deadline: for clients at once, and by the log on every node. */
@ExtendWith(PrintLogsOnFailure.class)
class ExpiryIT {
  /** For replies that come a while after the question. */
  private static final long SLACK_MILLIS = 5_000;

  private static final Duration SOON = Duration.ofSeconds(20);

  /** Of few keys: 100 ms for each database, more on a machine that is busy. */
  private static final Duration SCAN_ROUND = Duration.ofSeconds(10);

  private static final String[] SETTINGS = {
    "--follower-proxy", "yes", "--redis-notify-keyspace-events", "Ex"
  };

  @RegisterExtension
  private static final SharedCluster SHARED =
      SharedCluster.comparing(() -> TestCluster.of(3, SETTINGS));

  private TestCluster cluster;

  private Node leader;

  @BeforeEach
  void begin() {
    cluster = SHARED.get();
    leader = cluster.awaitLeader();
  }

  private static void assertLeft(long expectedMillis, Reply reply) {
    assertNoError(reply);
    long left = reply.number();
    assertTrue(
        left <= expectedMillis && left > expectedMillis - SLACK_MILLIS,
        () -> left + " ms left of " + expectedMillis);
  }

  private static void assertSeconds(long expected, Reply reply) {
    assertSeconds(expected, System.nanoTime(), reply);
  }

  /**
   * @param setNanos not after the deadline was set; starting a node may take its time
   */
  private static void assertSeconds(long expected, long setNanos, Reply reply) {
    assertNoError(reply);
    long left = reply.number();
    long passed = (System.nanoTime() - setNanos) / 1_000_000_000;
    long least = expected - passed - 2 * SLACK_MILLIS / 1000;
    assertTrue(left <= expected && left >= least, () -> left + " s, at least " + least);
  }

  @Test
  void replies_about_deadlines_are_the_users() throws Exception {
    try (RespClient client = leader.client()) {
      assertOk(client.call("RAFT", "SETEX", "k", "100", "v"));
      assertLeft(100_000, client.call("RAFT", "PTTL", "k"));
      assertSeconds(100, client.call("RAFT", "TTL", "k"));
      long now = System.currentTimeMillis();
      assertLeft(now + 100_000, client.call("RAFT", "PEXPIRETIME", "k"));
      assertSeconds(now / 1000 + 101, client.call("RAFT", "EXPIRETIME", "k"));
      // Behind its own write, in the log.
      client.sendRaw(RespClient.encode("RAFT", "EXPIRE", "k", "200"));
      client.sendRaw(RespClient.encode("RAFT", "PTTL", "k"));
      assertNumber(1, client.read());
      assertLeft(200_000, client.read());
      // Among those of a transaction.
      assertOk(client.call("RAFT", "MULTI"));
      client.call("RAFT", "SET", "m", "v", "PX", "50000");
      client.call("RAFT", "TTL", "m");
      client.call("RAFT", "GET", "m");
      client.call("RAFT", "PTTL", "k");
      client.call("RAFT", "TTL", "missing");
      List<Reply> replies = client.call("RAFT", "EXEC").elements();
      assertSeconds(50, replies.get(1));
      assertText("v", replies.get(2));
      assertLeft(200_000, replies.get(3));
      assertNumber(-2, replies.get(4));
      // Absolute times come back as they were given.
      assertNumber(1, client.call("RAFT", "PEXPIREAT", "k", "4102444800123"));
      assertNumber(4102444800123L, client.call("RAFT", "PEXPIRETIME", "k"));
      assertNumber(4102444800L, client.call("RAFT", "EXPIRETIME", "k"));
      assertText("v", client.call("RAFT", "GETEX", "k", "EXAT", "4102444801"));
      assertNumber(4102444801000L, client.call("RAFT", "PEXPIRETIME", "k"));
      assertNumber(1, client.call("RAFT", "PERSIST", "k"));
      assertNumber(-1, client.call("RAFT", "TTL", "k"));
      assertNumber(-1, client.call("RAFT", "EXPIRETIME", "k"));
      assertNumber(-2, client.call("RAFT", "PTTL", "missing"));
      // Past is past.
      assertNumber(1, client.call("RAFT", "EXPIREAT", "k", "1000000000"));
      assertNumber(0, client.call("RAFT", "EXISTS", "k"));
      assertOk(client.call("RAFT", "SET", "k", "v", "PXAT", "1000"));
      assertTrue(client.call("RAFT", "GET", "k").isNull());
    }
    cluster.awaitSameIndex();
    for (Node node : cluster.nodes()) { // the leader's, over the proxy, and the node's own
      assertSeconds(50, node.call("RAFT", "TTL", "m"));
      assertSeconds(50, node.call("TTL", "m"));
      assertLeft(50_000, node.call("PTTL", "m"));
      assertNumber(-2, node.call("TTL", "missing"));
      assertTrue(node.redisCall("PTTL", "m").number() > 1L << 41, "Redis does not end it itself");
      assertOk(node.call("SET", "past-the-log", "v", "EX", "70"));
      assertSeconds(70, node.call("TTL", "past-the-log"));
      assertNumber(1, node.call("DEL", "past-the-log"));
    }
  }

  /** Asks all the time, and says when the answer has changed. */
  private final class Watcher extends Thread {
    private final Node node;
    private final String[] question;
    private final Predicate<Reply> there;
    private final long[] setMillis; // before and after
    private final long lifeMillis;
    private final AtomicReference<String> wrong = new AtomicReference<>();
    private int seen;

    Watcher(
        Node node, Predicate<Reply> there, long[] setMillis, long lifeMillis, String... question) {
      this.node = node;
      this.there = there;
      this.setMillis = setMillis;
      this.lifeMillis = lifeMillis;
      this.question = question;
    }

    @Override
    public void run() {
      try (RespClient client = node.client()) {
        long asked;
        do {
          asked = millis();
          Reply reply = client.call(question);
          long answered = millis();
          boolean is = !reply.isError() && there.test(reply);
          seen += is ? 1 : 0;
          if (is && asked > setMillis[1] + lifeMillis + 1) {
            wrong.compareAndSet(
                null, "there " + (asked - setMillis[1] - lifeMillis) + " ms too late");
          } else if (!is && answered < setMillis[0] + lifeMillis - 1) {
            wrong.compareAndSet(null, "gone too early, or " + reply);
          }
        } while (asked < setMillis[1] + lifeMillis + 500);
      } catch (IOException e) {
        wrong.set(e.toString());
      }
    }

    void check() throws InterruptedException {
      join();
      String name = String.join(" ", question) + " at " + node.name();
      assertEquals(null, wrong.get(), name);
      assertTrue(seen > 5, () -> name + " saw it " + seen + " times");
    }
  }

  private static long millis() {
    return System.nanoTime() / 1_000_000;
  }

  @Test
  void a_key_is_there_up_to_its_deadline_and_never_after() throws Exception {
    Node follower = cluster.followers().get(0);
    assertOk(leader.call("RAFT", "SET", "forever", "v"));
    for (int round = 0; round < 3; round++) {
      long[] set = new long[2];
      long life = 1500;
      set[0] = millis();
      assertOk(leader.call("RAFT", "SET", "k", "v", "PX", "" + life));
      set[1] = millis();
      List<Watcher> watchers = new ArrayList<>();
      for (Node node : List.of(leader, follower)) {
        watchers.add(new Watcher(node, r -> !r.isNull(), set, life, "RAFT", "GET", "k"));
        watchers.add(new Watcher(node, r -> r.number() == 1, set, life, "RAFT", "EXISTS", "k"));
      }
      watchers.add(new Watcher(leader, r -> r.number() == 2, set, life, "RAFT", "DBSIZE"));
      watchers.add(
          new Watcher(
              leader,
              r -> r.elements().get(1).texts().size() == 2,
              set,
              life,
              "RAFT",
              "SCAN",
              "0"));
      watchers.add(new Watcher(leader, r -> r.number() >= 0, set, life, "RAFT", "PTTL", "k"));
      watchers.forEach(Thread::start);
      for (Watcher watcher : watchers) {
        watcher.check();
      }
      awaitSize(cluster, 1);
    }
  }

  /** Gives a key a deadline, and has it watched from then on, at the leader and at a follower. */
  private List<Watcher> watch(String key, long lifeMillis, byte[] setting) throws IOException {
    long[] set = new long[2];
    try (RespClient client = leader.client()) {
      set[0] = millis();
      client.sendRaw(setting);
      assertNoError(client.read());
      set[1] = millis();
    }
    List<Watcher> watchers = new ArrayList<>();
    for (Node node : List.of(leader, cluster.followers().get(0))) {
      watchers.add(new Watcher(node, r -> !r.isNull(), set, lifeMillis, "RAFT", "GET", key));
    }
    watchers.forEach(Thread::start);
    return watchers;
  }

  @Test
  void a_deadline_that_a_script_or_a_dump_gives_to_a_key_it_names_is_kept_as_strictly()
      throws Exception {
    String library =
        """
        #!lua name=lib
        redis.register_function('expire', function(keys, args)
          redis.call('set', keys[1], 'v')
          return redis.call('pexpire', keys[1], args[1])
        end)
        """;
    assertText("lib", leader.call("RAFT", "FUNCTION", "LOAD", "REPLACE", library));
    assertOk(leader.call("RAFT", "SET", "kept", "v"));
    // So many that the scan is not likely to find the others in time.
    String fill = "for i = 1, 10000 do redis.call('set', 'filling-' .. i, 'v') end";
    assertNoError(leader.call("RAFT", "EVAL", fill, "0"));
    byte[] dump = leader.call("RAFT", "DUMP", "kept").bytes();
    String body = "return redis.call('set', KEYS[1], 'v', 'px', ARGV[1])";
    for (int round = 0; round < 2; round++) {
      List<Watcher> watchers = new ArrayList<>();
      watchers.addAll(watch("a", 1500, RespClient.encode("RAFT", "EVAL", body, "1", "a", "1500")));
      watchers.addAll(
          watch("b", 1500, RespClient.encode("RAFT", "FCALL", "expire", "1", "b", "1500")));
      watchers.addAll(
          watch(
              "c",
              1500,
              RespClient.encode(bytes("RAFT"), bytes("RESTORE"), bytes("c"), bytes("1500"), dump)));
      for (Watcher watcher : watchers) {
        watcher.check();
      }
      awaitSize(cluster, 10_001);
    }
    assertOk(leader.call("RAFT", "FUNCTION", "DELETE", "lib"));
  }

  private static byte[] bytes(String text) {
    return text.getBytes(StandardCharsets.US_ASCII);
  }

  @ParameterizedTest
  @ValueSource(longs = {100, 3000}) // less than a round of the scan takes, and more
  void a_deadline_that_a_script_gives_to_a_key_it_does_not_name_is_found_by_the_scan(
      long lifeMillis) throws Exception {
    String set = "return redis.call('set', ARGV[1], 'v', 'px', ARGV[2])";
    long began = millis();
    assertOk(leader.call("RAFT", "EVAL", set, "0", "k", "" + lifeMillis));
    // Named, but that is a key of the client's database.
    set = "redis.call('select', 3) " + set;
    assertOk(leader.call("RAFT", "EVAL", set, "1", "elsewhere", "elsewhere", "" + lifeMillis));
    cluster.awaitSameIndex();
    for (Node node : cluster.nodes()) {
      Poll.until(
          node.name() + "'s Redis holds neither",
          SCAN_ROUND.plusMillis(lifeMillis),
          () -> !node.redisCall("INFO", "keyspace").text().matches("(?s).*db[03]:.*"));
      assertTrue(millis() >= began + lifeMillis - 1, node.name() + " had one end too early");
    }
  }

  /** Every node's own Redis holds so many keys. */
  private static void awaitSize(TestCluster cluster, long keys) {
    for (Node node : cluster.running()) {
      Poll.until(
          node.name() + "'s Redis holds " + keys,
          SOON,
          () -> node.redisCall("DBSIZE").number() == keys);
    }
  }

  @Test
  void deadlines_follow_their_keys() throws Exception {
    try (RespClient client = leader.client()) {
      for (int i = 0; i < 6; i++) {
        assertOk(client.call("RAFT", "SET", "k" + i, "v", "PX", "2000"));
      }
      assertOk(client.call("RAFT", "RENAME", "k0", "renamed"));
      assertNumber(1, client.call("RAFT", "RENAMENX", "k1", "renamed-too"));
      assertNumber(1, client.call("RAFT", "COPY", "k2", "copied"));
      assertNumber(1, client.call("RAFT", "COPY", "k2", "copied", "DB", "3"));
      assertNumber(1, client.call("RAFT", "MOVE", "k3", "3"));
      assertNumber(1, client.call("RAFT", "PERSIST", "k4"));
      assertOk(client.call("RAFT", "SET", "k5", "v", "KEEPTTL"));
      assertLeft(2000, client.call("RAFT", "PTTL", "renamed"));
      assertOk(client.call("SELECT", "4"));
      assertOk(client.call("RAFT", "SET", "swapped", "v", "PX", "2000"));
      assertOk(client.call("RAFT", "SWAPDB", "4", "5"));
      assertOk(client.call("SELECT", "5"));
      assertLeft(2000, client.call("RAFT", "PTTL", "swapped"));
      assertNumber(1, client.call("RAFT", "DBSIZE"));
      Poll.letRun(Duration.ofMillis(2000)); // and nobody sees them from then on
      assertNumber(0, client.call("RAFT", "DBSIZE"));
      assertOk(client.call("SELECT", "3"));
      // Made anew in a place that is free only by the deadline.
      assertNumber(1, client.call("RAFT", "SETNX", "k3", "v"));
      assertNumber(1, client.call("RAFT", "DEL", "k3"));
      assertNumber(0, client.call("RAFT", "EXISTS", "copied"));
      assertOk(client.call("SELECT", "0"));
      assertNumber(0, client.call("RAFT", "EXISTS", "renamed", "renamed-too", "copied", "k5"));
      assertEquals(List.of("k4"), client.call("RAFT", "KEYS", "*").texts());
      assertText("k4", client.call("RAFT", "RANDOMKEY"));
    }
    awaitSize(cluster, 1);
    cluster.awaitSameIndex();
    for (Node node : cluster.nodes()) {
      assertEquals(1, RedisContents.of(node.redisPort()).size(), node.name());
    }
  }

  @Test
  void a_transaction_meets_no_key_that_is_due() throws Exception {
    try (RespClient client = leader.client()) {
      assertOk(client.call("RAFT", "SET", "k", "v", "PX", "1000"));
      assertOk(client.call("RAFT", "MULTI"));
      client.call("RAFT", "SETNX", "k", "new");
      client.call("RAFT", "GET", "k");
      client.call("RAFT", "TTL", "k");
      Poll.letRun(Duration.ofMillis(1005)); // asking would end the key outside the transaction
      assertEquals(List.of("1", "new", "-1"), client.call("RAFT", "EXEC").texts());
    }
  }

  @Test
  void when_the_leader_is_killed_while_keys_are_due_then_the_next_one_ends_them() throws Exception {
    fill(cluster.leader(), 3000, 1500);
    Node killed = cluster.leader();
    Poll.until("the first are over", SOON, () -> killed.redisCall("DBSIZE").number() < 3000);
    killed.killSidecar();
    Node next = cluster.awaitLeader();
    try (RespClient client = next.client()) {
      for (int i = 0; i < 3000; i += 100) {
        assertTrue(client.call("RAFT", "GET", "key-" + i).isNull(), "key-" + i);
      }
      assertNumber(0, client.call("RAFT", "DBSIZE"));
    }
    killed.start().awaitReady();
    cluster.awaitSameIndex();
    awaitSize(cluster, 0);
    ClosingInvariants.checkSameData(cluster);
  }

  private static void fill(Node node, int keys, long lifeMillis) throws IOException {
    try (RespClient client = node.client()) {
      for (int i = 0; i < keys; i++) {
        client.send("RAFT", "SET", "key-" + i, "v", "PX", "" + lifeMillis);
      }
      for (int i = 0; i < keys; i++) {
        assertOk(client.read());
      }
    }
  }

  @Test
  void when_a_key_is_over_from_the_start_then_it_is_nowhere() throws Exception {
    try (RespClient client = leader.client()) {
      assertOk(client.call("RAFT", "SET", "key-0", "before"));
      for (int i = 0; i < 100; i++) {
        client.send("RAFT", "SET", "key-" + i, "v", i % 2 == 0 ? "PXAT" : "EXAT", "1000");
      }
      client.send("RAFT", "EVAL", "return redis.call('DBSIZE')", "0");
      client.send("RAFT", "SET", "key-0", "v", "NX", "PXAT", "1");
      client.send("RAFT", "SET", "key-0", "v", "XX", "PXAT", "1");
      for (int i = 0; i < 100; i++) {
        assertOk(client.read());
      }
      assertNumber(0, client.read());
      assertOk(client.read());
      assertTrue(client.read().isNull());
    }
    cluster.awaitSameIndex();
    for (Node node : cluster.nodes()) {
      assertNumber(0, node.redisCall("DBSIZE"));
    }
  }

  @Test
  void when_a_node_was_away_then_it_replays_to_the_same() throws Exception {
    long set = System.nanoTime();
    Node away = cluster.followers().get(0);
    fill(cluster.leader(), 100, 2000);
    assertOk(cluster.leader().call("RAFT", "SET", "stays", "v", "EX", "1000"));
    cluster.awaitSameIndex();
    away.killBoth();
    try (RespClient client = cluster.leader().client()) {
      Poll.until("they are gone", SOON, () -> client.call("RAFT", "DBSIZE").number() == 1);
      for (int i = 0; i < 100; i++) {
        // What was decided upon a key that was gone, or there.
        String key = "key-" + i;
        assertNumber(1, client.call("RAFT", "APPEND", key, "x"));
        assertNoError(client.call("RAFT", "PEXPIRE", key, i % 2 == 0 ? "500" : "900000"));
      }
      Poll.until("half are gone", SOON, () -> client.call("RAFT", "DBSIZE").number() == 51);
    }
    Poll.letRun(Duration.ofMillis(1500)); // it replays all of that later than its deadlines
    away.start().awaitReady();
    cluster.awaitSameIndex();
    awaitSize(cluster, 51);
    cluster.transferLeadership(away);
    assertNumber(51, away.call("RAFT", "DBSIZE"));
    assertSeconds(900, set, away.call("RAFT", "TTL", "key-1"));
    assertSeconds(1000, set, away.call("RAFT", "TTL", "stays"));
    String keyspace = away.call("INFO", "keyspace").text();
    long average = Long.parseLong(keyspace.replaceAll("(?s).*avg_ttl=([0-9]+).*", "$1"));
    assertTrue(average <= 1_000_000, keyspace);
    ClosingInvariants.checkSameData(cluster);
  }

  @Test
  void when_started_from_a_snapshot_then_deadlines_are_kept() throws Exception {
    long set = System.nanoTime();
    fill(cluster.leader(), 50, 6000);
    assertOk(cluster.leader().call("RAFT", "SET", "stays", "v", "EX", "1000"));
    cluster.awaitSameIndex();
    for (Node node : cluster.nodes()) {
      assertNoError(node.call("RAFT.SNAPSHOT"));
    }
    cluster.nodes().forEach(Node::killBoth);
    cluster.nodes().forEach(Node::start);
    cluster.nodes().forEach(Node::awaitReady);
    Node now = cluster.awaitLeader();
    assertSeconds(1000, set, now.call("RAFT", "TTL", "stays"));
    Poll.until("they are gone", SOON, () -> now.call("RAFT", "EXISTS", "key-0").number() == 0);
    assertNumber(1, now.call("RAFT", "DBSIZE"));
    awaitSize(cluster, 1);
    ClosingInvariants.checkSameData(cluster);
  }

  @Test
  void subscribers_hear_of_an_expired_key() throws Exception {
    Node follower = cluster.followers().get(0);
    try (RespClient subscriber = follower.client()) {
      subscriber.call("SUBSCRIBE", "__keyevent@0__:expired");
      assertOk(leader.call("RAFT", "SET", "k", "v", "PX", "300"));
      assertEquals(List.of("message", "__keyevent@0__:expired", "k"), subscriber.read().texts());
    } catch (UncheckedIOException e) {
      throw e.getCause();
    }
  }
}
