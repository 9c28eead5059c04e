package io.ratissidecar.logstore;

import static io.ratissidecar.logstore.Fixtures.ID;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.ratissidecar.statemachine.entry.Entry;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Readers, a flusher and whoever drops the prefix, while the appender appends and truncates. */
class PayloadLogConcurrencyTest {
  private static final int ENTRIES = 20_000;

  @TempDir Path dir;
  private volatile boolean done;

  @Test
  void when_many_threads_work_then_every_entry_read_is_whole_and_right() throws Exception {
    long seed = Fixtures.seed();
    ExecutorService threads = Executors.newCachedThreadPool();
    try (PayloadLog log = PayloadLog.open(dir, ID, new LogOptions(40_000, 3_000, 4096))) {
      List<Future<?>> others = new ArrayList<>();
      for (int i = 0; i < 3; i++) {
        Random random = new Random(seed + i);
        others.add(threads.submit(() -> readers(log, random)));
      }
      others.add(threads.submit(() -> flusher(log)));
      others.add(threads.submit(() -> dropper(log)));
      try {
        appender(log, new Random(seed - 1));
      } finally {
        done = true;
      }
      for (Future<?> other : others) {
        other.get();
      }
      log.flush();
      assertEquals(log.lastIndex(), log.flushedIndex());
    } finally {
      threads.shutdownNow();
    }
    try (PayloadLog log = PayloadLog.open(dir, ID, LogOptions.defaults())) {
      assertTrue(log.entryCount() > 0);
    }
    assertTrue(LogVerifier.verify(dir).sound());
  }

  /** An entry says its own index and term in its payload. */
  private static Entry entry(long term, long index) {
    return Fixtures.entry(term, index, "%d/%d/".formatted(term, index).repeat(10));
  }

  private static void appender(PayloadLog log, Random random) throws IOException {
    long index = 0;
    long term = 1;
    for (int i = 0; i < ENTRIES; i++) {
      index += 1 + (random.nextInt(10) == 0 ? 1 : 0);
      Entry entry = entry(term, index);
      log.append(entry);
      assertEquals(entry, log.read(index));
      if (random.nextInt(500) == 0) {
        index -= random.nextInt(20);
        log.truncateFrom(index);
        log.truncateDone();
        assertNull(log.read(index));
        index = Math.max(index, log.lastIndex());
        term++;
      }
    }
  }

  private Void readers(PayloadLog log, Random random) throws IOException {
    while (!done) {
      long last = log.lastIndex();
      long index = Math.max(1, last - random.nextInt(300));
      check(log.read(index), index);
      check(log.recent(index), index);
      long before = index - 1;
      for (Entry e : log.readRange(index, last, random.nextInt(10_000))) {
        assertTrue(e.index() > before && e.index() <= last);
        check(e, e.index());
        before = e.index();
      }
      if (random.nextInt(50) == 0) {
        Thread.currentThread().interrupt(); // an everyday event, which must hurt no reader
        check(log.read(index), index);
        boolean cleared = Thread.interrupted();
        assertTrue(cleared || done);
      }
    }
    return null;
  }

  private static void check(Entry entry, long index) {
    if (entry != null) {
      assertEquals(entry(entry.term(), index), entry);
    }
  }

  private Void flusher(PayloadLog log) throws IOException {
    while (!done) {
      log.flush();
    }
    return null;
  }

  private Void dropper(PayloadLog log) throws IOException {
    while (!done) {
      long first = log.firstIndex();
      if (log.lastIndex() - first > 2000) {
        log.dropPrefix(log.lastIndex() - 1000);
      }
      Thread.onSpinWait();
    }
    return null;
  }
}
