package io.ratissidecar.jepsen;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import org.junit.jupiter.api.Test;

class ListCheckerTest {
  private static final List<Operation> TWO =
      List.of(Ops.push("a", 1, 0, 5), Ops.push("b", 2, 6, 9));

  @Test
  void when_all_are_there_then_valid() {
    assertEquals(List.of(), ListChecker.check(TWO, List.of("a", "b")).problems());
  }

  @Test
  void when_an_acknowledged_one_is_missing_then_found() {
    assertFalse(ListChecker.check(TWO, List.of("a")).isValid());
  }

  @Test
  void when_one_is_there_twice_then_found() {
    assertFalse(ListChecker.check(TWO, List.of("a", "b", "a")).isValid());
  }

  @Test
  void when_the_order_contradicts_time_then_found() {
    List<Operation> ops =
        List.of(
            Ops.ok(Operation.Kind.PUSH, "a", null, 0, 5),
            Ops.ok(Operation.Kind.PUSH, "b", null, 6, 9));
    assertTrue(ListChecker.check(ops, List.of("a", "b")).isValid());
    assertFalse(ListChecker.check(ops, List.of("b", "a")).isValid());
  }

  @Test
  void when_a_reply_tells_another_position_then_found() {
    assertFalse(ListChecker.check(List.of(Ops.push("a", 2, 0, 5)), List.of("a")).isValid());
  }

  @Test
  void when_an_indeterminate_one_is_there_or_not_then_valid() {
    List<Operation> ops = List.of(Ops.info(Operation.Kind.PUSH, "a", 0));
    assertTrue(ListChecker.check(ops, List.of()).isValid());
    assertTrue(ListChecker.check(ops, List.of("a")).isValid());
    assertFalse(ListChecker.check(ops, List.of("a", "a")).isValid());
  }

  @Test
  void when_a_failed_one_is_there_then_found() {
    List<Operation> ops = List.of(Ops.fail(Operation.Kind.PUSH, "a", 0, 3));
    assertTrue(ListChecker.check(ops, List.of()).isValid());
    assertFalse(ListChecker.check(ops, List.of("a")).isValid());
  }

  @Test
  void when_something_is_there_that_nobody_pushed_then_found() {
    assertFalse(ListChecker.check(TWO, List.of("a", "b", "c")).isValid());
  }
}
