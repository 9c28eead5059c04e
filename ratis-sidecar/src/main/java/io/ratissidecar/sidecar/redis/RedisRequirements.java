package io.ratissidecar.sidecar.redis;

import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.List;
import java.util.Map;

/**
 * Checks what replication depends on, so that a committed command can never fail for a reason of
 * one node's own.
 */
final class RedisRequirements {
  /** No machine that this runs on was made before. */
  private static final Instant EARLIEST = Instant.parse("2020-01-01T00:00:00Z");

  private RedisRequirements() {}

  /**
   * @return number of databases
   * @throws UnfitRedisException naming what is wrong and how to mend it
   */
  static int check(RedisControl redis) {
    Map<String, String> server = redis.info("server");
    String version =
        server.getOrDefault("valkey_version", server.getOrDefault("redis_version", "0"));
    boolean valkey = server.containsKey("valkey_version");
    if (!atLeast(version, valkey ? 7 : 6, 2)) {
      throw new UnfitRedisException(
          "the local Redis has version "
              + version
              + "; Redis 6.2 or Valkey 7.2 is the oldest that will do");
    }
    if (!"standalone"
        .equals(
            server.getOrDefault("redis_mode", server.getOrDefault("server_mode", "standalone")))) {
      throw new UnfitRedisException(
          "the local Redis runs in cluster or sentinel mode; it must be a plain server");
    }
    if (!"master".equals(redis.info("replication").get("role"))) {
      throw new UnfitRedisException(
          "the local Redis is a replica of another one; run REPLICAOF NO ONE on it");
    }
    requireAllPermissions(redis.permissions());
    requirePlausibleClock(server);
    require(
        redis, "maxmemory", "0", "eviction and out-of-memory errors would differ between nodes");
    require(redis, "min-replicas-to-write", "0", "writes would fail on this node only");
    require(
        redis,
        "hll-sparse-max-bytes",
        "3000",
        "the bytes of HyperLogLogs would differ between nodes");
    if (!"no".equals(redis.setting("stop-writes-on-bgsave-error").orElse("no"))
        && !redis.setting("save").orElse("").isEmpty()) {
      throw new UnfitRedisException(
          "the local Redis has 'stop-writes-on-bgsave-error yes', so writes would fail on this node only. Set it to no:"
              + " CONFIG SET stop-writes-on-bgsave-error no");
    }
    require(
        redis, "timeout", "0", "it would close an idle connection on which entries are applied");
    require(redis, "maxmemory-clients", "0", "it would close that connection under load");
    String outputLimits = redis.setting("client-output-buffer-limit").orElse("normal 0 0 0");
    if (!outputLimits.contains("normal 0 0 0")) {
      throw new UnfitRedisException(
          "the local Redis has 'client-output-buffer-limit "
              + outputLimits
              + "': it would close the connection on which entries are applied. Set it:"
              + " CONFIG SET client-output-buffer-limit \"normal 0 0 0\"");
    }
    require(
        redis,
        "proto-max-bulk-len",
        "536870912",
        "a string that grows beyond it would grow on other nodes only");
    int databases = Integer.parseInt(redis.setting("databases").orElse("16"));
    if (databases < 2) {
      throw new UnfitRedisException(
          "the local Redis has "
              + databases
              + " database; it needs at least 2, since the last one is kept for the sidecar");
    }
    return databases;
  }

  /** What is forbidden to a user is to his scripts, too, and they may go on behind the error. */
  private static void requireAllPermissions(List<String> permissions) {
    List<String> commands =
        permissions.stream().filter(p -> p.startsWith("+") || p.startsWith("-")).toList();
    if (!commands.equals(List.of("+@all"))
        || !permissions.contains("~*")
        || !permissions.contains("&*")) {
      throw new UnfitRedisException(
          "the local Redis does not let this user (setting redis-user) do everything, so commands would fail on this node"
              + " only. Allow all commands, keys and channels: ACL SETUSER <user> +@all ~* &*");
    }
  }

  /** Deadlines and idle times are told to Redis in a way that a clock near its epoch can't take. */
  private static void requirePlausibleClock(Map<String, String> server) {
    String micros = server.get("server_time_usec");
    if (micros != null) {
      Instant now = Instant.EPOCH.plus(Long.parseLong(micros), ChronoUnit.MICROS);
      if (now.isBefore(EARLIEST)) {
        throw new UnfitRedisException(
            "the clock of the local Redis's machine says " + now + ". Set it");
      }
    }
  }

  private static void require(RedisControl redis, String name, String value, String why) {
    String actual = redis.setting(name).orElse(value);
    if (!actual.equals(value)) {
      throw new UnfitRedisException(
          "the local Redis has '"
              + name
              + " "
              + actual
              + "': "
              + why
              + ". Set it: CONFIG SET "
              + name
              + " "
              + value);
    }
  }

  static boolean atLeast(String version, int major, int minor) {
    String[] parts = version.split("\\.", -1);
    int first = Integer.parseInt(parts[0]);
    int second = parts.length > 1 ? Integer.parseInt(parts[1]) : 0;
    return first > major || (first == major && second >= minor);
  }
}
