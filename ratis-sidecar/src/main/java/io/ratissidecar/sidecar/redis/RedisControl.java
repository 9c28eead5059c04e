package io.ratissidecar.sidecar.redis;

import io.lettuce.core.ClientOptions;
import io.lettuce.core.KillArgs;
import io.lettuce.core.RedisClient;
import io.lettuce.core.RedisException;
import io.lettuce.core.RedisURI;
import io.lettuce.core.api.StatefulRedisConnection;
import io.lettuce.core.api.sync.RedisCommands;
import io.lettuce.core.resource.ClientResources;
import io.ratissidecar.sidecar.resp.RespEndpoint;
import io.ratissidecar.statemachine.apply.AppliedMarker;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;

/**
 * Control commands to the local Redis, one at a time. Confined to the control thread. Every method
 * may throw {@link RedisException} when Redis can't be reached.
 */
final class RedisControl implements AutoCloseable {
  /** The name of the connection on which entries are applied. */
  static final String APPLY_CONNECTION = "ratis-sidecar-apply";

  private final RedisClient client;
  private final StatefulRedisConnection<String, String> connection;
  private final RedisCommands<String, String> redis;

  private RedisControl(RedisClient client, StatefulRedisConnection<String, String> connection) {
    this.client = client;
    this.connection = connection;
    this.redis = connection.sync();
  }

  /** Answers to the greeting come at once or, while Redis loads its data, not yet. */
  private static final Duration CONNECT_TIMEOUT = Duration.ofSeconds(5);

  /**
   * @param resources Lettuce's threads, shared by all connections
   * @param timeout for each command
   */
  static RedisControl connect(ClientResources resources, RespEndpoint endpoint, Duration timeout) {
    RedisURI.Builder uri =
        endpoint.port() == 0
            ? RedisURI.Builder.socket(endpoint.host())
            : RedisURI.Builder.redis(endpoint.host(), endpoint.port());
    uri.withTimeout(CONNECT_TIMEOUT);
    if (endpoint.password().isPresent()) {
      if (endpoint.user().isPresent()) {
        uri.withAuthentication(endpoint.user().get(), endpoint.password().get().toCharArray());
      } else {
        uri.withPassword(endpoint.password().get().toCharArray());
      }
    }
    RedisClient client = RedisClient.create(resources, uri.build());
    // A lost connection is reported here and made anew by the supervisor, after it has looked at
    // the data.
    client.setOptions(ClientOptions.builder().autoReconnect(false).build());
    try {
      StatefulRedisConnection<String, String> connection = client.connect();
      connection.setTimeout(timeout);
      return new RedisControl(client, connection);
    } catch (RuntimeException e) {
      client.shutdown(Duration.ZERO, Duration.ofSeconds(1));
      throw e;
    }
  }

  /** {@code INFO} of one section as a map. */
  Map<String, String> info(String section) {
    Map<String, String> fields = new HashMap<>();
    for (String line : redis.info(section).split("\r?\n", -1)) {
      int colon = line.indexOf(':');
      if (colon > 0 && !line.startsWith("#")) {
        fields.put(line.substring(0, colon), line.substring(colon + 1));
      }
    }
    return fields;
  }

  /** The value of a setting, empty when this Redis does not have it. */
  Optional<String> setting(String name) {
    return Optional.ofNullable(redis.configGet(name).get(name));
  }

  /** True when no database holds a key. */
  boolean isEmpty() {
    return info("keyspace").isEmpty();
  }

  Optional<AppliedMarker> marker(int reservedDatabase) {
    redis.select(reservedDatabase);
    return AppliedMarker.parse(
        redis.get(AppliedMarker.BEGIN_KEY), redis.get(AppliedMarker.APPLIED_KEY));
  }

  /** Empties every database, the reserved one too. */
  void flushAll() {
    redis.flushall();
  }

  /**
   * Ends connections on which entries were applied before. Redis may still hold commands that it
   * received on them; killed, it does not execute those any more, so that the marker read next
   * stays true.
   */
  void fenceApplyConnections() {
    for (String line : redis.clientList().split("\n", -1)) {
      if (line.contains(" name=" + APPLY_CONNECTION + " ")) {
        long id = Long.parseLong(line.substring(line.indexOf("id=") + 3, line.indexOf(' ')));
        redis.clientKill(KillArgs.Builder.id(id));
      }
    }
  }

  void ping() {
    redis.ping();
  }

  /** Has Redis write its data and exit; the connection's end is the answer. */
  void shutdownAndSave() {
    try {
      redis.shutdown(true);
    } catch (RedisException e) {
      // Redis closes the connection instead of answering.
    }
  }

  boolean isOpen() {
    return connection.isOpen();
  }

  @Override
  public void close() {
    connection.close();
    client.shutdown(Duration.ZERO, Duration.ofSeconds(1));
  }
}
