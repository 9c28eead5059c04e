package io.ratissidecar.it;

import static io.ratissidecar.it.Replies.assertError;
import static io.ratissidecar.it.Replies.assertNumber;
import static io.ratissidecar.it.Replies.assertOk;
import static io.ratissidecar.it.Replies.assertText;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.ratissidecar.jepsen.Reply;
import io.ratissidecar.jepsen.RespClient;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.time.Duration;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** {@code RAFT} commands: the log, linearizable reads, transactions, refusals. */
@ExtendWith(PrintLogsOnFailure.class)
class ExplicitModeIT {
  @AutoClose("compareAndClose")
  private static TestCluster cluster;

  private static Node leader;

  @BeforeAll
  static void start() {
    cluster = TestCluster.of(3);
    leader = cluster.leader();
  }

  private static Reply raft(String words) throws IOException {
    return leader.call(("RAFT " + words).split(" "));
  }

  private static Node follower() {
    return cluster.followers().get(0);
  }

  @Test
  void when_written_through_the_leader_then_it_reads_it_and_every_redis_has_it() throws Exception {
    assertOk(raft("SET explicit:a 1"));
    assertNumber(2, raft("INCR explicit:a"));
    assertText("2", raft("GET explicit:a"));
    assertError("WRONGTYPE", raft("LPUSH explicit:a x"));
    cluster.awaitSameIndex();
    for (Node node : cluster.nodes()) {
      assertText("2", node.redisCall("GET", "explicit:a"));
      assertText("2", node.call("GET", "explicit:a"));
    }
  }

  @Test
  void when_a_follower_is_asked_then_it_sends_the_client_to_the_leader() throws Exception {
    for (Node node : cluster.followers()) {
      assertEquals("-MOVED 0 " + leader.address(), node.call("RAFT", "SET", "k", "v").toString());
      assertEquals("-MOVED 0 " + leader.address(), node.call("RAFT", "GET", "k").toString());
    }
  }

  @Test
  void when_redis_cli_asks_a_follower_with_c_then_it_follows() throws Exception {
    assertTrue(RedisCli.run(follower(), "-c", "RAFT", "SET", "explicit:cli", "x").endsWith("OK"));
    assertTrue(RedisCli.run(follower(), "-c", "RAFT", "GET", "explicit:cli").endsWith("x"));
    assertTrue(RedisCli.run(follower(), "RAFT", "GET", "k").contains("MOVED 0"));
  }

  @Test
  void when_reads_and_writes_are_pipelined_then_each_read_sees_what_came_before_it_and_no_more()
      throws Exception {
    int rounds = 700;
    long before = leader.infoNumber("raft_current_index");
    try (RespClient client = leader.client()) {
      ByteArrayOutputStream out = new ByteArrayOutputStream();
      for (int i = 0; i < rounds; i++) {
        out.writeBytes(RespClient.encode("RAFT", "GET", "mix:k"));
        out.writeBytes(RespClient.encode("RAFT", "SET", "mix:k", "" + i));
        out.writeBytes(RespClient.encode("RAFT", "GET", "mix:k"));
        out.writeBytes(RespClient.encode("RAFT", "INCR", "mix:count"));
      }
      client.sendRaw(out.toByteArray());
      for (int i = 0; i < rounds; i++) {
        Reply earlier = client.read();
        assertTrue(
            i == 0 ? earlier.isNull() : earlier.text().equals("" + (i - 1)), i + " " + earlier);
        assertOk(client.read());
        assertText("" + i, client.read());
        assertNumber(i + 1, client.read());
      }
      // One at a time would be an entry for each write.
      long entries = leader.infoNumber("raft_current_index") - before;
      assertTrue(entries < rounds / 2, entries + " entries");
      long after = leader.infoNumber("raft_current_index");
      assertText("" + (rounds - 1), client.call("RAFT", "GET", "mix:k"));
      assertEquals(after, leader.infoNumber("raft_current_index"), "a read alone is not logged");
    }
  }

  @Test
  void when_in_a_transaction_then_all_or_nothing_in_one_entry() throws Exception {
    try (RespClient client = leader.client()) {
      assertOk(client.call("RAFT", "MULTI"));
      assertText("QUEUED", client.call("RAFT", "SET", "explicit:t", "1"));
      assertText("QUEUED", client.call("RAFT", "INCR", "explicit:t"));
      assertText("QUEUED", client.call("RAFT", "LPUSH", "explicit:t", "x"));
      assertText("QUEUED", client.call("RAFT", "GET", "explicit:t"));
      List<Reply> replies = client.call("RAFT", "EXEC").elements();
      assertOk(replies.get(0));
      assertNumber(2, replies.get(1));
      assertError("WRONGTYPE", replies.get(2));
      assertText("2", replies.get(3));
      assertError("ERR EXEC without MULTI", client.call("RAFT", "EXEC"));
    }
  }

  @Test
  void when_discarded_or_broken_then_nothing_happens() throws Exception {
    try (RespClient client = leader.client()) {
      assertOk(client.call("RAFT", "MULTI"));
      assertText("QUEUED", client.call("RAFT", "SET", "explicit:d", "1"));
      assertOk(client.call("RAFT", "DISCARD"));
      assertError("ERR DISCARD without MULTI", client.call("RAFT", "DISCARD"));
      assertOk(client.call("RAFT", "MULTI"));
      assertError("ERR MULTI calls can not be nested", client.call("RAFT", "MULTI"));
      assertText("QUEUED", client.call("RAFT", "SET", "explicit:d", "1"));
      assertError("ERR wrong number", client.call("RAFT", "SET", "explicit:d"));
      assertError("EXECABORT", client.call("RAFT", "EXEC"));
      assertTrue(client.call("RAFT", "GET", "explicit:d").isNull());
    }
  }

  @Test
  void when_two_clients_run_transactions_then_neither_sees_half_of_the_other() throws Exception {
    Thread writer =
        new Thread(
            () -> {
              try (RespClient client = leader.client()) {
                for (int i = 0; i < 200; i++) {
                  client.call("RAFT", "MULTI");
                  client.call("RAFT", "SET", "explicit:x", "" + i);
                  client.call("RAFT", "SET", "explicit:y", "" + i);
                  client.call("RAFT", "EXEC");
                }
              } catch (IOException e) {
                throw new java.io.UncheckedIOException(e);
              }
            });
    writer.start();
    while (writer.isAlive()) {
      List<String> both = raft("MGET explicit:x explicit:y").texts();
      assertEquals(both.get(0), both.get(1));
    }
    writer.join();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "NOSUCHCOMMAND a b",
        "SET onlykey",
        "GET",
        "SCRIPT DEBUG YES",
        "SAVE",
        "CONFIG GET maxmemory",
        "SHUTDOWN",
        "DEBUG SLEEP 0",
        "SUBSCRIBE c",
        "BLPOP k x",
        "BLMPOP 0 1 k MIDDLE",
        "SELECT 15",
        "MOVE k 15",
        "CLIENT NO-SUCH",
        "SWAPDB 0 15"
      })
  void when_refused_then_at_once_and_nothing_is_logged(String command) throws Exception {
    long before = leader.infoNumber("raft_current_index");
    Reply reply = raft(command);
    assertError("ERR", reply);
    assertEquals(before, leader.infoNumber("raft_current_index"), reply.toString());
  }

  @Test
  void when_a_command_is_unknown_then_the_words_are_those_of_redis() throws Exception {
    assertEquals(leader.redisCall("FOO", "a", "b").toString(), raft("FOO a b").toString());
    assertText("x", leader.call("ECHO", "x"));
    assertEquals(
        leader.redisCall("SET", "a").toString(), raft("SET a").toString(), "number of arguments");
  }

  @Test
  void when_a_relative_time_to_live_is_written_then_the_deadline_is_the_same_everywhere()
      throws Exception {
    List<String> writes =
        List.of(
            "SETEX explicit:ttl1 100 v",
            "PSETEX explicit:ttl2 100000 v",
            "SET explicit:ttl3 v EX 100",
            "SET explicit:ttl4 v PX 100000",
            "SET explicit:ttl5 v PXAT 4102444800000",
            "GETEX explicit:ttl5 EX 100");
    long from = System.currentTimeMillis();
    for (String write : writes) {
      assertTrue(!raft(write).isError(), write);
    }
    raft("SET explicit:ttl6 v");
    assertNumber(1, raft("EXPIRE explicit:ttl6 100"));
    raft("SET explicit:ttl7 v");
    assertNumber(1, raft("PEXPIRE explicit:ttl7 100000"));
    long to = System.currentTimeMillis();
    cluster.awaitSameIndex();
    for (int i = 1; i <= 7; i++) {
      Set<Long> deadlines = new HashSet<>();
      for (Node node : cluster.nodes()) {
        deadlines.add(node.redisCall("PEXPIRETIME", "explicit:ttl" + i).number());
      }
      assertEquals(1, deadlines.size(), "explicit:ttl" + i + ": " + deadlines);
      long deadline = deadlines.iterator().next() - (1L << 42); // Redis is not to end it itself
      assertTrue(
          deadline >= from + 99_000 && deadline <= to + 101_000,
          "explicit:ttl" + i + ": " + (deadline - from));
      long left = raft("PTTL explicit:ttl" + i).number();
      assertTrue(left > 60_000 && left <= 100_000, "PTTL " + left);
    }
  }

  @Test
  void when_a_deadline_passes_then_the_key_is_gone_everywhere() throws Exception {
    assertOk(raft("SET explicit:short v PX 300"));
    Poll.until("gone", Duration.ofSeconds(5), () -> raft("GET explicit:short").isNull());
    cluster.awaitSameIndex();
    for (Node node : cluster.nodes()) {
      assertNumber(0, node.call("EXISTS", "explicit:short"));
    }
  }

  @Test
  void when_info_raft_is_asked_then_it_tells_of_group_log_and_disk() throws Exception {
    var info = leader.info();
    assertEquals(info.get("raft_node_id"), info.get("raft_voted_for"));
    assertEquals(info.get("raft_node_id"), info.get("raft_leader_id"));
    assertEquals("up", info.get("raft_state"));
    assertEquals("yes", info.get("raft_is_voting"));
    assertTrue(Long.parseLong(info.get("raft_file_size")) > 0);
    long syncs = Long.parseLong(info.get("raft_fsync_count"));
    long entries = Long.parseLong(info.get("raft_cache_entries"));
    assertFalse(leader.call("RAFT", "SET", "info:a", "b").isError());
    assertTrue(leader.infoNumber("raft_fsync_count") > syncs);
    assertTrue(leader.infoNumber("raft_cache_entries") > entries);
    assertTrue(leader.infoNumber("raft_cache_memory_size") > 0);
    assertTrue(leader.infoNumber("raft_fsync_max_microseconds") > 0);
    assertTrue(leader.infoNumber("raft_fsync_avg_microseconds") > 0);
    assertEquals(0, leader.infoNumber("raft_exec_throttled"));
  }

  @Test
  void when_a_database_is_selected_then_raft_commands_work_in_it() throws Exception {
    try (RespClient client = leader.client()) {
      assertOk(client.call("SELECT", "3"));
      assertOk(client.call("RAFT", "SET", "explicit:db", "three"));
      assertText("three", client.call("RAFT", "GET", "explicit:db"));
      assertOk(client.call("RAFT", "SELECT", "4"));
      assertTrue(client.call("RAFT", "GET", "explicit:db").isNull());
      assertOk(client.call("SELECT", "0"));
      assertTrue(client.call("RAFT", "GET", "explicit:db").isNull());
    }
    cluster.awaitSameIndex();
    for (Node node : cluster.nodes()) {
      try (RespClient redis = new RespClient("127.0.0.1", node.redisPort(), 5000)) {
        redis.call("SELECT", "3");
        assertText("three", redis.call("GET", "explicit:db"));
      }
    }
  }

  @Test
  void when_a_command_waits_then_what_comes_through_the_log_serves_it() throws Exception {
    try (RespClient waiting = leader.client();
        RespClient mover = leader.client()) {
      waiting.send("RAFT", "BLPOP", "explicit:queue", "0");
      awaitBlocked(1);
      mover.send("RAFT", "BLMOVE", "explicit:from", "explicit:to", "LEFT", "RIGHT", "0");
      awaitBlocked(2);
      assertNumber(1, raft("RPUSH explicit:queue a"));
      assertEquals(List.of("explicit:queue", "a"), waiting.read().texts());
      assertNumber(1, raft("RPUSH explicit:from b"));
      assertText("b", mover.read());
      awaitBlocked(0);
      assertTrue(waiting.call("RAFT", "BLPOP", "explicit:queue", "0.05").isNull());
    }
    assertNumber(0, raft("EXISTS explicit:queue explicit:from"));
    assertEquals(List.of("b"), raft("LRANGE explicit:to 0 -1").texts());
    ClosingInvariants.checkSameData(cluster);
  }

  /** As the node tells it, which counts those who wait for the log among them. */
  private static void awaitBlocked(int clients) {
    Poll.until(
        clients + " blocked clients",
        TestCluster.PATIENCE,
        () -> leader.call("INFO", "clients").text().contains("blocked_clients:" + clients + "\r"));
  }

  @Test
  void when_the_outcome_depends_on_clock_or_chance_then_every_redis_has_the_same()
      throws Exception {
    raft("SADD explicit:set 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20");
    assertEquals(5, raft("SPOP explicit:set 5").elements().size());
    assertFalse(raft("SPOP explicit:set").isNull());
    assertNumber(14, raft("SORT explicit:set DESC STORE explicit:sorted"));
    String id = raft("XADD explicit:stream * field value").text();
    assertOk(raft("XGROUP CREATE explicit:stream group 0"));
    String read = "XREADGROUP GROUP group consumer STREAMS explicit:stream >";
    assertEquals(
        "*[*[$explicit:stream, *[*[$" + id + ", *[$field, $value]]]]]", raft(read).toString());
    assertTrue(raft(read).isNull());
    assertEquals("1", raft("XPENDING explicit:stream group").texts().get(0));
    ClosingInvariants.checkSameData(cluster);
    for (Node node : cluster.nodes()) {
      assertNumber(14, node.redisCall("SCARD", "explicit:set"));
      assertNumber(14, node.redisCall("LLEN", "explicit:sorted"));
      assertText(
          id,
          node.redisCall("XRANGE", "explicit:stream", "-", "+")
              .elements()
              .get(0)
              .elements()
              .get(0));
    }
  }

  @Test
  void when_a_watched_key_is_changed_then_exec_does_nothing() throws Exception {
    assertOk(raft("SET explicit:watched 1"));
    try (RespClient client = leader.client()) {
      assertOk(client.call("RAFT", "WATCH", "explicit:watched"));
      assertEquals("*[:2]", increment(client).toString());
      assertOk(client.call("RAFT", "WATCH", "explicit:watched"));
      assertNumber(3, raft("INCR explicit:watched"));
      assertTrue(increment(client).isNull());
      assertText("3", client.call("RAFT", "GET", "explicit:watched"));
      assertEquals("*[:4]", increment(client).toString(), "nothing is watched any more");
    }
  }

  private static Reply increment(RespClient client) throws IOException {
    assertOk(client.call("RAFT", "MULTI"));
    assertText("QUEUED", client.call("RAFT", "INCR", "explicit:watched"));
    return client.call("RAFT", "EXEC");
  }

  @Test
  void when_published_to_a_shard_channel_then_subscribers_of_a_follower_hear_it() throws Exception {
    try (RespClient subscriber = follower().client()) {
      subscriber.call("SSUBSCRIBE", "explicit:channel");
      assertNumber(0, raft("SPUBLISH explicit:channel news")); // as many as heard it at the leader
      assertEquals(List.of("smessage", "explicit:channel", "news"), subscriber.read().texts());
    }
  }

  @Test
  void when_all_is_flushed_then_the_cluster_goes_on() throws Exception {
    assertOk(raft("SET explicit:flush 1"));
    assertOk(raft("FLUSHALL"));
    assertTrue(raft("GET explicit:flush").isNull());
    assertNumber(1, raft("INCR explicit:flush"));
    cluster.awaitSameIndex();
    for (Node node : cluster.nodes()) {
      assertText("1", node.redisCall("GET", "explicit:flush"));
    }
  }
}
