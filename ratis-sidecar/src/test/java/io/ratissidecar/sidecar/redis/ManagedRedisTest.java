package io.ratissidecar.sidecar.redis;

import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.ratissidecar.sidecar.config.SidecarConfig;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ManagedRedisTest {
  private static final long PATIENCE_MILLIS = TimeUnit.SECONDS.toMillis(20);

  @TempDir Path dir;

  /**
   * A Redis that is killed while its child saves leaves them behind: a data set's size each time.
   */
  @Test
  void when_it_starts_then_what_a_killed_one_has_not_finished_goes() throws Exception {
    Path own = dir.resolve("redis");
    Files.createDirectories(own);
    Path snapshot = Files.writeString(own.resolve("temp-4711.rdb"), "REDIS0011");
    Path rewritten = Files.writeString(own.resolve("temp-rewriteaof-bg-4711.aof"), "*1");
    Path received = Files.writeString(own.resolve("temp-1796026890.4711.rdb"), "REDIS0011");
    Path mine = Files.writeString(own.resolve("temp-backup.rdb"), "REDIS0011");
    ManagedRedis redis = new ManagedRedis(SidecarConfig.of(Map.of("dir", dir.toString())));
    redis.start();
    try {
      assertFalse(Files.exists(snapshot));
      assertFalse(Files.exists(rewritten));
      assertFalse(Files.exists(received));
      assertTrue(Files.exists(mine));
    } finally {
      redis.kill();
      redis.awaitExit(PATIENCE_MILLIS);
    }
  }
}
