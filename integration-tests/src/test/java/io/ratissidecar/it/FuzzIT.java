package io.ratissidecar.it;

import java.io.IOException;
import java.time.Duration;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** A short form of what {@code bin/fuzz} does. */
@Tag("fault")
class FuzzIT {
  @Test
  void when_random_commands_are_sent_while_nodes_fail_then_all_nodes_have_the_same()
      throws IOException {
    System.out.println(new Fuzz(Duration.ofSeconds(35), false).run());
  }

  @Test
  void when_clocks_differ_and_jump_as_well_then_all_nodes_have_the_same() throws IOException {
    System.out.println(new Fuzz(Duration.ofSeconds(25), true).run());
  }
}
