package io.ratissidecar.logstore;

import static io.ratissidecar.logstore.Fixtures.ID;
import static io.ratissidecar.logstore.Fixtures.SMALL;
import static io.ratissidecar.logstore.Fixtures.bytesOfSegments;
import static io.ratissidecar.logstore.Fixtures.entry;
import static io.ratissidecar.logstore.Fixtures.fill;
import static io.ratissidecar.logstore.Fixtures.indexes;
import static io.ratissidecar.logstore.Fixtures.open;
import static io.ratissidecar.logstore.Fixtures.segments;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Durable entries that are damaged or missing stop the start, and nothing is changed. */
class LogDamageTest {
  @TempDir(factory = MemoryDir.class)
  Path parent;

  private Path crashed(int entries) throws IOException {
    Path dir = Files.createDirectory(parent.resolve("log"));
    fill(dir, entries, false);
    return dir;
  }

  private static void refused(Path dir, Path file, long offset, long index) throws IOException {
    Map<String, byte[]> before = bytesOfSegments(dir);
    LogDamagedException e = assertThrows(LogDamagedException.class, () -> open(dir));
    assertEquals(file, e.file());
    assertEquals(offset, e.offset(), e.getMessage());
    assertEquals(index, e.index(), e.getMessage());
    for (String part :
        List.of(file.toString(), "at byte " + offset, "index " + index, "rejoin", "backup")) {
      assertTrue(e.getMessage().contains(part), e.getMessage());
    }
    Map<String, byte[]> after = bytesOfSegments(dir);
    assertEquals(before.keySet(), after.keySet());
    before.forEach((name, bytes) -> assertArrayEquals(bytes, after.get(name), name));
    assertFalse(LogVerifier.verify(dir).sound());
  }

  /** Offset of the n-th record, from 0, of a segment. */
  private static long offset(Path segment, int n) throws IOException {
    RecordScanner scanner =
        new RecordScanner(
            new LocalDisk().file(segment),
            SegmentHeader.BYTES,
            Files.size(segment),
            java.nio.ByteBuffer.allocate(4096));
    for (int i = 0; i <= n; i++) {
      assertTrue(scanner.next());
    }
    return scanner.offset();
  }

  private static void flip(Path file, long offset) throws IOException {
    byte[] bytes = Files.readAllBytes(file);
    bytes[(int) offset] ^= 0x10;
    Files.write(file, bytes);
  }

  @Test
  void when_a_record_before_flushed_ones_is_damaged_then_refused() throws IOException {
    Path dir = crashed(20);
    Path last = segments(dir).get(segments(dir).size() - 1);
    long index = Segment.nameOf(last) + 1;
    long at = offset(last, 1);
    flip(last, at + 180);
    refused(dir, last, at, index);
  }

  @Test
  void when_a_record_of_an_older_segment_is_damaged_then_refused() throws IOException {
    Path dir = crashed(30);
    Path first = segments(dir).get(0);
    int records = (int) Segment.nameOf(segments(dir).get(1)) - 1;
    long at = offset(first, records - 1);
    flip(first, at + 30);
    refused(dir, first, at, records);
  }

  @Test
  void when_an_older_segment_is_cut_then_refused() throws IOException {
    Path dir = crashed(30);
    Path first = segments(dir).get(0);
    long records = Segment.nameOf(segments(dir).get(1)) - 1;
    long at = offset(first, (int) records - 1);
    Files.write(first, Arrays.copyOf(Files.readAllBytes(first), (int) at));
    refused(dir, segments(dir).get(1), 0, records);
  }

  @Test
  void when_a_segment_is_missing_then_refused() throws IOException {
    Path dir = crashed(40);
    List<Path> files = segments(dir);
    Files.delete(files.get(2));
    refused(dir, files.get(3), 0, Segment.nameOf(files.get(2)));
  }

  @Test
  void when_a_header_is_damaged_then_refused() throws IOException {
    Path dir = crashed(40);
    for (Path file : List.of(segments(dir).get(1), segments(dir).get(segments(dir).size() - 1))) {
      flip(file, 150);
      refused(dir, file, 0, Segment.nameOf(file));
      flip(file, 150);
    }
    open(dir).close();
  }

  @Test
  void when_a_cleanly_closed_segment_is_shorter_or_gone_then_refused() throws IOException {
    Path dir = Files.createDirectory(parent.resolve("log"));
    fill(dir, 40, true);
    Path last = segments(dir).get(segments(dir).size() - 1);
    byte[] bytes = Files.readAllBytes(last);
    Files.write(last, Arrays.copyOf(bytes, bytes.length - 1));
    refused(dir, last, bytes.length - 1, Segment.nameOf(last));
    Files.delete(last);
    refused(dir, last, 0, Segment.nameOf(last));
  }

  @Test
  void when_the_caller_knows_that_it_was_durable_then_a_broken_tail_is_refused()
      throws IOException {
    Path dir = crashed(20);
    Path last = segments(dir).get(segments(dir).size() - 1);
    long at = offset(last, (int) (20 - Segment.nameOf(last)));
    flip(last, at + 200);
    Map<String, byte[]> before = bytesOfSegments(dir);
    LogDamagedException e =
        assertThrows(LogDamagedException.class, () -> PayloadLog.open(dir, ID, SMALL, 20));
    assertEquals(20, e.index());
    assertArrayEquals(before.get(last.getFileName().toString()), Files.readAllBytes(last));
    try (PayloadLog log = PayloadLog.open(dir, ID, SMALL, 19)) {
      assertEquals(19, log.lastIndex());
    }
  }

  @Test
  void when_unflushed_records_reached_the_disk_out_of_order_then_they_are_a_torn_tail()
      throws IOException {
    Path live = parent.resolve("live");
    Path dir = parent.resolve("log");
    try (PayloadLog log = PayloadLog.open(live, ID, LogOptions.defaults())) {
      log.append(entry(1, 1, "x"));
      log.flush();
      for (int i = 2; i <= 9; i++) {
        log.append(entry(1, i, "unflushed"));
      }
      Fixtures.copy(live, dir);
    }
    flip(segments(dir).get(0), offset(segments(dir).get(0), 4) + 60);
    assertTrue(LogVerifier.verify(dir).sound());
    assertTrue(LogVerifier.verify(dir).tornTail().isPresent());
    try (PayloadLog log = open(dir)) {
      assertEquals(List.of(1L, 2L, 3L, 4L), indexes(log));
      log.append(entry(1, 5, "again"));
    }
  }

  @Test
  void when_the_last_record_is_torn_at_any_byte_then_it_is_cut() throws IOException {
    Path made = Files.createDirectory(parent.resolve("made"));
    fill(made, 3, false);
    Path last = segments(made).get(0);
    long at = offset(last, 2);
    int length = (int) (offset(last, 1) - offset(last, 0));
    byte[] bytes = Files.readAllBytes(last);
    for (int kept = 0; kept < length; kept++) {
      for (boolean zeros : new boolean[] {false, true}) {
        byte[] torn = Arrays.copyOf(bytes, (int) at + kept);
        torn = zeros ? Arrays.copyOf(torn, torn.length + 700) : torn;
        // Cut through the scan rather than a whole open, which would take a RocksDB each.
        Path file = parent.resolve(last.getFileName());
        Files.write(file, torn);
        SegmentScan scan =
            SegmentScan.run(
                file,
                new LocalDisk().file(file),
                SegmentHeader.BYTES,
                torn.length,
                0,
                0,
                java.nio.ByteBuffer.allocate(4096),
                r -> {});
        assertEquals(2, scan.lastIndex());
        assertEquals(at, scan.end());
        assertEquals(kept == 0, scan.broken() == null);
        if (kept % 29 == 0) {
          opensWithTwo(Files.createDirectory(parent.resolve(kept + "-" + zeros)), torn);
        }
      }
    }
  }

  private static void opensWithTwo(Path dir, byte[] torn) throws IOException {
    Files.write(Segment.pathOf(dir, 1), torn);
    try (PayloadLog log = open(dir)) {
      assertEquals(List.of(1L, 2L), indexes(log));
      log.append(entry(1, 3, "again"));
    }
    try (PayloadLog log = open(dir)) {
      assertEquals(List.of(1L, 2L, 3L), indexes(log));
    }
  }

  @Test
  void when_the_creation_of_a_segment_was_interrupted_then_it_is_removed() throws IOException {
    Path dir = crashed(40);
    byte[] header = new SegmentHeader(ID, 1, 40).toBytes();
    List<byte[]> starts = new ArrayList<>();
    LongStream.of(0, 1, 50, 511).forEach(n -> starts.add(Arrays.copyOf(header, (int) n)));
    starts.add(new byte[512]);
    starts.add(Arrays.copyOf(Arrays.copyOf(header, 300), 2000));
    for (byte[] start : starts) {
      Path file = Segment.pathOf(dir, 41);
      Files.write(file, start);
      assertTrue(LogVerifier.verify(dir).tornTail().isPresent());
      Files.deleteIfExists(dir.resolve("clean"));
      try (PayloadLog log = open(dir)) {
        assertEquals(40, log.lastIndex());
        assertFalse(Files.exists(file));
      }
    }
  }

  @Test
  void when_payload_bytes_look_like_a_record_then_they_are_not_taken_for_one() throws IOException {
    Path dir = Files.createDirectory(parent.resolve("log"));
    java.nio.ByteBuffer forged = java.nio.ByteBuffer.allocate(400);
    RecordCodec.encode(entry(9, 99, "forged"), 98, 4000, forged);
    byte[] payload = Arrays.copyOf(forged.array(), forged.position());
    try (PayloadLog log = open(dir)) {
      log.append(entry(1, 1, "x"));
      log.append(entry(1, 2, payload));
    }
    Files.delete(dir.resolve("clean"));
    flip(segments(dir).get(0), offset(segments(dir).get(0), 1) + 30);
    try (PayloadLog log = open(dir)) {
      assertEquals(List.of(1L), indexes(log));
    }
  }
}
