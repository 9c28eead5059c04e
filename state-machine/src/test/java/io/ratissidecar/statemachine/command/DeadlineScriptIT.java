package io.ratissidecar.statemachine.command;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The scripts on a real Redis. */
class DeadlineScriptIT {
  private static final long NOW = 1_700_000_000_000L;

  @TempDir static Path directory;
  private static RedisProcess redis;

  @BeforeAll
  static void start() throws Exception {
    redis = RedisProcess.start(directory);
  }

  @AfterAll
  static void stop() throws Exception {
    if (redis != null) {
      redis.close();
    }
  }

  @BeforeEach
  void empty() throws IOException {
    redis.call("FLUSHALL");
    redis.call("CONFIG", "RESETSTAT");
  }

  private static void put(String key, long deadlineMillis) throws IOException {
    redis.call("SET", key, "v", "PXAT", Long.toString(LogicalTime.toRedis(deadlineMillis)));
  }

  @Test
  void deletes_what_is_due_and_nothing_else() throws IOException {
    put("before", NOW - 1);
    put("now", NOW);
    put("after", NOW + 1);
    redis.call("RPUSH", "forever", "v");
    List<byte[]> keys =
        List.of("before", "now", "after", "forever", "missing").stream()
            .map(key -> key.getBytes(UTF_8))
            .toList();
    assertEquals(2, redis.call(DeadlineScript.expire(keys, NOW)).asLong());
    assertEquals(2, redis.call("DBSIZE").asLong());
    assertEquals(2, redis.call("EXISTS", "after", "forever").asLong());
    assertTrue(redis.call("INFO", "stats").asString().contains("expired_keys:2\r"));
  }

  @Test
  void tells_the_deadline_as_it_is_kept() throws IOException {
    put("k", NOW);
    redis.call("SET", "forever", "v");
    assertEquals(
        LogicalTime.toRedis(NOW), redis.call(DeadlineScript.stored("k".getBytes(UTF_8))).asLong());
    assertEquals(-1, redis.call(DeadlineScript.stored("forever".getBytes(UTF_8))).asLong());
    assertEquals(-2, redis.call(DeadlineScript.stored("missing".getBytes(UTF_8))).asLong());
  }
}
