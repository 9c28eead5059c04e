package io.ratissidecar.sidecar.digest;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.ratissidecar.snapshot.RdbDigest;
import java.util.List;
import org.junit.jupiter.api.Test;

class VerdictTest {
  private static final RdbDigest A = new RdbDigest(10, "a");
  private static final RdbDigest B = new RdbDigest(10, "b");
  private static final RdbDigest C = new RdbDigest(10, "c");
  private static final RdbDigest NEWER = new RdbDigest(11, "d");

  private static Verdict of(int members, RdbDigest... others) {
    return Verdict.of(A, List.of(others), members);
  }

  @Test
  void when_a_majority_has_the_same_then_the_others_do_not_matter() {
    assertEquals(Verdict.SAME, of(1));
    assertEquals(Verdict.SAME, of(3, A));
    assertEquals(Verdict.SAME, of(3, B, A));
    assertEquals(Verdict.SAME, of(5, A, A));
  }

  @Test
  void when_a_majority_has_something_else_then_this_node_differs() {
    assertEquals(Verdict.DIFFERS, of(3, B, B));
    assertEquals(Verdict.DIFFERS, of(5, A, B, B, B));
  }

  @Test
  void when_too_few_have_answered_then_it_is_open() {
    assertEquals(Verdict.OPEN, of(2));
    assertEquals(Verdict.OPEN, of(3, B));
    assertEquals(Verdict.OPEN, of(5, A, B, B));
  }

  @Test
  void when_all_have_answered_without_a_majority_then_it_is_undecided() {
    assertEquals(Verdict.UNDECIDED, of(2, B));
    assertEquals(Verdict.UNDECIDED, of(3, B, C));
    assertEquals(Verdict.UNDECIDED, of(4, A, B, B));
  }

  @Test
  void when_others_have_another_version_then_they_say_nothing() {
    assertEquals(Verdict.SAME, of(3, NEWER, NEWER));
    assertEquals(Verdict.OPEN, of(3, NEWER));
    assertEquals(Verdict.UNDECIDED, of(3, NEWER, B));
  }
}
