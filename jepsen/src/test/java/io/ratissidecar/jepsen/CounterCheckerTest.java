package io.ratissidecar.jepsen;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import org.junit.jupiter.api.Test;

class CounterCheckerTest {
  @Test
  void when_all_counted_then_valid() {
    List<Operation> ops = List.of(Ops.increment(1, 0, 5), Ops.increment(2, 3, 8));
    assertEquals(List.of(), CounterChecker.check(ops, 2).problems());
  }

  @Test
  void when_an_indeterminate_one_counted_or_not_then_valid() {
    List<Operation> ops =
        List.of(Ops.increment(1, 0, 5), Ops.info(Operation.Kind.INCREMENT, null, 6));
    assertTrue(CounterChecker.check(ops, 1).isValid());
    assertTrue(CounterChecker.check(ops, 2).isValid());
    assertFalse(CounterChecker.check(ops, 3).isValid());
  }

  @Test
  void when_an_acknowledged_one_is_lost_then_found() {
    List<Operation> ops = List.of(Ops.increment(1, 0, 5), Ops.increment(2, 6, 8));
    assertFalse(CounterChecker.check(ops, 1).isValid());
  }

  @Test
  void when_one_counted_twice_then_found() {
    assertFalse(CounterChecker.check(List.of(Ops.increment(1, 0, 5)), 2).isValid());
  }

  @Test
  void when_a_failed_one_counted_then_found() {
    List<Operation> ops =
        List.of(Ops.increment(1, 0, 5), Ops.fail(Operation.Kind.INCREMENT, null, 6, 7));
    assertFalse(CounterChecker.check(ops, 2).isValid());
  }

  @Test
  void when_two_got_the_same_number_then_found() {
    List<Operation> ops =
        List.of(
            Ops.increment(1, 0, 5),
            Ops.increment(1, 6, 8),
            Ops.info(Operation.Kind.INCREMENT, null, 9));
    assertFalse(CounterChecker.check(ops, 2).isValid());
  }

  @Test
  void when_a_later_one_got_a_smaller_number_then_found() {
    List<Operation> ops = List.of(Ops.increment(2, 0, 5), Ops.increment(1, 6, 8));
    assertFalse(CounterChecker.check(ops, 2).isValid());
  }

  @Test
  void when_overlapping_ones_got_any_order_then_valid() {
    List<Operation> ops = List.of(Ops.increment(2, 0, 5), Ops.increment(1, 4, 8));
    assertTrue(CounterChecker.check(ops, 2).isValid());
  }
}
