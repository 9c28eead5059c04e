package io.ratissidecar.cli.importing;

import static org.junit.jupiter.api.Assertions.assertEquals;

import org.junit.jupiter.api.Test;

class ImportStatusTest {
  private static final long SECOND = 1_000_000_000L;

  private final ImportStatus status = new ImportStatus();

  @Test
  void when_it_goes_on_then_each_phase_is_told() {
    assertEquals("Waiting for the source to begin ...", status.describe(0));
    status.loading(4000, 0);
    for (int i = 0; i < 1000; i++) {
      status.keyDone(10);
    }
    assertEquals("Loading: 25 % of 4,000 keys, 500 keys/s", status.describe(2 * SECOND));
    status.following(70, 3 * SECOND);
    assertEquals("Following: 0 commands", status.describe(4 * SECOND));
    status.commandsDone(2, 5 * SECOND);
    status.reached(90);
    status.sourceAt(100);
    assertEquals("Following: 2 commands, 10 bytes behind", status.describe(6 * SECOND));
    assertEquals(
        "Following: 2 commands, 10 bytes behind, idle for 5 s", status.describe(10 * SECOND));
  }
}
