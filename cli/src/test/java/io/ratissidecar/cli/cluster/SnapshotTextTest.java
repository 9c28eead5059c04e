package io.ratissidecar.cli.cluster;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.ratissidecar.sidecar.membership.SnapshotState;
import org.junit.jupiter.api.Test;

class SnapshotTextTest {
  @Test
  void when_there_is_one_then_its_entry_size_and_age_are_shown() {
    assertEquals("42, 1.50 MB, 5 min", text(42, 300, 1_500_000, ""));
    assertEquals("-", text(0, 0, 0, ""));
  }

  @Test
  void when_one_is_under_way_then_how_far_that_is_is_shown() {
    assertEquals("receiving 7 % of 12 MB", text(42, 300, 10, "receiving 7 % of 12 MB"));
    assertEquals("receiving", text(0, 0, 0, "receiving"));
  }

  private static String text(long index, long age, long bytes, String activity) {
    return SnapshotText.of(new SnapshotState(index, age, bytes, activity, ""));
  }
}
