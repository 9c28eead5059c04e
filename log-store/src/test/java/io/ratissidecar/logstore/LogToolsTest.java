package io.ratissidecar.logstore;

import static io.ratissidecar.logstore.Fixtures.ID;
import static io.ratissidecar.logstore.Fixtures.bytesOfSegments;
import static io.ratissidecar.logstore.Fixtures.entry;
import static io.ratissidecar.logstore.Fixtures.fill;
import static io.ratissidecar.logstore.Fixtures.open;
import static io.ratissidecar.logstore.Fixtures.segments;
import static io.ratissidecar.logstore.Fixtures.set;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.ratissidecar.statemachine.entry.Entry;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The read-only tools. */
class LogToolsTest {
  @TempDir Path parent;

  private Path dir(int entries, boolean clean) throws IOException {
    Path dir = Files.createDirectory(parent.resolve("log"));
    fill(dir, entries, clean);
    return dir;
  }

  @Test
  void when_sound_then_the_summary_says_what_is_there() throws IOException {
    Path dir = dir(40, true);
    LogReport report = LogVerifier.verify(dir);
    assertTrue(report.sound());
    assertEquals(Optional.empty(), report.tornTail());
    LogSummary summary = report.summary();
    assertEquals(Optional.of(ID), summary.identity());
    assertEquals(1, summary.formatVersion());
    assertEquals(1, summary.firstIndex());
    assertEquals(40, summary.lastIndex());
    assertEquals(1, summary.lastTerm());
    assertEquals(40, summary.entryCount());
    assertTrue(summary.closedCleanly());
    assertEquals(OptionalLong.empty(), summary.interruptedTruncation());
    long payload = 0;
    for (int i = 1; i <= 40; i++) {
      payload += set("key" + i, "v".repeat(40)).length();
    }
    assertEquals(payload, summary.payloadBytes());
    assertEquals(segments(dir).size(), summary.segments().size());
    assertEquals(
        40, summary.segments().stream().mapToLong(LogSummary.SegmentSummary::entryCount).sum());
    for (Path file : segments(dir)) {
      assertTrue(summary.segments().stream().anyMatch(s -> s.file().equals(file)));
    }
  }

  @Test
  void when_nothing_is_there_then_the_summary_is_empty() throws IOException {
    LogReport report = LogVerifier.verify(parent);
    assertTrue(report.sound());
    assertEquals(0, report.summary().entryCount());
    assertEquals(Optional.empty(), report.summary().identity());
    try (LogDump dump = LogDump.open(parent, 0, Long.MAX_VALUE)) {
      assertNull(dump.next());
    }
  }

  @Test
  void when_damaged_in_several_places_then_all_are_listed_and_nothing_changes() throws IOException {
    Path dir = dir(40, false);
    List<Path> files = segments(dir);
    for (int segment : new int[] {0, 2}) {
      for (int at : new int[] {700, 1200}) {
        byte[] bytes = Files.readAllBytes(files.get(segment));
        bytes[at] ^= 1;
        Files.write(files.get(segment), bytes);
      }
    }
    Files.delete(files.get(4));
    Map<String, byte[]> before = bytesOfSegments(dir);
    LogReport report = LogVerifier.verify(dir);
    assertFalse(report.sound());
    assertEquals(5, report.damages().size(), report.damages().toString());
    assertEquals(
        List.of(files.get(0), files.get(0), files.get(2), files.get(2), files.get(5)),
        report.damages().stream().map(LogReport.Damage::file).toList());
    assertEquals(512, report.damages().get(0).offset());
    assertEquals(1, report.damages().get(0).index());
    bytesOfSegments(dir).forEach((name, bytes) -> assertArrayEquals(before.get(name), bytes));
  }

  @Test
  void when_dumped_then_entries_come_in_order_from_any_index() throws IOException {
    Path dir = dir(40, false);
    for (long from : new long[] {0, 1, 7, 8, 20, 40, 41}) {
      try (LogDump dump = LogDump.open(dir, from, 38)) {
        for (long i = Math.max(1, from); i <= 38; i++) {
          assertEquals(entry(1, i, set("key" + i, "v".repeat(40))), dump.next());
        }
        assertNull(dump.next());
      }
    }
  }

  @Test
  void when_dumped_as_aof_then_the_payloads_are_joined() throws IOException {
    Path dir = dir(20, true);
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    assertEquals(2, LogDump.writePayloads(dir, 19, Long.MAX_VALUE, out));
    assertEquals(set("key19", "v".repeat(40)) + set("key20", "v".repeat(40)), out.toString(UTF_8));
  }

  @Test
  void when_damaged_then_the_dump_stops_there_by_name() throws IOException {
    Path dir = dir(40, false);
    Path first = segments(dir).get(0);
    byte[] bytes = Files.readAllBytes(first);
    bytes[bytes.length - 20] ^= 1;
    Files.write(first, bytes);
    LogDamagedException e =
        assertThrows(
            LogDamagedException.class,
            () -> LogDump.writePayloads(dir, 0, Long.MAX_VALUE, new ByteArrayOutputStream()));
    assertEquals(first, e.file());
  }

  @Test
  void when_described_then_a_reader_understands_it() {
    Entry e = entry(2, 42, set("k\n\"", "\u00e9") + "*1\r\n$4\r\nPING\r\n" + "junk");
    assertEquals(
        "index 42 term 2 type COMMANDS time 2023-11-14T22:13:20.042Z seed ffffffffffffffd5"
            + " payload "
            + e.header().payloadLength()
            + " bytes",
        LogDump.describe(e));
    String set = set("k\n\"", "xx").replace("xx", "\u00e9"); // two bytes of UTF-8
    assertEquals(
        List.of("SET \"k\\n\\\"\" \"\\xc3\\xa9\"", "PING", "(not a command) \"junk\""),
        LogDump.commands(entry(2, 42, set + "*1\r\n$4\r\nPING\r\n" + "junk")));
  }

  @Test
  void when_a_truncation_was_interrupted_then_the_summary_says_so() throws IOException {
    Path dir = dir(20, true);
    try (PayloadLog log = open(dir)) {
      log.truncateFrom(9);
    }
    LogSummary summary = LogVerifier.verify(dir).summary();
    assertEquals(OptionalLong.of(9), summary.interruptedTruncation());
    assertEquals(8, summary.lastIndex());
  }
}
