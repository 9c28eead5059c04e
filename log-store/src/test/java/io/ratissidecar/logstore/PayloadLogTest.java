package io.ratissidecar.logstore;

import static io.ratissidecar.logstore.Fixtures.ID;
import static io.ratissidecar.logstore.Fixtures.SMALL;
import static io.ratissidecar.logstore.Fixtures.entry;
import static io.ratissidecar.logstore.Fixtures.fill;
import static io.ratissidecar.logstore.Fixtures.indexes;
import static io.ratissidecar.logstore.Fixtures.open;
import static io.ratissidecar.logstore.Fixtures.segments;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.ratissidecar.statemachine.entry.Entry;
import io.ratissidecar.statemachine.entry.EntryHeader;
import io.ratissidecar.statemachine.entry.EntryType;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.OptionalLong;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class PayloadLogTest {
  @TempDir Path dir;

  @Test
  void when_empty_then_everything_is_zero() throws IOException {
    try (PayloadLog log = open(dir)) {
      assertEquals(0, log.firstIndex());
      assertEquals(0, log.lastIndex());
      assertEquals(0, log.lastTerm());
      assertEquals(0, log.entryCount());
      assertNull(log.read(1));
      assertEquals(List.of(), log.readRange(0, 100, 100));
      log.flush();
      log.truncateFrom(1);
      log.dropPrefix(10);
    }
  }

  @Test
  void when_appended_then_readable_at_once_from_memory_or_disk() throws IOException {
    for (LogOptions options : List.of(SMALL, LogOptions.defaults())) {
      try (PayloadLog log = PayloadLog.open(dir.resolve("" + options), ID, options)) {
        for (int i = 3; i < 300; i += 3) {
          Entry e = entry(i / 30, i, "payload " + i);
          log.append(e);
          assertEquals(e, log.read(i));
          assertNull(log.read(i - 1));
          assertNull(log.read(i + 1));
        }
        assertEquals(3, log.firstIndex());
        assertEquals(297, log.lastIndex());
        assertEquals(9, log.lastTerm());
        assertEquals(99, log.entryCount());
        assertEquals(entry(0, 3, "payload 3"), log.read(3));
      }
    }
  }

  @Test
  void when_a_power_loss_left_an_empty_segment_then_entries_before_its_name_can_follow()
      throws IOException {
    long newest = 0;
    try (PayloadLog log = open(dir)) {
      while (segments(dir).size() < 3) {
        newest += 5; // Ratis's own entries lie between
        log.append(entry(1, newest, "x".repeat(100)));
      }
    }
    // Nothing in the newest segment was flushed.
    Path empty = segments(dir).get(segments(dir).size() - 1);
    Files.delete(dir.resolve("clean"));
    try (FileChannel channel = FileChannel.open(empty, StandardOpenOption.WRITE)) {
      channel.truncate(SegmentHeader.BYTES);
    }
    long last;
    try (PayloadLog log = open(dir)) {
      assertEquals(newest - 5, log.lastIndex());
      last = log.lastIndex();
      for (int i = 0; i < 100; i++) {
        log.append(entry(2, ++last, "y".repeat(2000)));
      }
    }
    try (PayloadLog log = open(dir)) {
      assertEquals(last, log.lastIndex());
      assertEquals(entry(2, newest, "y".repeat(2000)), log.read(newest));
    }
    assertTrue(LogVerifier.verify(dir).sound());
  }

  @Test
  void when_recent_then_the_same_object_and_bounded() throws IOException {
    try (PayloadLog log = PayloadLog.open(dir, ID, new LogOptions(1 << 20, 10 * (100 + 256), 0))) {
      for (int i = 1; i <= 50; i++) {
        Entry e = entry(1, i, new byte[100]);
        log.append(e);
        assertSame(e, log.recent(i));
        assertSame(e, log.read(i));
      }
      assertNull(log.recent(40));
      assertNotNull(log.recent(41));
      assertNotNull(log.read(40));
    }
  }

  /** Else a log of tiny entries would take many times the memory that it may. */
  @Test
  void when_entries_are_tiny_then_what_each_takes_besides_counts() throws IOException {
    try (PayloadLog log = PayloadLog.open(dir, ID, new LogOptions(1 << 20, 100_000, 0))) {
      for (int i = 1; i <= 1000; i++) {
        log.append(entry(1, i, new byte[1]));
      }
      assertEquals(100_000 / (1 + 256), log.statistics().recentEntries());
    }
  }

  @Test
  void when_asked_for_figures_then_syncs_and_recent_entries_are_counted() throws IOException {
    try (PayloadLog log = PayloadLog.open(dir, ID, new LogOptions(1 << 20, 10 * (100 + 256), 0))) {
      assertEquals(new LogStatistics(0, 0, 0, 0, 0), log.statistics());
      for (int i = 1; i <= 20; i++) {
        log.append(entry(1, i, new byte[100]));
      }
      log.flush();
      log.flush(); // nothing to sync
      LogStatistics statistics = log.statistics();
      assertEquals(10, statistics.recentEntries());
      assertEquals(10 * (100 + 256), statistics.recentBytes());
      assertEquals(1, statistics.syncs());
      assertEquals(statistics.longestSyncMicros(), statistics.averageSyncMicros());
    }
  }

  @Test
  void when_range_then_at_least_one_and_at_most_the_bytes() throws IOException {
    for (long recent : new long[] {0, 5 * (100 + 256) + 50, 1 << 20}) {
      Path at = dir.resolve("" + recent);
      try (PayloadLog log = PayloadLog.open(at, ID, new LogOptions(2048, recent, 0))) {
        for (int i = 10; i <= 400; i += 10) {
          log.append(entry(1, i, new byte[100]));
        }
        assertEquals(List.of(20L), ids(log.readRange(11, 400, 0)));
        assertEquals(List.of(20L), ids(log.readRange(20, 400, 199)));
        assertEquals(List.of(20L, 30L), ids(log.readRange(20, 400, 200)));
        assertEquals(List.of(380L, 390L, 400L), ids(log.readRange(371, 1000, 5000)));
        assertEquals(List.of(), ids(log.readRange(371, 379, 5000)));
        assertEquals(List.of(), ids(log.readRange(401, 500, 5000)));
        assertEquals(40, log.readRange(0, Long.MAX_VALUE, Integer.MAX_VALUE).size());
      }
    }
  }

  @Test
  void when_the_entry_does_not_follow_then_refused_and_nothing_happens() throws IOException {
    try (PayloadLog log = open(dir)) {
      log.append(entry(5, 10, "x"));
      assertThrows(IllegalArgumentException.class, () -> log.append(entry(5, 10, "x")));
      assertThrows(IllegalArgumentException.class, () -> log.append(entry(5, 9, "x")));
      assertThrows(IllegalArgumentException.class, () -> log.append(entry(4, 11, "x")));
      EntryHeader other =
          EntryHeader.of(EntryType.COMMANDS, 1, 1, ByteBuffer.wrap(new byte[] {1, 2}));
      Entry lying = new Entry(5, 11, other, ByteBuffer.wrap(new byte[] {1, 3}));
      assertThrows(IllegalArgumentException.class, () -> log.append(lying));
      log.append(entry(5, 11, "y"));
      assertEquals(List.of(10L, 11L), indexes(log));
    }
  }

  @Test
  void when_closed_and_opened_then_everything_is_there() throws IOException {
    fill(dir, 100, true);
    for (int round = 0; round < 3; round++) {
      try (PayloadLog log = open(dir)) {
        assertEquals(100, log.lastIndex() - round);
        assertEquals(100 + round, log.flushedIndex());
        assertEquals(100 + round, log.entryCount());
        assertEquals(17, log.read(17).index());
        log.append(entry(1, 101 + round, "more"));
      }
    }
  }

  @Test
  void when_closed_then_calls_fail_and_nothing_crashes() throws IOException {
    PayloadLog log = open(dir);
    log.append(entry(1, 1, "x"));
    log.close();
    log.close();
    assertThrows(IOException.class, () -> log.read(1));
    assertThrows(IOException.class, () -> log.readRange(1, 1, 1));
    assertThrows(IOException.class, () -> log.append(entry(1, 2, "x")));
    assertThrows(IOException.class, log::flush);
  }

  @Test
  void when_open_elsewhere_then_refused() throws IOException {
    try (PayloadLog log = open(dir)) {
      assertTrue(assertThrows(IOException.class, () -> open(dir)).getMessage().contains("in use"));
      log.append(entry(1, 1, "x"));
    }
    open(dir).close();
  }

  @Test
  void when_truncated_then_shorter_and_reported_until_done() throws IOException {
    fill(dir, 60, true);
    try (PayloadLog log = open(dir)) {
      int before = segments(dir).size();
      log.truncateFrom(20);
      assertTrue(segments(dir).size() < before);
      assertEquals(19, log.lastIndex());
      assertEquals(19, log.entryCount());
      assertEquals(19, log.flushedIndex());
      assertNull(log.read(20));
      log.append(entry(2, 25, "new"));
      log.truncateFrom(24);
      assertEquals(OptionalLong.of(20), log.interruptedTruncation());
      log.append(entry(3, 26, "newer"));
    }
    try (PayloadLog log = open(dir)) {
      assertEquals(26, log.lastIndex());
      assertEquals(OptionalLong.of(20), log.interruptedTruncation());
      log.truncateDone();
      assertEquals(OptionalLong.empty(), log.interruptedTruncation());
    }
    try (PayloadLog log = open(dir)) {
      assertEquals(OptionalLong.empty(), log.interruptedTruncation());
    }
  }

  @Test
  void when_a_second_truncation_began_then_the_first_ones_end_does_not_end_it() throws IOException {
    fill(dir, 30, true);
    try (PayloadLog log = open(dir)) {
      log.truncateFrom(20);
      long first = log.truncations();
      log.append(entry(2, 20, "x"));
      log.truncateFrom(20);
      log.truncateDone(first);
      assertEquals(OptionalLong.of(20), log.interruptedTruncation());
      log.truncateDone(log.truncations());
      assertEquals(OptionalLong.empty(), log.interruptedTruncation());
    }
  }

  @Test
  void when_everything_is_truncated_then_it_goes_on_behind_what_was_before() throws IOException {
    try (PayloadLog log = open(dir)) {
      log.reset(3, 100);
      log.append(entry(3, 105, "x"));
      log.truncateFrom(1);
      assertEquals(0, log.lastIndex());
      assertThrows(IllegalArgumentException.class, () -> log.append(entry(3, 100, "x")));
      log.append(entry(3, 101, "y"));
      assertEquals(List.of(101L), indexes(log));
    }
  }

  @Test
  void when_prefix_is_dropped_then_only_whole_segments_go() throws IOException {
    fill(dir, 60, true);
    try (PayloadLog log = open(dir)) {
      log.dropPrefix(30);
      long first = log.firstIndex();
      assertTrue(first > 15 && first <= 30, "" + first);
      assertEquals(61 - first, log.entryCount());
      assertNull(log.read(first - 1));
      log.dropPrefix(Long.MAX_VALUE);
      assertEquals(60, log.lastIndex());
      assertEquals(1, segments(dir).size());
    }
    try (PayloadLog log = open(dir)) {
      assertEquals(60, log.lastIndex());
    }
  }

  @Test
  void when_asked_how_much_there_is_then_segments_and_entries_count() throws IOException {
    try (PayloadLog log = open(dir)) {
      assertEquals(1, log.startIndex());
      assertEquals(0, log.tailIndex());
      assertEquals(0, log.bytesAfter(0));
      assertEquals(1, log.startOfNewest(1 << 30));
    }
    fill(dir, 60, true);
    try (PayloadLog log = open(dir)) {
      int count = segments(dir).size();
      long records = log.sizeBytes() - (long) count * SegmentHeader.BYTES;
      assertEquals(records, log.bytesAfter(0));
      assertEquals(0, log.bytesAfter(60));
      assertTrue(log.bytesAfter(59) > 0);
      long before = records;
      for (int i = 1; i <= 60; i++) {
        long after = log.bytesAfter(i);
        assertTrue(after < before, "entry " + i);
        before = after;
      }
      assertEquals(1, log.startOfNewest(log.sizeBytes()));
      long newest = log.startOfNewest(0);
      assertEquals(60 - entriesOfNewestSegment() + 1, newest);
      log.dropPrefix(newest);
      assertEquals(newest, log.startIndex());
      assertEquals(newest, log.firstIndex());
      assertEquals(60, log.tailIndex());
    }
  }

  private long entriesOfNewestSegment() throws IOException {
    List<Path> all = segments(dir);
    return 61 - Segment.nameOf(all.get(all.size() - 1));
  }

  @Test
  void when_reset_then_empty_and_goes_on_behind_the_snapshot() throws IOException {
    fill(dir, 60, true);
    try (PayloadLog log = open(dir)) {
      log.reset(9, 1000);
      assertEquals(0, log.firstIndex());
      assertEquals(0, log.lastIndex());
      assertEquals(0, log.lastTerm());
      assertEquals(1000, log.tailIndex());
      assertEquals(1001, log.startIndex());
      assertNull(log.read(5));
      assertThrows(IllegalArgumentException.class, () -> log.append(entry(9, 1000, "x")));
      assertThrows(IllegalArgumentException.class, () -> log.append(entry(8, 1001, "x")));
      log.append(entry(9, 1002, "x"));
    }
    try (PayloadLog log = open(dir)) {
      assertEquals(List.of(1002L), indexes(log));
    }
  }

  @Test
  void when_an_entry_is_larger_than_a_segment_then_it_gets_its_own() throws IOException {
    byte[] large = new byte[3 << 20];
    try (PayloadLog log = open(dir)) {
      log.append(entry(1, 1, "small"));
      log.append(entry(1, 2, large));
      log.append(entry(1, 3, "small"));
      assertEquals(3, segments(dir).size());
      assertEquals(entry(1, 2, large), log.read(2));
      assertEquals(3, log.readRange(1, 3, Integer.MAX_VALUE).size());
    }
    Files.delete(dir.resolve("clean"));
    try (PayloadLog log = open(dir)) {
      assertEquals(entry(1, 2, large), log.read(2));
      assertEquals(3, log.lastIndex());
    }
  }

  @Test
  void when_a_thread_was_interrupted_then_the_log_goes_on() throws IOException {
    try (PayloadLog log = open(dir)) {
      Thread.currentThread().interrupt();
      log.append(entry(1, 1, "x"));
      log.flush();
      assertEquals(entry(1, 1, "x"), log.read(1));
      assertTrue(Thread.interrupted());
      log.append(entry(1, 2, "x"));
      log.flush();
    }
  }

  @Test
  void when_a_reader_is_interrupted_all_the_time_then_it_and_the_others_read_on() throws Exception {
    AtomicBoolean done = new AtomicBoolean();
    ExecutorService threads = Executors.newSingleThreadExecutor();
    try (PayloadLog log = open(dir)) {
      for (int i = 1; i <= 100; i++) {
        log.append(entry(1, i, "x".repeat(i)));
      }
      Thread reader = Thread.currentThread();
      Future<?> interrupter =
          threads.submit(
              () -> {
                while (!done.get()) {
                  reader.interrupt();
                }
              });
      for (int i = 0; i < 20_000; i++) {
        int index = i % 100 + 1;
        assertEquals(entry(1, index, "x".repeat(index)), log.read(index));
      }
      assertEquals(100, log.readRange(1, 100, 1 << 20).size());
      done.set(true);
      while (!interrupter.isDone()) {
        Thread.onSpinWait();
      }
      assertTrue(Thread.interrupted());
    } finally {
      done.set(true);
      threads.shutdownNow();
    }
  }

  @Test
  void when_the_index_is_of_an_earlier_close_then_it_is_rebuilt() throws IOException {
    fill(dir, 60, true);
    Path index = dir.resolve("index");
    Path old = dir.resolve("old");
    Fixtures.copy(index, old);
    try (PayloadLog log = open(dir)) {
      log.truncateFrom(10);
      log.truncateDone();
      for (int i = 10; i <= 70; i++) {
        log.append(entry(2, i, "longer or shorter " + "x".repeat(i)));
      }
    }
    Files.move(index, dir.resolve("newer"));
    Files.move(old, index);
    try (PayloadLog log = open(dir)) {
      assertEquals(70, log.entryCount());
      for (int i = 10; i <= 70; i++) {
        assertEquals(2, log.read(i).term());
      }
    }
  }

  @Test
  void when_the_index_is_no_index_then_it_is_rebuilt() throws IOException {
    fill(dir, 60, true);
    Files.move(dir.resolve("index"), dir.resolve("gone"));
    Files.writeString(dir.resolve("index"), "not a directory");
    try (PayloadLog log = open(dir)) {
      assertEquals(60, log.read(60).index());
    }
  }

  private static List<Long> ids(List<Entry> entries) {
    return entries.stream().map(Entry::index).toList();
  }
}
