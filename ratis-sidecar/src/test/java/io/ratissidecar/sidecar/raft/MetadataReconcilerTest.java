package io.ratissidecar.sidecar.raft;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Segment files as Ratis writes them, with a truncation that was interrupted anywhere. */
class MetadataReconcilerTest {
  @TempDir Path dir;

  private static void assertAgree(NodeLogs logs, long truncatedFrom) throws IOException {
    List<NodeLogs.Header> left = logs.left();
    assertTrue(left.size() >= truncatedFrom, "entries before " + truncatedFrom + " are lost");
    long last = 0;
    for (NodeLogs.Header header : left) {
      if (header.hasPayload()) {
        assertEquals(header.term(), logs.payload.read(header.index()).term());
        last = header.index();
      }
    }
    assertEquals(last, logs.payload.lastIndex());
    assertTrue(logs.payload.interruptedTruncation().isEmpty());
  }

  @Test
  void when_a_truncation_is_interrupted_anywhere_then_both_logs_agree_again() throws IOException {
    long seed = Long.getLong("seed", System.nanoTime());
    Random random = new Random(seed);
    for (int run = 0; run < 150; run++) {
      try (NodeLogs logs = new NodeLogs(dir.resolve("run" + run))) {
        randomCase(logs, random);
      } catch (IOException | RuntimeException | AssertionError e) {
        throw new AssertionError("run " + run + " with -Dseed=" + seed, e);
      }
    }
  }

  private void randomCase(NodeLogs logs, Random random) throws IOException {
    int count = 2 + random.nextInt(30);
    long term = 1;
    int share = random.nextInt(100);
    for (int i = 0; i < count; i++) {
      term += random.nextInt(10) == 0 ? 1 : 0;
      logs.append(i > 0 && random.nextInt(100) < share, term);
    }
    List<Integer> ends = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      if (random.nextInt(4) == 0) {
        ends.add(i);
      }
    }
    logs.writeSegments(ends, random.nextBoolean());
    int from = 1 + random.nextInt(count - 1);
    boolean removesPayload = logs.payload.lastIndex() >= from;
    logs.payload.truncateFrom(from);
    for (int i = from; removesPayload && i < from + random.nextInt(4); i++) {
      logs.appendPayload(i, term + 1); // of the new leader; Ratis has not written its headers yet
    }
    logs.truncateMetadata(from, random.nextInt(8));
    if (random.nextInt(3) == 0) {
      logs.tearOpenSegment(random);
    }
    for (int kills = random.nextInt(3); kills > 0; kills--) {
      int[] steps = {random.nextInt(5)};
      try {
        logs.reconcile(
            () -> {
              if (steps[0]-- == 0) {
                throw new NodeLogs.Killed();
              }
            });
      } catch (NodeLogs.Killed e) {
        assertTrue(steps[0] < 0);
      }
    }
    logs.reconcile(() -> {});
    assertAgree(logs, from);
  }

  private NodeLogs eightEntries(String name, List<Integer> ends) throws IOException {
    NodeLogs logs = new NodeLogs(dir.resolve(name));
    for (int i = 0; i < 8; i++) {
      logs.append(i > 0 && i != 6 && i != 7, 1);
    }
    logs.writeSegments(ends, true);
    return logs;
  }

  @Test
  void when_several_headers_of_a_closed_segment_are_to_go_then_it_is_cut_once() throws IOException {
    try (NodeLogs logs = eightEntries("several", List.of(5))) {
      logs.payload.truncateFrom(3);
      logs.reconcile(() -> {});
      assertAgree(logs, 3);
      assertEquals(3, logs.left().size(), "what Ratis wrote for itself behind the cut goes too");
    }
  }

  @Test
  void when_ratis_died_before_it_renamed_what_it_cut_then_the_file_gets_a_name_that_is_true()
      throws IOException {
    try (NodeLogs logs = eightEntries("renamed", List.of(5, 6))) {
      logs.payload.truncateFrom(3);
      logs.truncateMetadata(3, 3);
      assertTrue(Files.exists(logs.current().resolve("log_0-5")));
      logs.reconcile(() -> {});
      assertAgree(logs, 3);
      assertTrue(Files.exists(logs.current().resolve("log_inprogress_0")));
    }
  }

  @Test
  void when_a_closed_segment_lost_acknowledged_entries_then_the_node_refuses() throws IOException {
    try (NodeLogs logs = eightEntries("lost", List.of(5, 7))) {
      logs.truncateMetadata(3, 2);
      assertThrows(IOException.class, () -> logs.reconcile(() -> {}));
    }
  }

  /** Entries 1 to 5 with payload, 6 without, 7 with. */
  private NodeLogs sevenPayloads(String name, List<Integer> ends, boolean open) throws IOException {
    NodeLogs logs = new NodeLogs(dir.resolve(name));
    for (int i = 0; i < 8; i++) {
      logs.append(i > 0 && i != 6, 1);
    }
    logs.writeSegments(ends, open);
    return logs;
  }

  @Test
  void when_a_power_loss_tore_the_last_entry_then_it_is_cut_with_its_payload() throws IOException {
    int from;
    int to;
    try (NodeLogs logs = sevenPayloads("size", List.of(3), true)) {
      from = logs.offsetInNewest(7) + 1;
      to = (int) Files.size(logs.newest());
    }
    for (int end = from; end < to; end++) {
      for (boolean room : new boolean[] {true, false}) {
        try (NodeLogs logs = sevenPayloads("torn" + end + room, List.of(3), true)) {
          int kept = end;
          if (room) {
            logs.change(logs.newest(), 5000, b -> Arrays.fill(b, kept, b.length, (byte) 0));
          } else {
            Files.write(logs.newest(), Arrays.copyOf(Files.readAllBytes(logs.newest()), kept));
          }
          assertThrows(
              NodeLogs.Killed.class,
              () ->
                  logs.reconcile(
                      () -> {
                        throw new NodeLogs.Killed();
                      }));
          logs.reconcile(() -> {});
          assertAgree(logs, 7);
          assertEquals(7, logs.left().size(), "torn at byte " + end);
          assertEquals(5, logs.payload.lastIndex());
        }
      }
    }
  }

  @Test
  void when_the_last_entry_is_whole_but_its_length_damaged_then_the_node_refuses()
      throws IOException {
    for (int bit : new int[] {0x20, 0x40}) {
      try (NodeLogs logs = sevenPayloads("length" + bit, List.of(3), true)) {
        int at = logs.offsetInNewest(7);
        logs.change(logs.newest(), 5000, b -> b[at] |= (byte) bit);
        IOException e = assertThrows(IOException.class, () -> logs.reconcile(() -> {}));
        assertTrue(e.getMessage().startsWith("Raft log damaged"), e.getMessage());
      }
    }
  }

  @Test
  void when_the_torn_entry_is_the_first_of_its_segment_then_the_segment_goes() throws IOException {
    try (NodeLogs logs = sevenPayloads("first", List.of(6), true)) {
      logs.change(logs.newest(), 100, b -> Arrays.fill(b, 12, b.length, (byte) 0));
      logs.reconcile(() -> {});
      assertEquals(5, logs.payload.lastIndex());
      assertEquals(7, logs.left().size());
    }
  }

  @Test
  void when_the_segment_was_being_made_then_nothing_is_damaged() throws IOException {
    for (int length : new int[] {0, 3, 8, 4096}) {
      try (NodeLogs logs = sevenPayloads("made" + length, List.of(7), true)) {
        Files.write(logs.current().resolve("log_inprogress_8"), new byte[length]);
        logs.reconcile(() -> {});
        assertEquals(7, logs.payload.lastIndex());
      }
    }
  }

  /** Refuses, says where and what to do, and changes nothing. */
  private static void assertRefused(NodeLogs logs, Path file, long offset, long index)
      throws IOException {
    byte[] before = Files.readAllBytes(file);
    IOException e = assertThrows(IOException.class, () -> logs.reconcile(() -> {}));
    for (String part :
        List.of(
            file + " at byte " + offset + ", index " + index,
            "Remove this node from the cluster",
            "nothing was changed")) {
      assertTrue(e.getMessage().contains(part), e.getMessage());
    }
    assertArrayEquals(before, Files.readAllBytes(file));
  }

  @Test
  void when_an_entry_before_the_last_is_damaged_then_the_node_refuses() throws IOException {
    for (int byteOfEntry : new int[] {0, 1, 2, 3, 5, 10}) {
      for (int mask : new int[] {1, 0x40, 0x80, 0xff}) {
        try (NodeLogs logs =
            sevenPayloads("damaged" + byteOfEntry + "-" + mask, List.of(3), true)) {
          int offset = logs.offsetInNewest(5);
          logs.change(logs.newest(), 5000, b -> b[offset + byteOfEntry] ^= (byte) mask);
          assertRefused(logs, logs.newest(), offset, 5);
        }
        try (NodeLogs logs = sevenPayloads("short" + byteOfEntry + "-" + mask, List.of(3), true)) {
          int offset = logs.offsetInNewest(5);
          logs.change(logs.newest(), 0, b -> b[offset + byteOfEntry] ^= (byte) mask);
          assertRefused(logs, logs.newest(), offset, 5);
        }
      }
    }
  }

  @Test
  void when_the_last_entry_is_there_to_its_end_but_wrong_then_the_node_refuses()
      throws IOException {
    try (NodeLogs logs = sevenPayloads("whole", List.of(3), true)) {
      int offset = logs.offsetInNewest(7);
      logs.change(logs.newest(), 100, b -> b[offset + 10] ^= 1);
      assertRefused(logs, logs.newest(), offset, 7);
    }
  }

  /** A segment is synced before Ratis closes it. */
  @Test
  void when_the_last_entry_of_a_closed_segment_is_torn_then_the_node_refuses() throws IOException {
    try (NodeLogs logs = sevenPayloads("closed", List.of(3), false)) {
      int offset = logs.offsetInNewest(7);
      logs.change(logs.newest(), 0, b -> Arrays.fill(b, offset + 9, b.length, (byte) 0));
      assertRefused(logs, logs.newest(), offset, 7);
    }
  }

  @Test
  void when_payload_is_missing_without_a_truncation_then_nothing_is_changed() throws IOException {
    try (NodeLogs logs = new NodeLogs(dir.resolve("missing"))) {
      for (int i = 0; i < 5; i++) {
        logs.append(i > 0 && i < 3, 1);
      }
      logs.headers.set(4, new NodeLogs.Header(4, 1, true));
      logs.writeSegments(List.of(2), true);
      IOException e = assertThrows(IOException.class, () -> logs.reconcile(() -> {}));
      assertTrue(e.getMessage().contains("payload of entry 4"), e.getMessage());
      assertEquals(5, logs.left().size());
    }
  }
}
