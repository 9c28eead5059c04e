package io.ratissidecar.it;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;

import io.ratissidecar.jepsen.Reply;
import io.ratissidecar.jepsen.RespClient;
import io.ratissidecar.statemachine.command.LogicalTime;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.io.TempDir;

/** A running Redis is copied into a cluster while several clients write to it. */
@ExtendWith(PrintLogsOnFailure.class)
class ImportIT {
  private static final int FAILED = 1;
  private static final int WRITERS = 4;
  private static final Duration LONG = Duration.ofSeconds(120);

  @RegisterExtension
  private static final SharedCluster SHARED = new SharedCluster(() -> TestCluster.of(3));

  private static final Pattern REPLICA = Pattern.compile("slave0:.*state=online,offset=(\\d+)");
  private static final Pattern OFFSET = Pattern.compile("master_repl_offset:(\\d+)");

  @TempDir Path dir;

  /** Not below the directory of the programs, with whose end all ends that runs there. */
  @TempDir Path redisDir;

  private final long seed = Long.getLong("seed", System.nanoTime());

  private PlainRedis source(String... settings) {
    List<String> all = new ArrayList<>(List.of("--repl-diskless-sync-delay", "0"));
    all.addAll(List.of(settings));
    return new PlainRedis(redisDir, all.toArray(String[]::new));
  }

  private Program start(PlainRedis source, TestCluster cluster, String... more) {
    List<String> words = new ArrayList<>(List.of("import", "--from", uri(source)));
    words.addAll(List.of("--to", cluster.node(0).address()));
    words.addAll(List.of(more));
    return Program.start(dir, Map.of(), words.toArray(String[]::new));
  }

  private static String uri(PlainRedis source) {
    return "redis://127.0.0.1:" + source.port();
  }

  /** Keys that nobody changes, so that copying them takes a while. */
  private static void fill(PlainRedis source, int keys) throws IOException {
    try (RespClient client = source.client()) {
      for (int i = 0; i < keys; i++) {
        client.send("SET", "still " + i, "value " + i);
        if (i % 1000 == 999) {
          for (int j = 0; j < 1000; j++) {
            client.read();
          }
        }
      }
    }
  }

  /** Waits until the import has acknowledged all that the source has. */
  private static void awaitCaughtUp(PlainRedis source, Program program) {
    Poll.until(
        "the import has caught up",
        LONG,
        () -> {
          program.assertRuns();
          String info = source.call("INFO", "replication").text();
          Matcher replica = REPLICA.matcher(info);
          Matcher offset = OFFSET.matcher(info);
          return replica.find() && offset.find() && replica.group(1).equals(offset.group(1));
        });
  }

  private static void assertCopied(PlainRedis source, TestCluster cluster) {
    Map<String, String> expected = RedisContents.of(source.port());
    cluster.awaitSameIndex();
    for (Node node : cluster.nodes()) {
      RedisContents.assertSame(
          expected, RedisContents.of(node.redisPort()), "source and " + node.name());
    }
  }

  @Test
  @Tag("fault")
  void when_the_leader_is_killed_meanwhile_then_nothing_is_lost_and_nothing_doubled()
      throws Exception {
    System.out.println("load with -Dseed=" + seed);
    TestCluster cluster = SHARED.get();
    try (PlainRedis source = source();
        LeaderWatch watch = new LeaderWatch(cluster)) {
      fill(source, 50_000);
      try (SourceLoad load = new SourceLoad(source, WRITERS, seed);
          Program program = start(source, cluster)) {
        load.awaitMore(1000);
        Poll.until(
            "keys have come",
            LONG,
            () -> cluster.leader().call("RAFT", "DBSIZE").number() > 10_000);
        killLeader(cluster); // while keys are copied
        Poll.until(
            "the source sends commands",
            LONG,
            () -> source.call("INFO", "replication").text().contains("state=online"));
        for (int i = 0; i < 3; i++) {
          load.awaitMore(3000);
          program.assertRuns();
          killLeader(cluster); // while commands follow
        }
        load.awaitMore(3000);
        load.stop();
        awaitCaughtUp(source, program);
        program.terminate();
        program.await(LONG).expect(0, "Stopped: ", "commands of 127.0.0.1:" + source.port());
      }
      assertCopied(source, cluster);
      assertEquals(List.of(), watch.leaders().check().problems());
      ClosingInvariants.checkSameData(cluster);
      cluster.checkLogs();
    }
  }

  private static void killLeader(TestCluster cluster) {
    Node leader = cluster.leader();
    leader.note("SIGKILL");
    leader.killSidecar();
    leader.start().awaitReady();
    cluster.awaitLeader();
  }

  @Test
  void when_once_then_it_ends_by_itself_though_the_source_goes_on() throws Exception {
    TestCluster cluster = SHARED.get();
    // As an older Redis does it, and with a user of its own.
    try (PlainRedis source = source("--repl-diskless-sync", "no")) {
      source.call("ACL", "SETUSER", "copier", "on", ">p@ss", "+psync", "+replconf", "+info");
      source.call("FUNCTION", "LOAD", "#!lua name=lib\nredis.register_function('f', print)");
      source.call(
          "FUNCTION",
          "LOAD",
          "#!lua name=lib\nredis.register_function('f', function() return 1 end)");
      fill(source, 2000);
      String login = "redis://copier:p%40ss@127.0.0.1:" + source.port();
      try (SourceLoad load = new SourceLoad(source, WRITERS, seed)) {
        load.awaitMore(500);
        Program.Result result =
            Program.run(
                dir,
                Map.of(),
                "import",
                "--from",
                login,
                "--to",
                cluster.node(1).address(),
                "--once");
        result.expect(0, "Imported: ", "up to offset ");
        assertFalse(result.out().contains("p@ss"), result::toString);
        assertEquals(1, cluster.leader().call("RAFT", "FCALL", "f", "0").number());
        load.awaitMore(500);
        load.stop();
      }
      Map<String, String> copied = RedisContents.of(cluster.leader().redisPort());
      assertEquals(2000, copied.keySet().stream().filter(k -> k.contains("still ")).count());
      assertFalse(copied.keySet().stream().anyMatch(k -> k.contains("ratis-sidecar")));
      // Once more, with nobody writing: replaces what is there.
      Program.run(dir, Map.of(), "import", "--from", uri(source), "--to", cluster.node(0).address())
          .expect(FAILED, "keys already", "RAFT FLUSHALL", "--merge");
      cluster.leader().call("RAFT", "FLUSHALL");
      Program.run(
              dir,
              Map.of(),
              "import",
              "--from",
              uri(source),
              "--to",
              cluster.node(0).address(),
              "--once")
          .expect(0);
      assertCopied(source, cluster);
      cluster.checkLogs();
    }
  }

  /** Redis replicates what consumer groups do as {@code XCLAIM}. */
  @Test
  void when_the_source_has_consumer_groups_then_pending_entries_are_copied_and_followed()
      throws Exception {
    TestCluster cluster = TestCluster.of(1);
    try (PlainRedis source = source();
        RespClient client = source.client()) {
      client.call("XGROUP", "CREATE", "stream", "g", "$", "MKSTREAM");
      addToStream(client, 1, 20);
      client.call("XREADGROUP", "GROUP", "g", "before", "COUNT", "10", "STREAMS", "stream", ">");
      try (Program program = start(source, cluster)) {
        awaitCaughtUp(source, program);
        client.call("XREADGROUP", "GROUP", "g", "after", "COUNT", "5", "STREAMS", "stream", ">");
        client.call("XACK", "stream", "g", "1-2", "1-12");
        client.call("XCLAIM", "stream", "g", "other", "0", "1-3", "1-4", "RETRYCOUNT", "7");
        client.call("XAUTOCLAIM", "stream", "g", "third", "0", "1-5", "COUNT", "2");
        addToStream(client, 21, 25);
        client.call(
            "XREADGROUP", "GROUP", "g", "c", "NOACK", "COUNT", "3", "STREAMS", "stream", ">");
        awaitCaughtUp(source, program);
        program.terminate();
        program.await(LONG).expect(0, "Stopped: ");
      }
      assertCopied(source, cluster);
      Reply pending = client.call("XPENDING", "stream", "g");
      assertEquals(13, pending.elements().get(0).number());
      assertEquals(
          group(client.call("XINFO", "STREAM", "stream", "FULL")),
          group(cluster.node(0).redisCall("XINFO", "STREAM", "stream", "FULL")));
      cluster.checkLogs();
    } finally {
      cluster.close();
    }
  }

  private static void addToStream(RespClient client, int from, int to) throws IOException {
    for (int i = from; i <= to; i++) {
      client.call("XADD", "stream", "1-" + i, "field", "value");
    }
  }

  /** Where the only group is, and what is pending in it: entry, consumer, time, deliveries. */
  private static String group(Reply stream) {
    Reply group = field(stream, "groups").elements().get(0);
    StringBuilder text = new StringBuilder(field(group, "last-delivered-id").text());
    for (Reply pending : field(group, "pending").elements()) {
      List<String> parts = pending.texts();
      long stored = Long.parseLong(parts.get(2));
      long delivered = LogicalTime.deliveredFromRedis(stored, System.currentTimeMillis());
      text.append(", ").append(parts.get(0)).append(' ').append(parts.get(1));
      text.append(' ').append(delivered).append(' ').append(parts.get(3));
    }
    return text.toString();
  }

  private static Reply field(Reply fields, String name) {
    int at = fields.texts().indexOf(name);
    return fields.elements().get(at + 1);
  }

  @Test
  void when_something_can_t_be_imported_then_it_says_what() throws Exception {
    TestCluster cluster = TestCluster.of(1, "--max-entry-bytes", "65536", "--batch-bytes", "65536");
    try (PlainRedis source = source()) {
      source.call("SET", "small", "v");
      try (Program program = start(source, cluster)) {
        awaitCaughtUp(source, program);
        // More than fits into an entry, in one turn of the import.
        try (RespClient client = source.client()) {
          Random random = new Random(seed);
          for (int i = 0; i < 200; i++) {
            byte[] noise = new byte[500]; // what repeats would be compressed
            random.nextBytes(noise);
            client.send("APPEND", "grows", HexFormat.of().formatHex(noise));
          }
          for (int i = 0; i < 200; i++) {
            client.read();
          }
        }
        awaitCaughtUp(source, program);
        String restore =
            "return redis.call('RESTORE-ASKING', 'copy', 0, redis.call('DUMP', 'small'))";
        source.call("EVAL", restore, "0");
        program
            .await(LONG)
            .expect(
                FAILED,
                "can't run RESTORE-ASKING",
                "in database 0",
                "RESTORE-ASKING is refused",
                "offset");
      }
      assertEquals(200_000, cluster.node(0).call("RAFT", "STRLEN", "grows").number());
      cluster.node(0).call("RAFT", "FLUSHALL");
      Program.run(dir, Map.of(), "import", "--from", uri(source), "--to", cluster.node(0).address())
          .expect(FAILED, "key 'grows' of database 0", "longer than the cluster's max-entry-bytes");
      cluster.node(0).call("RAFT", "FLUSHALL");
      source.call("DEL", "grows");
      source.call("SELECT", "0");
      try (RespClient client = source.client()) {
        client.call("SELECT", "15");
        client.call("SET", "k", "v");
      }
      Program.run(dir, Map.of(), "import", "--from", uri(source), "--to", cluster.node(0).address())
          .expect(FAILED, "data in database 15", "databases 0 to 14");
      cluster.checkLogs();
    } finally {
      cluster.close();
    }
  }
}
