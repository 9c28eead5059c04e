package io.ratissidecar.sidecar.snapshot;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.ratissidecar.snapshot.SnapshotStore;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class CompactionTest {
  private static final String CLUSTER = "00112233445566778899aabbccddeeff";
  private static final long RETAINED = 10;

  @TempDir Path dir;
  private SnapshotStore store;
  private SnapshotSender sender;
  private Compaction compaction;

  /** Does with entries what it is told to. */
  private static final class FakeLog implements Compaction.Log {
    private final List<Long> dropped = new ArrayList<>();
    private boolean ready = true;
    private boolean fails;
    private boolean keepsSome;
    private long applied = 1000;

    @Override
    public boolean redisIsReady() {
      return ready;
    }

    @Override
    public long appliedIndex() {
      return applied;
    }

    @Override
    public long startOfNewest(long bytes) {
      return 1;
    }

    @Override
    public boolean dropEntriesBelow(long firstKept) throws IOException {
      dropped.add(firstKept);
      if (fails) {
        throw new IOException("Ratis has not purged its log");
      }
      return !keepsSome;
    }
  }

  @BeforeEach
  void open() throws IOException {
    store = SnapshotStore.open(dir);
    sender = new SnapshotSender(store, Runnable::run, () -> 0, 1 << 20);
    compaction =
        new Compaction(
            store, new SnapshotPolicy(1000, 50, Duration.ZERO, RETAINED), sender, () -> false);
  }

  private void publish(long index) throws IOException {
    TestSnapshots.publish(store, CLUSTER, index, 10);
  }

  @Test
  void when_the_log_was_cut_then_that_is_not_tried_again() throws IOException {
    publish(100);
    FakeLog log = new FakeLog();
    compaction.run(log);
    compaction.finish(log);
    assertEquals(List.of(101 - RETAINED), log.dropped);
    publish(200);
    compaction.run(log);
    assertEquals(List.of(101 - RETAINED, 201 - RETAINED), log.dropped);
  }

  /** As when a purge of Ratis's log is not answered in time. */
  @Test
  void when_the_log_cant_be_cut_then_that_is_told_and_tried_again_until_it_can()
      throws IOException {
    publish(100);
    FakeLog log = new FakeLog();
    log.fails = true;
    assertThrows(IOException.class, () -> compaction.run(log));
    assertThrows(IOException.class, () -> compaction.finish(log));
    log.fails = false;
    compaction.finish(log);
    compaction.finish(log);
    assertEquals(Collections.nCopies(3, 101 - RETAINED), log.dropped);
  }

  @Test
  void when_something_had_to_stay_then_it_is_tried_again() throws IOException {
    publish(100);
    FakeLog log = new FakeLog();
    log.keepsSome = true;
    compaction.run(log);
    compaction.finish(log);
    log.keepsSome = false;
    compaction.finish(log);
    compaction.finish(log);
    assertEquals(3, log.dropped.size());
  }

  @Test
  void when_replication_begins_anew_then_its_log_is_cut_too() throws IOException {
    publish(100);
    compaction.finish(new FakeLog());
    FakeLog next = new FakeLog();
    compaction.finish(next);
    assertEquals(1, next.dropped.size());
  }

  @Test
  void when_there_is_no_redis_then_the_log_waits_for_it() throws IOException {
    publish(100);
    FakeLog log = new FakeLog();
    log.ready = false;
    compaction.run(log);
    assertEquals(List.of(), log.dropped);
    log.ready = true;
    compaction.finish(log);
    assertEquals(1, log.dropped.size());
  }

  /** It has just been fetched, and replication is about to begin anew behind it. */
  @Test
  void when_the_newest_snapshot_is_ahead_of_the_log_then_the_one_before_it_counts()
      throws IOException {
    publish(100);
    publish(200);
    FakeLog log = new FakeLog();
    log.applied = 199;
    compaction.run(log);
    assertEquals(List.of(101 - RETAINED), log.dropped);
  }

  @Test
  void when_a_snapshot_is_being_read_then_the_log_behind_it_stays() throws Exception {
    publish(50);
    publish(100);
    sender.manifest(50, 3).get();
    FakeLog log = new FakeLog();
    compaction.run(log);
    assertEquals(List.of(51L), log.dropped);
  }
}
