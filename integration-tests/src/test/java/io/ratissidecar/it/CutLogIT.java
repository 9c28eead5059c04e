package io.ratissidecar.it;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;

/** What {@code log info|dump|verify} say of a node whose logs were cut behind a snapshot. */
@ExtendWith(PrintLogsOnFailure.class)
class CutLogIT {
  private static final int FAILED = 1;

  @TempDir Path dir;
  private TestCluster cluster;
  private Node node;

  @AfterEach
  void close() {
    if (cluster != null) {
      cluster.close();
    }
  }

  private Program.Result log(String... words) {
    List<String> all =
        Stream.of(Stream.of("log"), Stream.of(words), Stream.of("--dir", node.dir().toString()))
            .flatMap(s -> s)
            .toList();
    return Program.run(dir, Map.of(), all.toArray(String[]::new));
  }

  private Path raftLog() throws IOException {
    try (Stream<Path> groups = Files.list(node.dir().resolve("raft"))) {
      return groups.findFirst().orElseThrow().resolve("current");
    }
  }

  /** Those of Raft's segments that are written no more, the oldest first. */
  private List<Path> closedSegments() throws IOException {
    try (Stream<Path> files = Files.list(raftLog())) {
      return files
          .filter(f -> f.getFileName().toString().matches("log_\\d+-\\d+"))
          .sorted(Comparator.comparingLong(CutLogIT::start))
          .toList();
    }
  }

  private static long start(Path segment) {
    return Long.parseLong(segment.getFileName().toString().replaceAll("log_(\\d+)-.*", "$1"));
  }

  /** With a new term Raft begins a new segment. */
  private void fillAndRestart() {
    Filling.keys(node, 100, 20_000);
    node.killBoth();
    node.start().awaitReady();
    cluster.awaitLeader();
  }

  @Test
  void when_a_node_was_cut_then_its_logs_are_sound_and_the_snapshots_told() throws IOException {
    // No snapshot but those that are asked for.
    cluster = TestCluster.of(1, "--segment-bytes", "1048576", "--log-retain-entries", "0");
    node = cluster.node(0);
    fillAndRestart();
    fillAndRestart();
    node.killSidecar();
    Path oldest = closedSegments().get(0);
    Path kept = Files.copy(oldest, dir.resolve("kept"));
    node.start().awaitReady();
    cluster.awaitLeader();
    Replies.assertNoError(node.call("RAFT.SNAPSHOT"));
    Replies.assertNoError(node.call("RAFT", "SET", "first", "value"));
    Replies.assertNoError(node.call("RAFT.SNAPSHOT"));
    Poll.until("cut", TestCluster.PATIENCE, () -> closedSegments().isEmpty());
    node.call("RAFT", "SET", "last", "value");
    node.killBoth();

    JsonObject info = log("info", "--json").expect(0).json();
    assertTrue(info.get("start_index").getAsLong() > 1, info::toString);
    JsonArray snapshots = info.getAsJsonArray("snapshots");
    assertEquals(2, snapshots.size());
    JsonObject newest = snapshots.get(0).getAsJsonObject();
    assertTrue(newest.get("bytes").getAsLong() > 1_000_000);
    String index = newest.get("index").getAsString();
    log("info")
        .expect(
            0,
            "cut       before index ",
            "snapshot of entry  term",
            index + " ",
            newest.get("time").getAsString());

    log("verify").expect(0, "The log is sound: ", "It goes on from the snapshot of entry ");
    JsonObject verified = log("verify", "--json").expect(0).json();
    assertTrue(verified.get("sound").getAsBoolean());
    assertFalse(verified.get("superseded").getAsBoolean());
    Path out = dir.resolve("out");
    Program.Result dump = log("dump", "--aof", "--output", out.toString());
    assertTrue(dump.err().contains("what was before is in the snapshot "), dump::toString);

    // What a purge leaves that was interrupted, or whose deletions a power loss undid.
    Files.copy(kept, oldest);
    log("verify").expect(0, "The log is sound: ", "an interrupted purge has left");
    node.start().awaitReady();
    cluster.awaitLeader();
    assertFalse(Files.exists(oldest));
    assertEquals("value", node.call("RAFT", "GET", "last").text());
    node.killBoth();
    log("verify").expect(0, "The log is sound: ");

    try (Stream<Path> files = Files.walk(node.dir().resolve("snapshots"))) {
      for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
        Files.delete(file);
      }
    }
    log("verify").expect(FAILED, "damage: ", "there is no snapshot that it goes on from");
  }
}
