package io.ratissidecar.sidecar.digest;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.ratissidecar.snapshot.RdbDigest;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class ComparisonTest {
  private static final RdbDigest A = new RdbDigest(10, "a");
  private static final RdbDigest B = new RdbDigest(10, "b");
  private static final RdbDigest OLDER = new RdbDigest(9, "a");

  private final Comparison comparison = new Comparison(42);

  @Test
  void when_most_have_the_same_then_these_are_the_majority() {
    comparison.own(1, B);
    comparison.other(3, A);
    comparison.other(5, OLDER);
    assertEquals(List.of(), comparison.majority(5));
    comparison.other(2, A);
    assertEquals(List.of(), comparison.majority(5));
    comparison.other(4, A);
    assertEquals(List.of(2, 3, 4), comparison.majority(5));
    assertEquals(List.of(), comparison.majority(6));
  }

  @Test
  void when_repaired_then_what_it_had_is_no_answer_and_late_answers_change_nothing() {
    comparison.own(1, B);
    comparison.other(2, A);
    comparison.other(3, A);
    assertTrue(comparison.judge(1, 3));
    assertEquals(Verdict.DIFFERS, comparison.verdict());
    comparison.repairing(true);
    assertFalse(comparison.judge(1, 3));
    comparison.repairing(false);
    assertEquals(Verdict.DIFFERS, comparison.verdict());
    comparison.repairing(true);
    comparison.repaired(1);
    assertFalse(comparison.judge(1, 3));
    assertEquals(Verdict.REPAIRED, comparison.verdict());
    assertEquals(Optional.empty(), comparison.own());
    assertEquals(List.of(2, 3), List.copyOf(comparison.digests().keySet()));
  }
}
