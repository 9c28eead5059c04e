package io.ratissidecar.cli.client;

import static org.junit.jupiter.api.Assertions.assertEquals;

import org.junit.jupiter.api.Test;

class ByteProgressTest {
  @Test
  void when_a_part_is_done_then_the_line_says_how_much_and_how_fast() {
    assertEquals(
        "copying,  25 % of 4.00 MB, 500 KB/s",
        ByteProgress.line("copying, ", 1_000_000, 4_000_000, 2_000_000_000L));
    assertEquals("  0 % of 0 B, 0 B/s", ByteProgress.line("", 0, 0, 1));
  }
}
