package io.ratissidecar.sidecar.raft;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;

class LogClockTest {
  private static final long NOW = 1_700_000_000_000L;
  private static final long HOUR = 3_600_000;

  private long wall = NOW;
  private long nanos = 5;
  private final LogClock clock = new LogClock(() -> wall, () -> nanos);

  private void pass(long millis) {
    wall += millis;
    nanos += millis * 1_000_000;
  }

  @Test
  void begins_with_the_wall_clock_and_goes_at_the_monotone_one_s_pace() {
    assertEquals(NOW, clock.millis());
    pass(500);
    wall += HOUR; // somebody has set it
    assertEquals(NOW + 500, clock.next());
    wall -= 2 * HOUR;
    pass(1);
    assertEquals(NOW + 501, clock.next());
  }

  @Test
  void is_known_once_somebody_has_told_it_or_nobody_can() {
    clock.logged(NOW + HOUR); // it may be older than any deadline
    assertFalse(clock.isKnown());
    clock.heard(NOW);
    assertTrue(clock.isKnown());
    LogClock first = new LogClock(() -> wall, () -> nanos);
    first.begin();
    assertTrue(first.isKnown());
    assertEquals(NOW, first.millis());
  }

  @Test
  void is_never_behind_an_entry_and_goes_on_from_there() {
    clock.logged(NOW + HOUR);
    assertEquals(NOW + HOUR, clock.millis());
    pass(100);
    assertEquals(NOW + HOUR + 100, clock.millis());
    clock.logged(NOW); // of a log that is read again
    assertEquals(NOW + HOUR + 100, clock.millis());
  }

  @Test
  void follows_the_leaders_though_this_nodes_wall_clock_is_ahead() {
    clock.heard(NOW - HOUR);
    pass(1000);
    assertEquals(NOW - HOUR + 1000, clock.next());
  }

  @Test
  void when_the_leaders_is_behind_an_entry_then_it_stands_still_until_then() {
    clock.logged(NOW + 50);
    clock.heard(NOW);
    assertEquals(NOW + 50, clock.millis());
    pass(60);
    assertEquals(NOW + 60, clock.millis());
  }

  @Test
  void comes_to_the_wall_clock_slowly_from_both_sides() {
    for (long off : new long[] {-HOUR, HOUR}) {
      clock.heard(wall + off);
      long latest = clock.next();
      for (int i = 0; i < 36_000; i++) { // an hour of ticks
        pass(100);
        clock.steer();
        assertTrue(clock.next() >= latest, "it goes on");
        latest = clock.next();
      }
      long left = Math.abs(clock.millis() - wall);
      assertTrue(left >= HOUR - 1_801 && left <= HOUR - 1_799, () -> "off by " + left);
    }
  }

  @Test
  void when_it_is_right_then_it_stays_so() {
    for (int i = 0; i < 1000; i++) {
      pass(100);
      clock.steer();
      assertEquals(wall, clock.millis());
    }
  }
}
