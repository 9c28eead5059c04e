package io.ratissidecar.sidecar.snapshot;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.ratissidecar.snapshot.SnapshotStore;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class CompactionTest {
  private static final String CLUSTER = "00112233445566778899aabbccddeeff";
  private static final long RETAINED = 10;
  private static final long LOG_BYTES = 1000;

  @TempDir Path dir;
  private final Set<Long> spoilt = new HashSet<>();
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

    /** The lowest index from which on the log has as much as an older snapshot may keep. */
    private long firstOfMore = 1;

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
      return bytes == LOG_BYTES ? 1 : firstOfMore;
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
    SoundSnapshots sound = new SoundSnapshots(store, spoilt::contains);
    sender = new SnapshotSender(sound, Runnable::run, snapshot -> {}, () -> 0, 1 << 20);
    compaction =
        new Compaction(
            store,
            sound,
            new SnapshotPolicy(LOG_BYTES, 50, Duration.ZERO, RETAINED),
            sender,
            () -> false);
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
    publish(300);
    compaction.run(log);
    assertEquals(List.of(101 - RETAINED, 101L, 201L), log.dropped);
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

  /** The newest may turn out to be damaged, and the one before it is of use with that log only. */
  @Test
  void when_there_are_two_then_the_log_goes_back_to_the_older_one_unless_that_is_too_much()
      throws IOException {
    publish(100);
    publish(200);
    FakeLog log = new FakeLog();
    compaction.run(log);
    log.firstOfMore = 101;
    compaction.run(log);
    log.firstOfMore = 102;
    compaction.run(log);
    assertEquals(List.of(101L, 101L, 201 - RETAINED), log.dropped);
  }

  @Test
  void when_the_newest_can_not_be_used_then_the_log_goes_back_to_those_that_can() throws Exception {
    publish(100);
    publish(200);
    publish(300);
    spoilt.add(300L);
    FakeLog log = new FakeLog();
    compaction.run(log);
    assertEquals(List.of(101L), log.dropped);
    assertEquals(3, store.list().size(), "the log may begin behind it");
    assertEquals(
        "200", new String(sender.latest().get(), UTF_8).split("index=", 2)[1].split("\n", 2)[0]);
    publish(400);
    compaction.run(log);
    assertEquals(List.of(101L, 201L), log.dropped);
    assertEquals(List.of(400L, 200L), indexes());
  }

  @Test
  void when_one_is_damaged_then_it_stays_only_until_there_is_a_newer_one() throws Exception {
    publish(100);
    publish(200);
    store.markDamaged(store.latest().orElseThrow());
    compaction.run(new FakeLog());
    assertEquals(List.of(200L, 100L), indexes());
    publish(200);
    compaction.run(new FakeLog());
    assertEquals(List.of(200L, 100L), indexes());
    assertFalse(store.isDamaged(store.latest().orElseThrow()));
  }

  private List<Long> indexes() {
    return store.list().stream().map(s -> s.manifest().index()).toList();
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
