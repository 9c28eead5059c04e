package io.ratissidecar.it;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.List;
import java.util.Map;
import java.util.function.DoubleUnaryOperator;
import org.junit.jupiter.api.Test;

class GrowthTest {
  private static final double SECONDS = 600;
  private static final long MEGABYTE = 1_000_000;

  private final Growth growth = new Growth();

  private void run(DoubleUnaryOperator megabytesAt) {
    for (double at = 0; at < SECONDS; at += 3) {
      long value = (long) (megabytesAt.applyAsDouble(at) * MEGABYTE);
      growth.add("n1", at, Map.of(Measure.LOG, value));
    }
  }

  @Test
  void when_it_goes_up_and_down_then_nothing_grows() {
    run(at -> 10 + at % 30);
    assertEquals(List.of(), growth.problems(SECONDS));
    assertEquals(37 * MEGABYTE, growth.max(Measure.LOG, 0));
  }

  @Test
  void when_it_is_never_cut_then_that_is_said() {
    run(at -> 10 + at / 5);
    assertEquals(
        List.of("n1: log 129.40 MB in the later half, after log 49.60 MB in the first third"),
        growth.problems(SECONDS));
  }

  @Test
  void when_only_one_node_grows_then_that_is_said() {
    run(at -> 10 + at / 5);
    for (double at = 0; at < SECONDS; at += 3) {
      growth.add("n2", at, Map.of(Measure.LOG, 200 * MEGABYTE));
    }
    assertEquals(1, growth.problems(SECONDS).size());
  }
}
