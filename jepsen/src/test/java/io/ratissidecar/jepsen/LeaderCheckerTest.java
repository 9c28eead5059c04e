package io.ratissidecar.jepsen;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;

class LeaderCheckerTest {
  @Test
  void when_each_term_has_one_leader_then_valid() {
    LeaderChecker leaders = new LeaderChecker();
    leaders.observed(1, 1);
    leaders.observed(1, 1);
    leaders.observed(2, 3);
    leaders.observed(3, 1);
    assertTrue(leaders.check().isValid());
    assertEquals(3, leaders.terms());
  }

  @Test
  void when_a_term_has_two_leaders_then_found() {
    LeaderChecker leaders = new LeaderChecker();
    leaders.observed(2, 3);
    leaders.observed(2, 1);
    assertFalse(leaders.check().isValid());
  }
}
