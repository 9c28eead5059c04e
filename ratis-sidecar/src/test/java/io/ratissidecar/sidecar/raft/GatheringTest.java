package io.ratissidecar.sidecar.raft;

import static org.junit.jupiter.api.Assertions.assertEquals;

import org.junit.jupiter.api.Test;

class GatheringTest {
  private final Gathering gathering = new Gathering();

  @Test
  void when_nothing_was_committed_yet_then_nothing_waits() {
    assertEquals(0, gathering.remainingNanos(1, 5));
  }

  @Test
  void when_one_client_was_answered_then_one_command_is_enough() {
    gathering.committed(1, 1_000_000, 0);
    assertEquals(0, gathering.remainingNanos(1, 0));
  }

  @Test
  void when_more_are_expected_then_it_waits_as_long_as_the_last_batch_took() {
    gathering.committed(100, 700_000, 1_000);
    assertEquals(700_000, gathering.remainingNanos(89, 1_000));
    assertEquals(500_000, gathering.remainingNanos(89, 201_000));
    assertEquals(0, gathering.remainingNanos(90, 201_000));
    assertEquals(0, gathering.remainingNanos(1, 701_000));
    assertEquals(0, gathering.remainingNanos(1, 9_000_000));
  }

  @Test
  void when_the_last_batch_took_long_then_the_wait_is_two_milliseconds() {
    gathering.committed(100, 80_000_000, 0);
    assertEquals(2_000_000, gathering.remainingNanos(1, 0));
  }
}
