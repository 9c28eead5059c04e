package io.ratissidecar.it;

import java.io.IOException;
import java.time.Duration;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** A short form of what {@code bin/soak} does, with all of its faults once. */
@Tag("fault")
@Tag("alone")
class SoakIT {
  @Test
  void when_nodes_are_killed_in_turn_under_load_then_nothing_grows_and_nothing_is_lost()
      throws IOException {
    System.out.println(new Soak(Duration.ofSeconds(72)).run());
  }
}
