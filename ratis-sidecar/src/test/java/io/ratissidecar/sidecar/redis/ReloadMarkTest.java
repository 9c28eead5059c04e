package io.ratissidecar.sidecar.redis;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
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
    afterRestart.clear(
        first, Optional.empty()); // something else has become wrong while Redis was loaded
    assertTrue(afterRestart.isSet());
    afterRestart.clear(second, Optional.empty());
    assertFalse(afterRestart.isSet());
    assertFalse(new ReloadMark(dir).isSet());
    assertFalse(Files.exists(dir.resolve("reload-redis")));
  }

  @Test
  void when_redis_has_an_old_file_then_only_the_run_that_was_loaded_is_believed()
      throws IOException {
    ReloadMark mark = new ReloadMark(dir);
    assertFalse(mark.doubts("run 1"));
    mark.clear(mark.set(), Optional.of("run 1"));
    for (ReloadMark each : List.of(mark, new ReloadMark(dir))) {
      assertFalse(each.isSet());
      assertFalse(each.doubts("run 1"));
      assertTrue(each.doubts("run 2"));
    }
    mark.clear(mark.set(), Optional.empty());
    assertFalse(new ReloadMark(dir).doubts("run 3"));
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
