package io.ratissidecar.logstore;

import static io.ratissidecar.logstore.Fixtures.ID;
import static io.ratissidecar.logstore.Fixtures.entry;
import static io.ratissidecar.logstore.Fixtures.indexes;
import static io.ratissidecar.logstore.Fixtures.open;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * I/O errors stop the log for good, and a crash or a power loss at any step leaves something that
 * opens.
 */
class DiskFaultTest {
  private static final LogOptions PLAIN = new LogOptions(2048, 0, 0);

  private static final long SEED = Fixtures.seed();
  private static final int POWER_LOSSES = 2;

  @TempDir(factory = MemoryDir.class)
  Path parent;

  private final Random random = new Random(SEED);
  private int made;

  /** Work on a log, with what it has promised so far. */
  private static final class Work {
    private PayloadLog log;
    private final List<Long> present = new ArrayList<>();
    private long flushed;

    void append(long from, long to) throws IOException {
      for (long i = from; i <= to; i++) {
        log.append(entry(1, i, "value".repeat(20)));
        present.add(i);
      }
    }

    void flush() throws IOException {
      log.flush();
      flushed = present.isEmpty() ? 0 : present.get(present.size() - 1);
    }
  }

  private interface Steps {
    void run(Work work) throws IOException;
  }

  private Path dir() {
    return parent.resolve("log" + made++);
  }

  @Test
  void when_a_write_fails_then_the_log_stops_and_the_next_open_cuts_the_tail() throws IOException {
    Path dir = dir();
    FaultyDisk disk = new FaultyDisk(FaultyDisk.NEVER);
    Work work = new Work();
    try (PayloadLog log = PayloadLog.open(dir, ID, PLAIN, 0, disk)) {
      work.log = log;
      work.append(1, 4);
      work.flush();
      disk.failAfter(0);
      String first = assertThrows(IOException.class, () -> work.append(5, 5)).getMessage();
      disk.failAfter(FaultyDisk.NEVER); // there is room again, but the log stays stopped
      String later = assertThrows(IOException.class, () -> work.append(5, 5)).getMessage();
      assertTrue(later.contains("stopped by an earlier error: " + first), later);
      assertThrows(IOException.class, log::flush);
      assertThrows(IOException.class, () -> log.truncateFrom(1));
      assertThrows(IOException.class, () -> log.dropPrefix(3));
      assertThrows(IOException.class, () -> log.reset(1, 1));
      assertEquals(entry(1, 4, "value".repeat(20)), log.read(4));
      assertEquals(4, log.lastIndex());
    }
    try (PayloadLog log = open(dir)) {
      assertEquals(List.of(1L, 2L, 3L, 4L), indexes(log));
      log.append(entry(1, 5, "again"));
      log.flush();
    }
  }

  @Test
  void when_a_sync_fails_then_a_second_one_does_not_pretend() throws IOException {
    Path dir = dir();
    FaultyDisk disk = new FaultyDisk(FaultyDisk.NEVER);
    try (PayloadLog log = PayloadLog.open(dir, ID, PLAIN, 0, disk)) {
      log.append(entry(1, 1, "x"));
      disk.failAfter(0);
      assertThrows(IOException.class, log::flush);
      disk.failAfter(FaultyDisk.NEVER);
      assertThrows(IOException.class, log::flush);
      assertThrows(IOException.class, () -> log.append(entry(1, 2, "x")));
      assertEquals(0, log.flushedIndex());
    }
  }

  @Test
  void when_preallocation_fails_then_appending_goes_on() throws IOException {
    FaultyDisk disk = new FaultyDisk(FaultyDisk.NEVER);
    try (PayloadLog log = PayloadLog.open(dir(), ID, new LogOptions(1 << 20, 0, 64), 0, disk)) {
      log.append(entry(1, 1, new byte[100]));
      disk.failAfter(1);
      log.append(entry(1, 2, new byte[100]));
      disk.failAfter(FaultyDisk.NEVER);
      log.append(entry(1, 3, new byte[100]));
      log.flush();
      assertEquals(3, log.flushedIndex());
    }
  }

  @Test
  void when_it_dies_while_segments_start_then_flushed_entries_are_there() throws IOException {
    dieAtEveryStep(
        work -> work.append(1, 4),
        work -> {
          work.flush();
          work.append(5, 12);
          work.flush();
          work.append(13, 20);
        },
        (log, work) -> {
          assertTrue(log.lastIndex() >= work.flushed);
          assertTrue(log.lastIndex() <= 20);
          assertRun(log, 1);
        });
  }

  @Test
  void when_it_dies_while_truncating_then_the_rest_is_there_and_the_intent_too()
      throws IOException {
    for (long from : new long[] {1, 14, 38}) {
      dieAtEveryStep(
          work -> {
            work.append(1, 40);
            work.flush();
          },
          work -> {
            work.log.truncateFrom(from);
            work.present.clear();
          },
          (log, work) -> {
            assertRun(log, 1);
            boolean begun = log.interruptedTruncation().isPresent();
            assertTrue(log.lastIndex() >= Math.min(work.flushed, from - 1));
            if (begun) {
              assertEquals(from, log.interruptedTruncation().getAsLong());
              assertEquals(from - 1, log.lastIndex());
            } else {
              assertTrue(log.lastIndex() >= work.flushed);
            }
          });
    }
  }

  @Test
  void when_it_dies_after_new_entries_follow_a_truncation_then_they_survive() throws IOException {
    dieAtEveryStep(
        work -> {
          work.append(1, 30);
          work.flush();
        },
        work -> {
          work.log.truncateFrom(15);
          work.present.clear();
          for (long i = 15; i <= 18; i++) {
            work.log.append(entry(2, i, "new"));
          }
          work.log.flush();
          work.present.add(18L);
          work.log.truncateDone();
        },
        (log, work) -> {
          assertRun(log, 1);
          if (work.present.equals(List.of(18L))) {
            assertEquals(18, log.lastIndex());
            assertEquals(2, log.read(15).term());
          }
        });
  }

  @Test
  void when_it_dies_while_the_prefix_is_dropped_then_a_suffix_is_there() throws IOException {
    dieAtEveryStep(
        work -> {
          work.append(1, 40);
          work.flush();
        },
        work -> work.log.dropPrefix(35),
        (log, work) -> {
          assertTrue(log.lastIndex() >= work.flushed);
          assertTrue(log.firstIndex() <= 35);
          assertRun(log, log.firstIndex());
        });
  }

  @Test
  void when_it_dies_while_it_is_reset_then_a_suffix_or_nothing_is_there() throws IOException {
    dieAtEveryStep(
        work -> {
          work.append(1, 40);
          work.flush();
          work.log.truncateFrom(39);
        },
        work -> {
          work.log.reset(1, 100);
          work.append(101, 102);
        },
        (log, work) -> {
          if (log.firstIndex() <= 40) {
            assertRun(log, log.firstIndex());
          }
          log.reset(5, 100);
          log.append(entry(5, 101, "x"));
        });
  }

  private interface Check {
    void run(PayloadLog log, Work work) throws IOException;
  }

  /**
   * Kills the process before its first change, its second, and so on, until it lives to the end;
   * the same with losses of power at that moment.
   */
  private void dieAtEveryStep(Steps before, Steps steps, Check check) throws IOException {
    for (int n = 0; ; n++) {
      Path dir = dir();
      PowerLossDisk power = new PowerLossDisk(dir);
      FaultyDisk disk = new FaultyDisk(power, FaultyDisk.NEVER);
      Work work = new Work();
      boolean died = false;
      work.log = PayloadLog.open(dir, ID, PLAIN, 0, disk);
      before.run(work);
      disk.failAfter(n);
      try {
        steps.run(work);
      } catch (IOException e) {
        died = true;
        assertTrue(e.getMessage().contains("injected"), e.getMessage());
        assertTrue(LogVerifier.verify(dir).sound() || Files.exists(dir.resolve("truncating")));
        assertThrows(IOException.class, work.log::flush);
      }
      List<Path> left = new ArrayList<>(List.of(dir));
      for (int i = 0; i < POWER_LOSSES; i++) {
        left.add(dir());
        power.survivors(left.get(left.size() - 1), random);
      }
      disk.failAfter(0);
      try {
        work.log.close();
      } catch (IOException e) {
        assertTrue(e.getMessage().contains("injected"), e.getMessage());
      }
      for (Path copy : left) {
        try (PayloadLog log = open(copy)) {
          check.run(log, work);
          long next = Math.max(log.lastIndex(), 200) + 1;
          log.append(entry(9, next, "goes on"));
          log.flush();
        }
      }
      if (!died) {
        return;
      }
    }
  }

  private static void assertRun(PayloadLog log, long first) throws IOException {
    List<Long> expected =
        log.lastIndex() == 0
            ? List.of()
            : LongStream.rangeClosed(first, log.lastIndex()).boxed().toList();
    assertEquals(expected, indexes(log));
  }
}
