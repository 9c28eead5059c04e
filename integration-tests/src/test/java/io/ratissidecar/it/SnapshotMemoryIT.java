package io.ratissidecar.it;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.ratissidecar.jepsen.Reply;
import io.ratissidecar.jepsen.RespClient;
import java.io.IOException;
import java.time.Duration;
import java.util.Random;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/** A snapshot is never in a sidecar's memory as a whole: one of 500 MB goes through 64 MB. */
@Tag("fault")
@Tag("alone")
@ExtendWith(PrintLogsOnFailure.class)
class SnapshotMemoryIT {
  private static final String HEAP = "64m";
  private static final int KEYS = 500_000;
  private static final int VALUE_BYTES = 1000;
  private static final int SAMPLED_KEYS = 2000;
  private static final Duration PATIENCE = Duration.ofMinutes(3);

  /** What the sidecar says of each step. */
  private static final Pattern STEP =
      Pattern.compile(
          "(Took a snapshot|The snapshot|Loaded the snapshot) of entry \\d+.*: (\\d+) bytes in (\\d+) ms");

  @AutoClose("checkAndClose")
  private final TestCluster cluster =
      TestCluster.unformed(
          0,
          "--log-retain-entries",
          "0",
          "--snapshot-log-bytes",
          "4000000000",
          "--snapshot-entries",
          "100000000",
          "--max-entry-bytes", // with the default a heap has to be larger
          "4194304");

  @Test
  @Tag("long")
  void when_a_node_joins_a_cluster_of_500_MB_then_both_sidecars_do_with_64_MB() throws Exception {
    Node leader = cluster.create().heap(HEAP).start().awaitReady();
    cluster.form();
    long start = System.nanoTime();
    Filling.keys(leader, KEYS, VALUE_BYTES);
    report("written", (long) KEYS * VALUE_BYTES, (System.nanoTime() - start) / 1_000_000);

    takeSnapshot(leader);
    assertTrue(leader.infoNumber("raft_snapshot_size") > (long) KEYS * VALUE_BYTES);
    Poll.until(
        "the log is cut",
        PATIENCE,
        () -> leader.infoNumber("raft_log_entries") < leader.infoNumber("raft_current_index") / 2);

    Node newcomer = cluster.create().heap(HEAP).start().awaitReady();
    Replies.assertOk(newcomer.call("RAFT.CLUSTER", "JOIN", leader.address()));
    Poll.until(
        "the newcomer has loaded the snapshot",
        PATIENCE,
        () ->
            newcomer.infoNumber("raft_snapshots_received") == 1 && keys(newcomer) == keys(leader));
    cluster.awaitVoters(2);
    Replies.assertOk(cluster.leader().call("RAFT", "SET", "last", "value"));
    cluster.awaitSameIndex();

    cluster.nodes().forEach(SnapshotMemoryIT::reportSteps);
    assertEquals(KEYS + 1L, keys(newcomer));
    compareSample(leader, newcomer);
    for (Node node : cluster.nodes()) {
      assertTrue(node.isAlive(), node.name() + " died");
      assertTrue(node.logLines().stream().noneMatch(l -> l.contains("OutOfMemory")), node.name());
    }
  }

  /** It takes longer than other commands may. */
  private static void takeSnapshot(Node node) throws IOException {
    try (RespClient client = node.client()) {
      client.setTimeoutMillis((int) PATIENCE.toMillis());
      Reply reply = client.call("RAFT.SNAPSHOT");
      assertTrue(!reply.isError(), reply.toString());
    }
  }

  private static long keys(Node node) throws IOException {
    return node.redisCall("DBSIZE").number();
  }

  private static void compareSample(Node a, Node b) throws IOException {
    Random random = new Random(1);
    try (RespClient left = new RespClient("127.0.0.1", a.redisPort(), Node.CALL_MILLIS);
        RespClient right = new RespClient("127.0.0.1", b.redisPort(), Node.CALL_MILLIS)) {
      for (int i = 0; i < SAMPLED_KEYS; i++) {
        String key = "fill:" + random.nextInt(KEYS);
        byte[] dump = left.call("DUMP", key).bytes();
        assertTrue(dump != null && dump.length > VALUE_BYTES, key);
        assertArrayEquals(dump, right.call("DUMP", key).bytes(), key);
      }
    }
  }

  private static void reportSteps(Node node) {
    for (String line : node.logLines()) {
      Matcher step = STEP.matcher(line);
      if (step.find()) {
        report(
            node.name() + ": " + step.group(1),
            Long.parseLong(step.group(2)),
            Long.parseLong(step.group(3)));
      }
    }
    System.out.printf("%s: %d MB resident%n", node.name(), Footprint.residentBytes(node) >> 20);
  }

  private static void report(String what, long bytes, long millis) {
    System.out.printf(
        "%s: %d MB in %d ms, %.0f MB/s%n", what, bytes >> 20, millis, bytes / 1e3 / millis);
  }
}
