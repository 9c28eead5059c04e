package io.ratissidecar.sidecar.raft;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.ratissidecar.logstore.LogReport.Damage;
import io.ratissidecar.logstore.LogSummary;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
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
    return RaftLogVerifier.verify(dir, payload(last, term, OptionalLong.empty())).damages();
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
    assertEquals(Optional.empty(), RaftLogVerifier.firstDamage(dir));
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
    IOException refusal = RaftLogVerifier.firstDamage(dir).orElseThrow();
    assertTrue(refusal.getMessage().contains("log_1-4 at byte 8, index 1"), refusal.getMessage());
  }

  @Test
  void when_the_last_entry_is_torn_then_it_is_no_damage() throws IOException {
    Path open = current.resolve("log_inprogress_10");
    byte[] bytes = Files.readAllBytes(open);
    Arrays.fill(bytes, bytes.length - 9, bytes.length, (byte) 0);
    Files.write(open, bytes);
    RaftLogVerifier.Result result =
        RaftLogVerifier.verify(dir, payload(12, 3, OptionalLong.empty()));
    assertEquals(List.of(), result.damages());
    assertEquals(12, result.tornEnd().orElseThrow().index());
    assertEquals(11, result.entries());
    assertEquals(Optional.empty(), RaftLogVerifier.firstDamage(dir));
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
    assertEquals(List.of(), RaftLogVerifier.verify(dir, truncated).damages());
  }
}
