package io.ratissidecar.it;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.ratissidecar.jepsen.Reply;
import io.ratissidecar.snapshot.SnapshotManifest;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.time.Duration;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.extension.RegisterExtension;

/** Snapshots of a node's own: taken, kept, loaded; the logs cut behind them. */
@Tag("fault")
@ExtendWith(PrintLogsOnFailure.class)
class SnapshotIT {
  private static final String[] SMALL = {
    "--snapshot-log-bytes", "200000", "--segment-bytes", "1048576", "--log-retain-entries", "0"
  };

  @RegisterExtension
  private static final SharedCluster SHARED = new SharedCluster(() -> TestCluster.of(3, SMALL));

  private TestCluster cluster;

  private static long snapshot(Node node) throws IOException {
    Reply reply = node.call("RAFT.SNAPSHOT");
    assertTrue(!reply.isError(), reply.toString());
    return Long.parseLong(reply.texts().get(1));
  }

  private static long logBytes(Node node) {
    try (Stream<Path> files =
        Stream.concat(
            Files.walk(node.dir().resolve("log")), Files.walk(node.dir().resolve("raft")))) {
      return files.filter(Files::isRegularFile).mapToLong(f -> f.toFile().length()).sum();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  @Test
  @Tag("long")
  void when_taken_under_load_on_every_node_then_each_starts_again_from_its_own() throws Exception {
    cluster = SHARED.own(TestCluster.of(3));
    try (FaultRun run = new FaultRun(cluster)) {
      for (Node node : cluster.nodes()) {
        long before = node.infoNumber("raft_last_applied_index");
        assertTrue(snapshot(node) >= before, node.name());
        run.awaitMore(100);
        long index = node.infoNumber("raft_snapshot_last_idx");
        node.killBoth();
        run.awaitMore(50);
        node.start().awaitReady();
        Poll.until(
            "loaded",
            TestCluster.PATIENCE,
            () ->
                node.logLines().stream()
                    .anyMatch(l -> l.contains("Loaded the snapshot of entry " + index)));
        run.awaitMore(50);
      }
      run.finish();
    }
    for (Node node : cluster.nodes()) {
      assertEquals("no", node.info().get("raft_snapshot_in_progress"));
      assertTrue(node.infoNumber("raft_snapshot_size") > 100);
    }
  }

  @Test
  @Tag("long")
  void when_the_log_grows_then_snapshots_are_taken_and_the_logs_stay_short() {
    cluster = SHARED.own(TestCluster.of(3, SMALL));
    try (FaultRun run = new FaultRun(cluster)) {
      for (int round = 0; round < 4; round++) {
        Filling.keys(cluster.leader(), 200, 20_000); // 4 MB
        run.awaitMore(50);
      }
      for (Node node : cluster.nodes()) {
        Poll.until(
            node.name() + " has cut its logs",
            TestCluster.PATIENCE,
            () -> logBytes(node) < 6_000_000 && node.infoNumber("raft_snapshots_created") > 2);
        assertEquals(2, snapshots(node).size(), "kept");
      }
      for (Node node : cluster.nodes()) {
        node.killBoth();
        node.start().awaitReady();
        run.awaitMore(50);
      }
      run.finish();
    }
  }

  private static List<Path> snapshots(Node node) {
    try (Stream<Path> files = Files.list(node.dir().resolve("snapshots"))) {
      return files.filter(f -> f.getFileName().toString().startsWith("snapshot-")).toList();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  @Test
  void when_a_node_is_dead_then_the_others_still_cut_their_logs() {
    cluster = SHARED.get();
    try (FaultRun run = new FaultRun(cluster)) {
      Node dead = cluster.followers().get(0);
      dead.killBoth();
      for (int round = 0; round < 4; round++) {
        Filling.keys(cluster.leader(), 200, 20_000);
      }
      for (Node node : cluster.running()) {
        Poll.until(
            node.name() + " has cut its logs",
            TestCluster.PATIENCE,
            () -> logBytes(node) < 6_000_000);
      }
      dead.start().awaitReady();
      run.awaitMore(50);
      run.finish();
      assertTrue(dead.infoNumber("raft_snapshots_received") > 0, "it came from another node");
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  @Test
  void when_the_interval_or_the_number_of_entries_is_reached_then_one_is_taken() throws Exception {
    cluster =
        SHARED.own(
            TestCluster.of(1, "--snapshot-interval-seconds", "1", "--snapshot-entries", "1000000"));
    Node node = cluster.node(0);
    node.call("RAFT", "SET", "key", "value");
    Poll.until(
        "one for the interval",
        TestCluster.PATIENCE,
        () -> node.infoNumber("raft_snapshots_created") == 1);
    node.terminate();
    node.awaitExit(TestCluster.PATIENCE);
    node.set("--snapshot-interval-seconds", "0");
    node.set("--snapshot-entries", "5");
    node.start().awaitReady();
    cluster.awaitLeader();
    for (int i = 0; i < 10; i++) {
      node.call("RAFT", "SET", "key", "value" + i);
    }
    Poll.until(
        "one for the entries",
        TestCluster.PATIENCE,
        () -> node.infoNumber("raft_snapshots_created") >= 1);
  }

  @Test
  void when_it_can_not_be_taken_then_the_old_one_stays_and_the_node_says_so() throws Exception {
    cluster = SHARED.own(TestCluster.of(1));
    Node node = cluster.node(0);
    node.call("RAFT", "SET", "key", "value");
    long index = snapshot(node);
    node.redisCall("ACL", "SETUSER", "default", "-psync");
    node.call("RAFT", "SET", "key", "value 2");
    Reply reply = node.call("RAFT.SNAPSHOT");
    assertTrue(reply.isError(), reply.toString());
    assertEquals(index, node.infoNumber("raft_snapshot_last_idx"));
    assertEquals(1, node.infoNumber("raft_snapshots_failed"));
    assertEquals("value 2", node.call("RAFT", "GET", "key").text());
    node.redisCall("ACL", "SETUSER", "default", "+psync");
    // Neither while Redis writes a file of its own: it could not fork at once.
    node.redisCall("CONFIG", "SET", "rdb-key-save-delay", "2000000");
    node.redisCall("BGSAVE");
    Reply busy = node.call("RAFT.SNAPSHOT");
    assertTrue(busy.text().contains("busy writing a file"), busy.toString());
    node.redisCall("CONFIG", "SET", "rdb-key-save-delay", "0");
    Poll.until(
        "that is over",
        TestCluster.PATIENCE,
        () -> node.redisCall("INFO", "persistence").text().contains("rdb_bgsave_in_progress:0"));
    assertTrue(snapshot(node) > index);
  }

  @Test
  void when_the_newest_is_damaged_then_the_older_one_and_the_log_do() throws Exception {
    cluster = SHARED.own(TestCluster.of(1));
    Node node = cluster.node(0);
    node.call("RAFT", "SET", "a", "1");
    snapshot(node);
    node.call("RAFT", "SET", "b", "2");
    long newest = snapshot(node);
    node.call("RAFT", "SET", "c", "3");
    node.killBoth();
    Path rdb =
        snapshots(node).stream()
            .filter(s -> s.getFileName().toString().contains(String.format("%020d", newest)))
            .findFirst()
            .orElseThrow()
            .resolve("dump.rdb");
    byte[] bytes = Files.readAllBytes(rdb);
    bytes[bytes.length / 2] ^= 1;
    Files.write(rdb, bytes);
    node.start().awaitReady();
    cluster.awaitLeader();
    assertEquals("1", node.call("RAFT", "GET", "a").text());
    assertEquals("2", node.call("RAFT", "GET", "b").text());
    assertEquals("3", node.call("RAFT", "GET", "c").text());
    node.assertLogs("can't be loaded: " + rdb + " is damaged");
  }

  @Test
  void when_every_snapshot_that_is_needed_is_damaged_then_the_node_says_what_to_do()
      throws Exception {
    cluster = SHARED.own(TestCluster.of(1, SMALL));
    Node node = cluster.node(0);
    Filling.keys(node, 300, 20_000);
    Poll.until(
        "cut",
        TestCluster.PATIENCE,
        () -> {
          node.call("RAFT", "INCR", "snapshots"); // without a new entry there is no new one
          snapshot(node);
          return snapshots(node).size() == 2 && logBytes(node) < 4_000_000;
        });
    node.killBoth();
    for (Path snapshot : snapshots(node)) {
      Path rdb = snapshot.resolve("dump.rdb");
      byte[] bytes = Files.readAllBytes(rdb);
      bytes[bytes.length / 2] ^= 1;
      Files.write(rdb, bytes);
    }
    node.start();
    assertEquals(70, node.awaitExit(TestCluster.PATIENCE));
    node.assertLogs("no snapshot of this node is sound");
    node.assertLogs("is damaged: its SHA-256");
    node.assertLogs("join it again under a new id");
  }

  @Test
  void when_the_snapshot_is_of_a_newer_redis_then_the_local_one_is_left_alone() throws Exception {
    cluster = SHARED.own(TestCluster.of(1));
    Node node = cluster.node(0);
    node.call("RAFT", "SET", "key", "value");
    snapshot(node);
    node.call("RAFT", "SET", "key", "newer value");
    node.killBoth();
    for (Path snapshot : snapshots(node)) {
      setRdbVersion(snapshot, "0013");
    }
    node.start();
    Poll.until(
        "it says why it can't load the snapshot",
        TestCluster.PATIENCE,
        () ->
            node.info().get("raft_local_redis").contains("reads RDB files up to version")
                && node.info().get("raft_local_redis").contains("is in version 13"));
    assertEquals(0, node.redisCall("DBSIZE").number());
  }

  /** As if another Redis had written it; without the checksum at the end, which may be left out. */
  private static void setRdbVersion(Path snapshot, String version) throws Exception {
    Path rdb = snapshot.resolve("dump.rdb");
    byte[] bytes = Files.readAllBytes(rdb);
    System.arraycopy(version.getBytes(StandardCharsets.US_ASCII), 0, bytes, "REDIS".length(), 4);
    Arrays.fill(bytes, bytes.length - Long.BYTES, bytes.length, (byte) 0);
    Files.write(rdb, bytes);
    Path file = snapshot.resolve("manifest");
    SnapshotManifest old = SnapshotManifest.parse(Files.readAllBytes(file), file.toString());
    SnapshotManifest changed =
        new SnapshotManifest(
            old.clusterId(),
            old.term(),
            old.index(),
            old.members(),
            old.time(),
            old.rdbBytes(),
            HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(bytes)),
            old.redisVersion());
    Files.write(file, changed.toBytes());
  }

  @Test
  void when_redis_is_ahead_of_what_raft_knows_to_be_committed_then_the_log_stays_for_raft()
      throws Exception {
    cluster = SHARED.get();
    Node node = cluster.node(0);
    Node other = cluster.node(1);
    try (FaultRun run = new FaultRun(cluster)) {
      snapshot(node);
      cluster.transferLeadership(other);
      run.awaitMore(50);
      cluster.transferLeadership(node); // with each term Raft begins a new segment
      other.killBoth();
      run.awaitMore(50);
      cluster.node(2).killBoth();
      node.killSidecar();
      node.start().awaitReady(); // its Redis has all, Raft counts from the snapshot
      snapshot(node);
      other.start().awaitReady(); // it is behind, so the first node is elected
      run.awaitMore(50);
      assertEquals(node, cluster.leader());
      cluster.node(2).start().awaitReady();
      run.finish();
    }
  }

  @Test
  void when_killed_at_any_moment_while_snapshots_are_taken_and_logs_cut_then_nothing_is_lost() {
    long seed = Long.getLong("seed", System.nanoTime());
    System.out.println("kills with -Dseed=" + seed);
    Random random = new Random(seed);
    cluster = SHARED.get();
    try (FaultRun run = new FaultRun(cluster)) {
      for (int kill = 0; kill < 4; kill++) {
        Node node = cluster.nodes().get(kill % 3);
        Filling.keys(cluster.leader(), 60, 20_000);
        CompletableFuture<Void> taking =
            CompletableFuture.runAsync(
                () -> {
                  try {
                    node.call("RAFT.SNAPSHOT");
                  } catch (IOException e) {
                    // It was killed meanwhile.
                  }
                });
        pause(random.nextInt(60));
        if (random.nextBoolean()) {
          node.killBoth();
        } else {
          node.killSidecar();
        }
        taking.join();
        node.start().awaitReady();
        cluster.awaitLeader();
      }
      run.awaitMore(50);
      run.finish();
    }
  }

  /** Which step it is in then is the point: any. */
  private static void pause(long millis) {
    Poll.letRun(Duration.ofMillis(millis));
  }
}
