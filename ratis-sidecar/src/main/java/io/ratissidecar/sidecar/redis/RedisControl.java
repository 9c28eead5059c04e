package io.ratissidecar.sidecar.redis;

import io.lettuce.core.FlushMode;
import io.lettuce.core.KeyValue;
import io.lettuce.core.KillArgs;
import io.lettuce.core.LettuceFutures;
import io.lettuce.core.RedisBusyException;
import io.lettuce.core.RedisCommandExecutionException;
import io.lettuce.core.RedisException;
import io.lettuce.core.RedisFuture;
import io.lettuce.core.api.StatefulRedisConnection;
import io.lettuce.core.api.async.RedisAsyncCommands;
import io.lettuce.core.codec.StringCodec;
import io.lettuce.core.output.CommandOutput;
import io.lettuce.core.protocol.CommandArgs;
import io.lettuce.core.protocol.CommandType;
import io.ratissidecar.statemachine.apply.AppliedMarker;
import io.ratissidecar.statemachine.script.ScriptCommands;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Control commands to the local Redis, one at a time. Confined to the control thread. Every method
 * may throw {@link RedisException} when Redis can't be reached.
 */
final class RedisControl implements AutoCloseable {
  /** The name of the connection on which entries are applied. */
  static final String APPLY_CONNECTION = "ratis-sidecar-apply";

  private static final Logger LOG = LoggerFactory.getLogger(RedisControl.class);

  /**
   * Redis answers nothing while it frees the memory. In the background it would need twice that.
   */
  private static final Duration FLUSH_PATIENCE = Duration.ofMinutes(10);

  private static final long CHILD_PATIENCE_NANOS = TimeUnit.SECONDS.toNanos(5);
  private static final long CHILD_POLL_MILLIS = 20;

  private static final String PROBE_KEY = "ratis-sidecar:probe";

  /** At the end of a dump: two bytes of version, eight of checksum. */
  private static final int DUMP_END_BYTES = 10;

  private final StatefulRedisConnection<String, String> connection;
  private final RedisAsyncCommands<String, String> redis;
  private boolean hasOldFile;

  RedisControl(StatefulRedisConnection<String, String> connection) {
    this.connection = connection;
    this.redis = connection.async();
  }

  private <T> T await(RedisFuture<T> reply) {
    return LettuceFutures.awaitOrCancel(
        reply, connection.getTimeout().toNanos(), TimeUnit.NANOSECONDS);
  }

  /** {@code INFO} of one section as a map. */
  Map<String, String> info(String section) {
    Map<String, String> fields = new HashMap<>();
    for (String line : await(redis.info(section)).split("\r?\n", -1)) {
      int colon = line.indexOf(':');
      if (colon > 0 && !line.startsWith("#")) {
        fields.put(line.substring(0, colon), line.substring(colon + 1));
      }
    }
    return fields;
  }

  /** The value of a setting, empty when this Redis does not have it. */
  Optional<String> setting(String name) {
    return Optional.ofNullable(await(redis.configGet(name)).get(name));
  }

  /**
   * What this connection's user may do, as {@code ACL LIST} has it ("on", "~*", "+@all" …), without
   * selectors, which can only allow more. Empty when it may not ask.
   */
  List<String> permissions() {
    try {
      String beginning = "user " + await(redis.aclWhoami()) + " ";
      return await(redis.aclList()).stream()
          .filter(user -> user.startsWith(beginning))
          .map(user -> user.substring(beginning.length()).replaceAll("\\([^)]*\\)", ""))
          .flatMap(rules -> Stream.of(rules.split(" ")))
          .toList();
    } catch (RedisCommandExecutionException e) {
      if (e.getMessage().startsWith("NOPERM")) {
        return List.of();
      }
      throw e;
    }
  }

  /** True when no database holds a key. */
  boolean isEmpty() {
    return info("keyspace").isEmpty();
  }

  Optional<AppliedMarker> marker(int reservedDatabase) {
    await(redis.select(reservedDatabase));
    // Both at one moment.
    List<KeyValue<String, String>> both =
        await(redis.mget(AppliedMarker.BEGIN_KEY, AppliedMarker.APPLIED_KEY));
    return AppliedMarker.parse(both.get(0).getValueOrElse(null), both.get(1).getValueOrElse(null));
  }

  /**
   * The newest version of the RDB format that it can load: it writes its own into every dump.
   * Leaves nothing behind, since the key for it is there within a transaction only, in a database
   * that users neither have nor hear of.
   */
  int rdbVersion(int reservedDatabase) {
    await(redis.select(reservedDatabase));
    await(redis.multi());
    redis.set(PROBE_KEY, "");
    redis.dump(PROBE_KEY);
    redis.del(PROBE_KEY);
    byte[] dump = await(redis.exec()).get(1);
    int at = dump.length - DUMP_END_BYTES;
    return (dump[at] & 0xff) | (dump[at + 1] & 0xff) << 8;
  }

  /**
   * Makes Redis know the scripts that its data holds: it forgets them when it ends, and an RDB does
   * not bring them.
   */
  void loadScripts(int reservedDatabase) {
    await(redis.select(reservedDatabase));
    List<byte[]> scripts =
        await(
            redis.dispatch(
                CommandType.HVALS,
                new BytesOutput(),
                new CommandArgs<>(StringCodec.UTF8).addKey(ScriptCommands.KEY)));
    for (byte[] script : scripts) {
      await(redis.scriptLoad(script));
    }
  }

  /** Values as they are. */
  private static final class BytesOutput extends CommandOutput<String, String, List<byte[]>> {
    BytesOutput() {
      super(StringCodec.UTF8, new ArrayList<>());
    }

    @Override
    public void set(ByteBuffer bytes) {
      byte[] value = new byte[bytes.remaining()];
      bytes.get(value);
      output.add(value);
    }
  }

  /**
   * Empties every database, the reserved one too, and forgets all functions. Redis's own file, if
   * it has one, is of older data, which may be what must not be believed any more, and would come
   * back with it: an empty one takes its place, if Redis can write it, see {@link #hasOldFile}.
   */
  void flushAll() throws InterruptedException {
    hasOldFile = true;
    String refusal = "somebody else writes to it";
    long start = System.nanoTime();
    do {
      flush();
      if (atLeast(7, 0)) {
        await(redis.functionFlush(FlushMode.SYNC));
      }
      try {
        await(redis.save());
        hasOldFile = !isEmpty(); // somebody may have written past the sidecar just then
      } catch (RedisBusyException e) {
        throw e;
      } catch (RedisCommandExecutionException e) {
        refusal = String.valueOf(e.getMessage());
        if (!refusal.contains("in progress")) {
          break;
        }
        // FLUSHALL ends a child that was saving, which Redis notices a moment later.
        Thread.sleep(CHILD_POLL_MILLIS);
      }
    } while (hasOldFile && System.nanoTime() - start < CHILD_PATIENCE_NANOS);
    if (hasOldFile) {
      LOG.warn(
          "The local Redis has no empty file in place of its older one, its own log may say why: {}. Its data will be loaded anew"
              + " whenever it has started again",
          refusal);
    }
  }

  /** Whether Redis may have a file from before {@link #flushAll}. */
  boolean hasOldFile() {
    return hasOldFile;
  }

  /** Another one each time that Redis starts. */
  String runId() {
    return info("server").getOrDefault("run_id", "");
  }

  private void flush() {
    Duration usual = connection.getTimeout();
    connection.setTimeout(FLUSH_PATIENCE);
    try {
      await(redis.flushall());
    } finally {
      connection.setTimeout(usual);
    }
  }

  /**
   * Ends connections on which entries were applied before. Redis may still hold commands that it
   * received on them; killed, it does not execute those any more, so that the marker read next
   * stays true.
   */
  void fenceApplyConnections() {
    for (String line : await(redis.clientList()).split("\n", -1)) {
      if (line.contains(" name=" + APPLY_CONNECTION + " ")) {
        long id = Long.parseLong(line.substring(line.indexOf("id=") + 3, line.indexOf(' ')));
        await(redis.clientKill(KillArgs.Builder.id(id)));
      }
    }
  }

  /** True when a child of Redis's is at work; until it ends there can't be another one. */
  boolean hasChild() {
    Map<String, String> persistence = info("persistence");
    return "1".equals(persistence.get("rdb_bgsave_in_progress"))
        || "1".equals(persistence.get("aof_rewrite_in_progress"));
  }

  /**
   * True when a replica may say that it takes an RDB while it is written, and Redis still forks at
   * once. Version 6.2 makes such a replica wait for others.
   */
  boolean streamsRdbAtOnce() {
    return atLeast(7, 0)
        && setting("repl-diskless-sync").orElse("").equals("yes")
        && setting("repl-diskless-sync-delay").orElse("").equals("0");
  }

  private boolean atLeast(int major, int minor) {
    Map<String, String> server = info("server");
    String version =
        server.getOrDefault("valkey_version", server.getOrDefault("redis_version", "0"));
    return RedisRequirements.atLeast(version, major, minor);
  }

  /** Makes it a replica of that server. */
  void replicaOf(InetSocketAddress primary) {
    await(redis.replicaof(primary.getAddress().getHostAddress(), primary.getPort()));
  }

  /** Makes it a primary; no more than that when it is one. */
  void replicaOfNoOne() {
    await(redis.replicaofNoOne());
  }

  /**
   * Ends the script that Redis is at work with, if it is with one.
   *
   * @return false when it has written, so that nothing but Redis's own end ends it
   */
  boolean endScript() {
    try {
      await(redis.scriptKill());
    } catch (RedisBusyException e) {
      return endFunction(); // so Redis says when it is a function
    } catch (RedisCommandExecutionException e) {
      return ended(e);
    }
    return true;
  }

  private boolean endFunction() {
    try {
      await(redis.functionKill());
    } catch (RedisCommandExecutionException e) {
      return ended(e);
    }
    return true;
  }

  private static boolean ended(RedisCommandExecutionException e) {
    String text = String.valueOf(e.getMessage());
    if (text.startsWith("NOTBUSY")) {
      return true;
    }
    if (text.startsWith("UNKILLABLE")) {
      return false;
    }
    throw e;
  }

  void ping() {
    await(redis.ping());
  }

  /** Has Redis write its data, if that is wanted, and exit; the connection's end is the answer. */
  void shutdown(boolean save) {
    try {
      redis.shutdown(save);
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
  }
}
