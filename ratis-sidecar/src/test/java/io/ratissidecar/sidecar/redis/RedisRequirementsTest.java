package io.ratissidecar.sidecar.redis;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Which servers will do, by what they say of themselves; settings of a real one: ExternalRedisIT.
 */
class RedisRequirementsTest {
  private final FakeRedis redis;
  private final ControlClient client;

  RedisRequirementsTest() throws IOException {
    redis = new FakeRedis();
    client = new ControlClient(redis.endpoint());
  }

  @AfterEach
  void stop() throws IOException {
    client.close();
    redis.close();
  }

  private int check() {
    try (RedisControl control = client.connect(Duration.ofSeconds(10))) {
      return RedisRequirements.check(control);
    }
  }

  private void assertRefused(String... texts) {
    String message = assertThrows(UnfitRedisException.class, this::check).getMessage();
    for (String text : texts) {
      assertTrue(message.contains(text), message);
    }
  }

  @Test
  void when_nothing_is_in_the_way_then_it_tells_how_many_databases_there_are() {
    assertEquals(16, check());
    redis.setting("databases", "2");
    assertEquals(2, check());
  }

  @ParameterizedTest
  @ValueSource(strings = {"6.2.0", "6.10.1", "7.0.15", "8.0", "10.1.2"})
  void when_redis_is_new_enough_then_it_will_do(String version) {
    redis.info("redis_version", version);
    assertEquals(16, check());
  }

  @ParameterizedTest
  @ValueSource(strings = {"6.0.16", "5.0.14", "2.8", "6"})
  void when_redis_is_too_old_then_it_is_refused_with_its_version(String version) {
    redis.info("redis_version", version);
    assertRefused("has version " + version, "Redis 6.2 or Valkey 7.2 is the oldest that will do");
  }

  @ParameterizedTest
  @ValueSource(strings = {"7.2.4", "8.1.0"})
  void when_it_is_valkey_then_its_own_version_counts(String version) {
    becomeValkey(version);
    assertEquals(16, check());
  }

  @Test
  void when_valkey_is_too_old_then_it_is_refused_with_its_version() {
    becomeValkey("7.1.9");
    assertRefused("has version 7.1.9", "Valkey 7.2");
  }

  /** Valkey tells a version of Redis, too, that older clients understand. */
  private void becomeValkey(String version) {
    redis.info("redis_version", "7.2.4");
    redis.info("valkey_version", version);
    redis.info("redis_mode", null);
    redis.info("server_mode", "standalone");
  }

  @ParameterizedTest
  @CsvSource({"redis_mode,cluster", "redis_mode,sentinel", "server_mode,cluster"})
  void when_it_is_no_plain_server_then_it_is_refused(String field, String mode) {
    redis.info("redis_mode", null);
    redis.info(field, mode);
    assertRefused("cluster or sentinel mode; it must be a plain server");
  }

  @Test
  void when_its_clock_is_an_hour_off_then_it_will_do() {
    long micros = TimeUnit.MILLISECONDS.toMicros(System.currentTimeMillis());
    redis.info("server_time_usec", Long.toString(micros - TimeUnit.HOURS.toMicros(1)));
    assertEquals(16, check());
  }

  @Test
  void when_it_is_a_replica_then_it_is_refused() {
    redis.info("role", "slave");
    assertRefused("is a replica of another one; run REPLICAOF NO ONE on it");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "nopass ~* &* +@all -debug",
        "nopass ~a* &* +@all",
        "nopass ~* &a* +@all",
        "nopass ~* +@all",
        "nopass ~* &* -@all +@read"
      })
  void when_its_user_may_not_do_everything_then_it_is_refused(String rules) {
    redis.user("user default on " + rules);
    assertRefused("does not let this user (setting redis-user) do everything", "ACL SETUSER");
  }

  @Test
  void when_its_user_may_not_even_ask_then_it_is_refused() {
    redis.on(
        "ACL", (connection, command) -> Optional.of("-NOPERM this user has no permissions\r\n"));
    assertRefused("does not let this user (setting redis-user) do everything", "ACL SETUSER");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "nopass ~* &* +@all",
        "nopass sanitize-payload ~* &* +@all",
        "#2d711642b726b04401627ca9fbac32f5 ~* &* +@all (~a resetchannels -@all +get)"
      })
  void when_its_user_may_do_everything_then_it_will_do(String rules) {
    redis.user("user default on " + rules);
    assertEquals(16, check());
  }

  /** As a machine without a battery has it before it asks somebody for the time. */
  @Test
  void when_its_clock_can_not_be_right_then_it_is_refused() {
    redis.info("server_time_usec", "86400000000");
    assertRefused("clock", "1970-01-02T00:00:00Z");
  }

  @Test
  void when_a_failed_save_would_stop_writes_then_it_is_refused_only_if_it_saves() {
    redis.setting("stop-writes-on-bgsave-error", "yes");
    redis.setting("save", "");
    assertEquals(16, check());
    redis.setting("save", "3600 1");
    assertRefused("CONFIG SET stop-writes-on-bgsave-error no");
  }

  /** A command that makes a string longer than a node's own limit would fail there only. */
  @ParameterizedTest
  @ValueSource(strings = {"1048576", "536870911", "1073741824"})
  void when_strings_may_be_of_another_length_than_on_other_nodes_then_it_is_refused(
      String longest) {
    redis.setting("proto-max-bulk-len", longest);
    assertRefused(
        "'proto-max-bulk-len " + longest + "'", "Set it: CONFIG SET proto-max-bulk-len 536870912");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "normal 0 0 0 slave 268435456 67108864 60 pubsub 33554432 8388608 60",
        "pubsub 1 1 1 normal 0 0 0"
      })
  void when_output_to_normal_clients_is_unlimited_then_other_limits_do_not_matter(String limits) {
    redis.setting("client-output-buffer-limit", limits);
    assertEquals(16, check());
  }
}
