package io.ratissidecar.sidecar.snapshot;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import org.junit.jupiter.api.Test;

class SnapshotPolicyTest {
  private static final Duration SOON = Duration.ofSeconds(1);

  private static SnapshotPolicy policy(Duration interval) {
    return new SnapshotPolicy(1000, 50, interval, 10);
  }

  @Test
  void when_enough_bytes_or_entries_are_behind_it_then_the_next_is_due() {
    SnapshotPolicy policy = policy(Duration.ZERO);
    assertFalse(policy.isDue(999, 49, SOON));
    assertTrue(policy.isDue(1000, 1, SOON));
    assertTrue(policy.isDue(1, 50, SOON));
    assertFalse(policy.isDue(999, 49, Duration.ofDays(1000)));
  }

  @Test
  void when_the_interval_is_over_then_it_is_due_only_if_something_changed() {
    SnapshotPolicy policy = policy(Duration.ofMinutes(1));
    assertFalse(policy.isDue(1, 1, Duration.ofSeconds(59)));
    assertTrue(policy.isDue(1, 1, Duration.ofSeconds(60)));
    assertFalse(policy.isDue(0, 1, Duration.ofSeconds(60))); // Raft's own entries
  }

  @Test
  void when_a_snapshot_is_large_then_who_reads_it_may_take_as_much_of_the_log() {
    assertEquals(4000, policy(Duration.ZERO).readerBytes(10));
    assertEquals(1_000_000, policy(Duration.ZERO).readerBytes(1_000_000));
  }

  @Test
  void when_the_log_is_cut_then_some_entries_stay_unless_they_are_large() {
    SnapshotPolicy policy = policy(Duration.ZERO);
    assertEquals(91, policy.firstKept(100, 1));
    assertEquals(95, policy.firstKept(100, 95));
    // What the snapshot does not hold always stays.
    assertEquals(101, policy.firstKept(100, 130));
    assertEquals(101, new SnapshotPolicy(1000, 50, Duration.ZERO, 0).firstKept(100, 1));
  }
}
