package io.ratissidecar.cli.demo;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What a demo remembers and what it deletes. */
class DemoDirectoryTest {
  private static final Optional<Integer> UNSET = Optional.empty();

  @TempDir Path parent;
  private DemoDirectory kept;

  @BeforeEach
  void open() throws IOException {
    kept = DemoDirectory.open(Optional.of(parent.resolve("demo")));
  }

  @Test
  void when_new_then_defaults_or_wishes_count() throws IOException {
    assertEquals(new PortPlan(7001, 3), kept.ports(UNSET, UNSET));
    assertEquals(new PortPlan(9001, 5), kept.ports(Optional.of(9001), Optional.of(5)));
  }

  @Test
  void when_used_before_then_it_goes_on_with_its_ports() throws IOException {
    kept.remember(new PortPlan(9001, 3));
    assertEquals(new PortPlan(9001, 3), kept.ports(UNSET, UNSET));
    assertEquals(new PortPlan(9001, 5), kept.ports(Optional.of(9001), Optional.of(5)));
  }

  @Test
  void when_wishes_do_not_go_with_an_earlier_run_then_it_says_what_would() throws IOException {
    kept.remember(new PortPlan(9001, 3));
    String port = refusal(Optional.of(7001), UNSET);
    assertTrue(port.contains("uses --base-port 9001"), port);
    String nodes = refusal(UNSET, Optional.of(2));
    assertTrue(nodes.contains("at least --nodes 3"), nodes);
  }

  private String refusal(Optional<Integer> basePort, Optional<Integer> nodes) {
    return assertThrows(IllegalArgumentException.class, () -> kept.ports(basePort, nodes))
        .getMessage();
  }

  @Test
  void when_closed_then_only_a_temporary_one_is_deleted() throws IOException {
    kept.close();
    assertTrue(Files.isDirectory(kept.path()));
    DemoDirectory temporary = DemoDirectory.open(Optional.empty());
    Files.createDirectories(temporary.node(1).resolve("log"));
    Files.writeString(temporary.node(1).resolve("log/x"), "x");
    temporary.close();
    assertFalse(Files.exists(temporary.path()));
  }

  @Test
  void when_something_failed_then_a_temporary_one_is_kept_too() throws IOException {
    DemoDirectory temporary = DemoDirectory.open(Optional.empty());
    temporary.keep();
    temporary.close();
    assertTrue(Files.isDirectory(temporary.path()));
    Files.delete(temporary.path());
  }
}
