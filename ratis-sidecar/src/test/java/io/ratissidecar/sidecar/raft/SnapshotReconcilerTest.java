package io.ratissidecar.sidecar.raft;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.ratissidecar.snapshot.SnapshotManifest;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import org.apache.ratis.server.raftlog.segmented.LogSegmentPath;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The process dies at any step of a purge, or of dropping a log that a snapshot replaces. */
class SnapshotReconcilerTest {
  private static final long TERM = 5;

  @TempDir Path dir;
  private final Random random;
  private final long seed = Long.getLong("seed", System.nanoTime());

  SnapshotReconcilerTest() {
    random = new Random(seed);
  }

  private static SnapshotManifest snapshot(long term, long index) {
    return new SnapshotManifest("c", term, index, List.of(), Instant.EPOCH, 10, "00", "7.0.15");
  }

  private interface Case {
    void run(NodeLogs logs) throws IOException;
  }

  private void repeat(Case one) {
    for (int run = 0; run < 150; run++) {
      try (NodeLogs logs = new NodeLogs(dir.resolve("run" + run))) {
        one.run(logs);
      } catch (IOException | RuntimeException | AssertionError e) {
        throw new AssertionError("run " + run + " with -Dseed=" + seed, e);
      }
    }
  }

  /** As many entries as there may be, in segments that end anywhere. */
  private void fill(NodeLogs logs, int count) throws IOException {
    for (int i = 0; i < count; i++) {
      logs.append(i > 0 && random.nextInt(4) > 0, TERM);
    }
    List<Integer> ends = new ArrayList<>();
    for (int i = 0; i < count - 1; i++) {
      if (random.nextInt(4) == 0) {
        ends.add(i);
      }
    }
    logs.writeSegments(ends, true);
  }

  /** Both reconcilers, as at a start that dies before it comes to its end, and once more. */
  private void start(NodeLogs logs, SnapshotManifest snapshot) throws IOException {
    for (int kills = random.nextInt(4); kills > 0; kills--) {
      int[] steps = {random.nextInt(6)};
      try {
        logs.reconcile(
            snapshot,
            () -> {
              if (steps[0]-- == 0) {
                throw new NodeLogs.Killed();
              }
            });
      } catch (NodeLogs.Killed e) {
        // Once more.
      }
    }
    logs.reconcile(snapshot, () -> {});
  }

  private static List<LogSegmentPath> segments(NodeLogs logs) throws IOException {
    return LogSegmentPath.getLogSegmentPaths(logs.storage);
  }

  @Test
  void when_a_purge_is_interrupted_then_what_is_behind_the_snapshot_is_whole() {
    repeat(
        logs -> {
          int count = 10 + random.nextInt(40);
          fill(logs, count);
          int index = 1 + random.nextInt(count - 1);
          if (!logs.headers.get(index).hasPayload()) {
            return;
          }
          // Ratis deletes whole segments, oldest first; a power loss may bring back any of them.
          for (int i = 0; i < logs.segments.size() - 1; i++) {
            List<NodeLogs.Header> segment = logs.segments.get(i);
            if (segment.get(segment.size() - 1).index() <= index && random.nextInt(3) > 0) {
              Files.delete(logs.path(i));
            }
          }
          if (random.nextBoolean()) {
            logs.payload.dropPrefix(index + 1);
          }
          start(logs, snapshot(TERM, index));
          for (NodeLogs.Header header : logs.headers.subList(index + 1, count)) {
            if (header.hasPayload()) {
              assertEquals(TERM, logs.payload.read(header.index()).term());
            }
          }
          long next = RaftSegment.nameStart(segments(logs).get(0).getPath());
          assertTrue(next <= index + 1, "the log starts at " + next);
          for (LogSegmentPath path : segments(logs)) {
            RaftSegment segment = RaftSegment.read(path, NodeLogs.LIMIT);
            assertEquals(next, segment.first());
            next = segment.last() + 1;
          }
          assertEquals(count, next);
        });
  }

  @Test
  void when_the_log_ends_below_the_snapshot_or_is_of_another_history_then_it_goes_whole() {
    repeat(
        logs -> {
          int count = 5 + random.nextInt(40);
          fill(logs, count);
          boolean ahead = random.nextBoolean();
          SnapshotManifest snapshot =
              ahead
                  ? snapshot(TERM + 1, count + random.nextInt(5))
                  : snapshot(TERM + 1, 1 + random.nextInt(count - 1));
          start(logs, snapshot);
          assertEquals(List.of(), segments(logs));
          assertEquals(0, logs.payload.lastIndex());
          assertEquals(snapshot.index(), logs.payload.tailIndex());
          assertEquals(snapshot.index() + 1, logs.payload.startIndex());
          logs.appendPayload(snapshot.index() + 1, TERM + 1);
          assertEquals(snapshot.index() + 1, logs.payload.lastIndex());
        });
  }

  @Test
  void when_the_log_holds_the_entry_then_nothing_is_changed() throws IOException {
    try (NodeLogs logs = new NodeLogs(dir)) {
      logs.append(false, TERM);
      for (int i = 1; i < 20; i++) {
        logs.append(true, TERM);
      }
      logs.writeSegments(List.of(4, 9), true);
      logs.reconcile(
          snapshot(TERM, 12),
          () -> {
            throw new AssertionError("changed");
          });
      assertEquals(20, logs.left().size());
      assertEquals(19, logs.payload.lastIndex());
    }
  }

  @Test
  void when_the_segment_with_the_snapshots_entry_is_lost_then_the_node_refuses()
      throws IOException {
    try (NodeLogs logs = new NodeLogs(dir)) {
      logs.append(false, TERM);
      for (int i = 1; i < 20; i++) {
        logs.append(true, TERM);
      }
      logs.writeSegments(List.of(4, 9), true);
      Files.delete(logs.path(1));
      IOException e =
          assertThrows(IOException.class, () -> logs.reconcile(snapshot(TERM, 7), () -> {}));
      assertTrue(e.getMessage().contains("has no entry 7"), e.getMessage());
      assertEquals(2, segments(logs).size());
      assertEquals(19, logs.payload.lastIndex());
    }
  }

  @Test
  void when_entries_behind_the_snapshot_are_missing_then_the_node_refuses() throws IOException {
    try (NodeLogs logs = new NodeLogs(dir)) {
      logs.append(false, TERM);
      for (int i = 1; i < 20; i++) {
        logs.append(true, TERM);
      }
      logs.writeSegments(List.of(4, 9), true);
      Files.delete(logs.path(0));
      Files.delete(logs.path(1));
      IOException e =
          assertThrows(IOException.class, () -> logs.reconcile(snapshot(TERM, 3), () -> {}));
      assertTrue(e.getMessage().contains("begins with entry 10"), e.getMessage());
      assertTrue(e.getMessage().contains("of entry 3"), e.getMessage());
      assertFalse(segments(logs).isEmpty());
    }
  }

  @Test
  void when_a_cut_log_has_no_snapshot_at_all_then_the_node_refuses() throws IOException {
    try (NodeLogs logs = new NodeLogs(dir)) {
      for (int i = 0; i < 10; i++) {
        logs.append(i > 0, TERM);
      }
      logs.writeSegments(List.of(4), true);
      SnapshotReconciler start = new SnapshotReconciler(logs.storage, NodeLogs.LIMIT);
      start.reconcile(Optional.empty(), logs.payload); // it is whole
      Files.delete(logs.path(0));
      IOException e =
          assertThrows(IOException.class, () -> start.reconcile(Optional.empty(), logs.payload));
      assertTrue(e.getMessage().contains("begins with entry 5"), e.getMessage());
      assertTrue(e.getMessage().contains("there is no snapshot"), e.getMessage());
    }
  }

  @Test
  void when_headers_of_the_newest_entries_are_lost_then_the_node_refuses() throws IOException {
    for (int lost = 1; lost <= 3; lost++) {
      try (NodeLogs logs = new NodeLogs(dir.resolve("lost" + lost))) {
        for (int i = 0; i < 20; i++) {
          logs.append(i > 0, TERM);
        }
        logs.writeSegments(List.of(4, 9), true);
        for (int i = 3 - lost; i < 3; i++) {
          Files.delete(logs.path(i));
        }
        IOException e =
            assertThrows(IOException.class, () -> logs.reconcile(snapshot(TERM, 12), () -> {}));
        assertTrue(e.getMessage().contains("goes on to entry 19"), e.getMessage());
        assertEquals(19, logs.payload.lastIndex());
      }
    }
  }
}
