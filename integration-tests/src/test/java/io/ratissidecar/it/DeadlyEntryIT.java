package io.ratissidecar.it;

import static io.ratissidecar.it.Replies.assertNumber;
import static io.ratissidecar.it.Replies.assertOk;
import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.ratissidecar.jepsen.Reply;
import io.ratissidecar.jepsen.RespClient;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.io.TempDir;

/**
 * Commands with which every Redis ends, and again with each replay: {@code SCRIPT KILL} takes them
 * out of the log.
 */
@Tag("fault")
@ExtendWith(PrintLogsOnFailure.class)
class DeadlyEntryIT {
  /** Lua's matcher calls itself for each of these, until the stack is at its end. */
  private static final String SCRIPT =
      "redis.call('SET', KEYS[1], 'by-script') "
          + "return string.find(string.rep('a', 400000), string.rep('a?', 400000))";

  /** More than Redis packs: it notices only when it unpacks them that two are the same. */
  private static final int FIELDS = 600;

  @RegisterExtension
  private static final SharedCluster SHARED =
      new SharedCluster(() -> TestCluster.of(3, "--mode", "transparent"));

  private TestCluster cluster;

  @BeforeEach
  void renew() {
    cluster = SHARED.get();
  }

  @Test
  void when_a_script_ends_every_redis_then_script_kill_leaves_it_out_for_good() throws Exception {
    Node leader = cluster.awaitLeader();
    assertOk(leader.call("SET", "a", "1"));
    try (RespClient client = leader.client()) {
      client.send("EVAL", SCRIPT, "1", "a");
      client.send("INCR", "behind");
      awaitReport();
      kill("SCRIPT");
      assertTrue(client.read().isError());
    }
    cluster.awaitText("1", "a");
    checkWorks();
    Node away = cluster.followers().get(0);
    away.killBoth();
    away.start().awaitReady();
    checkWorks();
  }

  @Test
  void when_another_command_ends_every_redis_then_script_kill_leaves_it_out(@TempDir Path directory)
      throws Exception {
    byte[] dump = twins(directory);
    CompletableFuture<Reply> reply =
        CompletableFuture.supplyAsync(
            () -> {
              try (RespClient client = cluster.awaitLeader().client()) {
                return Dump.restore(client, "h", dump);
              } catch (IOException e) {
                throw new UncheckedIOException(e);
              }
            });
    awaitReport();
    kill("FUNCTION");
    assertTrue(reply.get(1, TimeUnit.MINUTES).isError());
    checkWorks();
    assertNumber(0, cluster.awaitLeader().call("EXISTS", "h"));
  }

  /** A packed hash with a field that is there twice. */
  private static byte[] twins(Path directory) throws IOException {
    List<String> words = new ArrayList<>(List.of("HSET", "h"));
    for (int i = 0; i < FIELDS; i++) {
      words.addAll(List.of("field" + (1000 + i), "v"));
    }
    try (PlainRedis plain =
            new PlainRedis(
                directory,
                "--rdbcompression",
                "no",
                "--enable-debug-command",
                "yes",
                "--hash-max-ziplist-entries",
                "" + FIELDS);
        RespClient client = plain.client()) {
      assertNumber(FIELDS, client.call(words.toArray(String[]::new)));
      String text = new String(client.call("DUMP", "h").bytes(), ISO_8859_1);
      assertOk(client.call("DEBUG", "SET-SKIP-CHECKSUM-VALIDATION", "1"));
      byte[] dump = text.replace("field1001", "field1000").getBytes(ISO_8859_1);
      assertOk(Dump.restore(client, "twins", dump));
      return client.call("DUMP", "twins").bytes(); // with its checksum
    }
  }

  /** A person sees what it is, and what to do. */
  private void awaitReport() {
    Poll.until(
        "a node says what ends its Redis",
        TestCluster.PATIENCE,
        () -> {
          for (Node node : cluster.running()) {
            if (node.hasLogged("times with nothing but entry")) {
              return true;
            }
          }
          return false;
        });
  }

  private void kill(String kind) {
    Poll.until(
        kind + " KILL leaves it out",
        TestCluster.PATIENCE,
        () -> {
          for (Node node : cluster.running()) {
            if (!node.call(kind, "KILL").isError()) {
              return true;
            }
          }
          return false;
        });
  }

  private void checkWorks() throws IOException {
    Poll.until(
        "a write",
        TestCluster.PATIENCE,
        () -> cluster.awaitLeader().call("SET", "b", "1").text().equals("OK"));
    ClosingInvariants.checkSameData(cluster);
    for (Node node : cluster.nodes()) {
      assertFalse(node.redisCall("PING").isError());
    }
    assertEquals(3, cluster.running().size());
  }
}
