package io.ratissidecar.sidecar.redis;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ReloadMarkTest {
  @TempDir Path dir;

  @Test
  void when_set_then_the_next_process_knows_until_redis_was_emptied() throws IOException {
    ReloadMark mark = new ReloadMark(dir);
    assertFalse(mark.isSet());
    mark.set();
    mark.set();
    ReloadMark afterRestart = new ReloadMark(dir);
    assertTrue(afterRestart.isSet());
    long first = afterRestart.set();
    long second = afterRestart.set();
    afterRestart.clear(first); // something else has become wrong while Redis was loaded
    assertTrue(afterRestart.isSet());
    afterRestart.clear(second);
    assertFalse(afterRestart.isSet());
    assertFalse(new ReloadMark(dir).isSet());
    assertFalse(Files.exists(dir.resolve("reload-redis")));
  }

  @Test
  void when_attempts_fail_then_pauses_grow_to_their_limit() {
    Backoff backoff = new Backoff(100, 500);
    assertEquals(100, backoff.next());
    assertEquals(200, backoff.next());
    assertEquals(400, backoff.next());
    assertEquals(500, backoff.next());
    backoff.reset();
    assertEquals(100, backoff.next());
  }
}
