package io.ratissidecar.cli.demo;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.ratissidecar.cli.demo.CheckVerifier.Contents;
import io.ratissidecar.cli.demo.Ledger.Kind;
import io.ratissidecar.cli.demo.Ledger.Outcome;
import io.ratissidecar.cli.demo.Ledger.Write;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** A check that can't fail would be worth nothing: each kind of loss must be seen. */
class CheckVerifierTest {
  private final Ledger ledger = new Ledger();

  CheckVerifierTest() {
    write(1, Outcome.ACKNOWLEDGED);
    write(2, Outcome.UNKNOWN);
    write(3, Outcome.ACKNOWLEDGED);
  }

  private void write(long value, Outcome outcome) {
    String reply = outcome == Outcome.ACKNOWLEDGED ? Long.toString(value) : null;
    for (Kind kind : Kind.values()) {
      ledger.add(new Write(kind, value, outcome, reply));
    }
  }

  private List<String> problems(Map<Long, String> keys, List<String> list, long counter) {
    return new CheckVerifier("r", ledger.all()).problems(new Contents(keys, list, counter));
  }

  private static Map<Long, String> keys(String first, String second, String third) {
    Map<Long, String> keys = new HashMap<>();
    keys.put(1L, first);
    keys.put(2L, second);
    keys.put(3L, third);
    return keys;
  }

  private static void assertOnly(String text, List<String> problems) {
    assertEquals(1, problems.size(), problems.toString());
    assertTrue(problems.get(0).contains(text), problems.get(0));
  }

  @Test
  void when_the_unknown_happened_or_not_then_both_are_fine() {
    assertEquals(List.of(), problems(keys("1", "2", "3"), List.of("1", "2", "3"), 3));
    assertEquals(List.of(), problems(keys("1", null, "3"), List.of("3", "1"), 2));
  }

  @Test
  void when_an_acknowledged_write_is_gone_then_it_is_named() {
    assertOnly(
        "acknowledged key check:r:3 is missing",
        problems(keys("1", null, null), List.of("1", "3"), 2));
    assertOnly("element 1 is missing", problems(keys("1", null, "3"), List.of("3"), 2));
    assertOnly("the counter is 1", problems(keys("1", null, "3"), List.of("1", "3"), 1));
  }

  @Test
  void when_a_write_happened_twice_then_it_is_named() {
    assertOnly(
        "element 2 is in the list 2 times",
        problems(keys("1", "2", "3"), List.of("1", "2", "3", "2"), 3));
    assertOnly("the counter is 4", problems(keys("1", "2", "3"), List.of("1", "2", "3"), 4));
  }

  @Test
  void when_there_is_what_nobody_wrote_then_it_is_named() {
    assertOnly("holds 'x'", problems(keys("1", "x", "3"), List.of("1", "3"), 2));
    assertOnly("nobody pushed", problems(keys("1", null, "3"), List.of("1", "3", "9"), 2));
  }

  @Test
  void when_two_increments_got_one_result_then_it_is_told() {
    ledger.add(new Write(Kind.INCR, 4, Outcome.ACKNOWLEDGED, "3"));
    assertOnly("the same result", problems(keys("1", null, "3"), List.of("1", "3"), 3));
  }

  @Test
  void when_everything_is_lost_then_the_message_stays_short() {
    for (long value = 4; value < 100; value++) {
      write(value, Outcome.ACKNOWLEDGED);
    }
    List<String> problems = problems(Map.of(), List.of(), 0);
    assertEquals(6, problems.size());
    assertTrue(problems.get(5).startsWith("and "), problems.get(5));
  }
}
