package io.ratissidecar.it;

import java.io.IOException;
import java.time.Duration;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** A short form of what {@code bin/fuzz} does. */
@Tag("fault")
class FuzzIT {
  @ParameterizedTest
  @EnumSource
  void when_random_commands_are_sent_while_nodes_fail_then_all_nodes_have_the_same(
      RedisVersion version) throws IOException {
    int seconds = version == RedisVersion.INSTALLED ? 60 : 30;
    System.out.println(new Fuzz(Duration.ofSeconds(seconds), version).run());
  }
}
