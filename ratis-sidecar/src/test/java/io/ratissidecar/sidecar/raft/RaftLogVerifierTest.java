package io.ratissidecar.sidecar.raft;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.ratissidecar.logstore.LogReport.Damage;
import io.ratissidecar.logstore.LogSummary;
import io.ratissidecar.logstore.LogSummary.SegmentSummary;
import io.ratissidecar.snapshot.SnapshotManifest;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import org.apache.ratis.proto.RaftProtos.StateMachineLogEntryProto;
import org.apache.ratis.server.raftlog.LogProtoUtils;
import org.apache.ratis.server.raftlog.segmented.SegmentedRaftLogOutputStream;
import org.apache.ratis.thirdparty.com.google.protobuf.ByteString;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class RaftLogVerifierTest {
  @TempDir Path dir;
  private Path current;

  @BeforeEach
  void write() throws IOException {
    current = Files.createDirectories(dir.resolve("raft").resolve("group").resolve("current"));
    segment("log_1-4", 1, 4);
    segment("log_5-9", 5, 9);
    segment("log_inprogress_10", 10, 12);
  }

  private void segment(String name, long first, long last) throws IOException {
    try (SegmentedRaftLogOutputStream out =
        new SegmentedRaftLogOutputStream(
            current.resolve(name).toFile(),
            false,
            1 << 20,
            0,
            ByteBuffer.allocateDirect(1 << 16))) {
      for (long i = first; i <= last; i++) {
        ByteString data = ByteString.copyFromUtf8("header of " + i);
        out.write(
            LogProtoUtils.toLogEntryProto(
                StateMachineLogEntryProto.newBuilder().setLogData(data).build(), 3, i));
      }
    }
  }

  private static LogSummary payload(long last, long term, OptionalLong truncated) {
    return new LogSummary(
        Optional.empty(), 1, 1, last, term, last, 0, 0, false, truncated, List.of());
  }

  private List<Damage> damages(long last, long term) throws IOException {
    return verify(payload(last, term, OptionalLong.empty()), Optional.empty()).damages();
  }

  private RaftLogVerifier.Result verify(LogSummary payload, Optional<SnapshotManifest> snapshot)
      throws IOException {
    return RaftLogVerifier.verify(dir, payload, snapshot);
  }

  private static Optional<SnapshotManifest> snapshot(long index, long term) {
    return Optional.of(
        new SnapshotManifest("c", term, index, List.of(), Instant.EPOCH, 10, "00", "7.0.15"));
  }

  /** What is left of a payload log that was cut, or begun anew, behind an entry. */
  private static LogSummary cutPayload(long start, long last) {
    SegmentSummary segment =
        new SegmentSummary(Path.of("payload"), 0, 3, start - 1, 0, last, last == 0 ? 0 : 1);
    return new LogSummary(
        Optional.empty(),
        1,
        last == 0 ? 0 : start,
        last,
        last == 0 ? 0 : 3,
        last == 0 ? 0 : last - start + 1,
        0,
        0,
        false,
        OptionalLong.empty(),
        List.of(segment));
  }

  private void assertSound(LogSummary payload, Optional<SnapshotManifest> snapshot)
      throws IOException {
    RaftLogVerifier.Result result = verify(payload, snapshot);
    assertEquals(List.of(), result.damages());
    assertFalse(result.superseded());
  }

  private void change(String name, int at) throws IOException {
    byte[] bytes = Files.readAllBytes(current.resolve(name));
    bytes[at] ^= 1;
    Files.write(current.resolve(name), bytes);
  }

  @Test
  void when_all_is_there_then_it_is_sound() throws IOException {
    assertEquals(List.of(), damages(12, 3));
    // Payload comes first; what has no header yet was never acknowledged.
    assertEquals(List.of(), damages(13, 3));
    assertEquals(Optional.empty(), RaftLogVerifier.firstDamage(dir, Optional.empty()));
  }

  @Test
  void when_segments_are_damaged_then_all_are_named() throws IOException {
    change("log_1-4", 20);
    change("log_5-9", 20);
    List<Damage> damages = damages(12, 3);
    assertEquals(2, damages.size(), damages.toString());
    assertEquals(current.resolve("log_5-9"), damages.get(1).file());
    assertEquals(8, damages.get(1).offset());
    assertEquals(5, damages.get(1).index());
    IOException refusal = RaftLogVerifier.firstDamage(dir, Optional.empty()).orElseThrow();
    assertTrue(refusal.getMessage().contains("log_1-4 at byte 8, index 1"), refusal.getMessage());
  }

  @Test
  void when_the_last_entry_is_torn_then_it_is_no_damage() throws IOException {
    Path open = current.resolve("log_inprogress_10");
    byte[] bytes = Files.readAllBytes(open);
    Arrays.fill(bytes, bytes.length - 9, bytes.length, (byte) 0);
    Files.write(open, bytes);
    RaftLogVerifier.Result result = verify(payload(12, 3, OptionalLong.empty()), Optional.empty());
    assertEquals(List.of(), result.damages());
    assertEquals(12, result.tornEnd().orElseThrow().index());
    assertEquals(11, result.entries());
    assertEquals(Optional.empty(), RaftLogVerifier.firstDamage(dir, Optional.empty()));
  }

  @Test
  void when_a_segment_is_missing_then_the_gap_is_told() throws IOException {
    Files.delete(current.resolve("log_5-9"));
    assertEquals(5, damages(12, 3).get(0).index());
  }

  @Test
  void when_payload_is_missing_then_it_is_damage_unless_a_truncation_was_interrupted()
      throws IOException {
    assertEquals(11, damages(10, 3).get(0).index());
    assertEquals(12, damages(12, 2).get(0).index());
    LogSummary truncated = payload(10, 3, OptionalLong.of(11));
    assertEquals(List.of(), verify(truncated, Optional.empty()).damages());
  }

  @Test
  void when_cut_behind_a_snapshot_then_it_is_sound() throws IOException {
    Files.delete(current.resolve("log_1-4"));
    assertSound(cutPayload(8, 12), snapshot(7, 3));
    // Of whole files, so that either log may go back further than the other.
    assertSound(cutPayload(3, 12), snapshot(7, 3));
    // All payload may be gone whose entries the snapshot holds.
    assertSound(cutPayload(13, 0), snapshot(12, 3));
    assertEquals(
        List.of("Raft's log begins with entry 5, and there is no snapshot that it goes on from"),
        verify(payload(12, 3, OptionalLong.empty()), Optional.empty()).damages().stream()
            .map(Damage::what)
            .toList());
    List<Damage> both = verify(cutPayload(8, 12), snapshot(3, 3)).damages();
    assertEquals(2, both.size(), both.toString());
    assertEquals(
        "Raft's log begins with entry 5, and the newest snapshot is of entry 3: what was between is"
            + " missing",
        both.get(0).what());
    assertEquals(current.resolve("log_5-9"), both.get(0).file());
    assertEquals(4, both.get(1).index());
    assertEquals(Path.of("payload"), both.get(1).file());
  }

  @Test
  void when_payload_behind_the_snapshot_is_missing_then_it_is_damage() throws IOException {
    assertEquals(11, verify(cutPayload(4, 10), snapshot(7, 3)).damages().get(0).index());
  }

  @Test
  void when_a_purge_was_interrupted_then_what_it_left_counts_no_more() throws IOException {
    Files.delete(current.resolve("log_5-9"));
    // What the gap has lost is behind this snapshot.
    assertEquals(5, verify(cutPayload(8, 12), snapshot(7, 3)).damages().get(0).index());
    change("log_1-4", 20);
    RaftLogVerifier.Result result = verify(cutPayload(8, 12), snapshot(10, 3));
    assertEquals(List.of(), result.damages());
    assertEquals(1, result.purged());
    assertEquals(3, result.entries());
    assertEquals(Optional.empty(), RaftLogVerifier.firstDamage(dir, snapshot(10, 3)));
    assertTrue(RaftLogVerifier.firstDamage(dir, snapshot(7, 3)).isPresent());
  }

  @Test
  void when_a_snapshot_has_come_from_another_node_then_the_log_is_dropped_and_no_damage()
      throws IOException {
    // It ends before the snapshot, or is of another history; the payload may be gone already.
    for (LogSummary payload : List.of(payload(12, 3, OptionalLong.empty()), cutPayload(21, 0))) {
      for (var snapshot : List.of(snapshot(20, 3), snapshot(7, 4))) {
        RaftLogVerifier.Result result = verify(payload, snapshot);
        assertEquals(List.of(), result.damages());
        assertTrue(result.superseded());
      }
    }
    change("log_5-9", 20);
    assertEquals(1, verify(cutPayload(21, 0), snapshot(20, 3)).damages().size());
    for (String segment : List.of("log_1-4", "log_5-9", "log_inprogress_10")) {
      Files.delete(current.resolve(segment));
    }
    assertSound(cutPayload(21, 0), snapshot(20, 3));
  }
}
