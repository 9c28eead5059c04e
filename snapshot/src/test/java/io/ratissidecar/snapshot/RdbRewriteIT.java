package io.ratissidecar.snapshot;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.ratissidecar.statemachine.apply.AppliedMarker;
import io.ratissidecar.statemachine.command.LogicalTime;
import io.ratissidecar.statemachine.resp.RespValue;
import io.ratissidecar.statemachine.script.Prelude;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.TreeMap;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** RDBs of a real Redis with every type and encoding, and a real Redis that loads what is made. */
class RdbRewriteIT {
  private static final String CLUSTER = "00112233445566778899aabbccddeeff";
  private static final int RESERVED = 15;
  private static final int LARGE = 2000;

  @TempDir Path dir;
  private Path rdb;
  private Map<String, String> users;

  @BeforeEach
  void fill() throws Exception {
    try (RedisProcess redis = RedisProcess.start(dir.resolve("source"))) {
      for (int database : new int[] {0, 3, 14}) {
        redis.demand("SELECT", Integer.toString(database));
        fill(redis);
      }
      redis.demand(
          "FUNCTION",
          "LOAD",
          "#!lua name=lib\nredis.register_function('f', function() return 1 end)");
      redis.demand("SAVE");
      rdb = Files.copy(redis.rdb(), dir.resolve("users.rdb"));
      users = contents(redis);
    }
  }

  private static void fill(RedisProcess redis) throws IOException {
    redis.demand("SET", "int", "12345");
    redis.demand("SET", "embedded", "short");
    redis.demand("SET", "compressible", "z".repeat(5000));
    redis.demand("SET", "", "the empty key");
    redis.demand("SET", "expires", "v", "PXAT", "4102444800123");
    byte[] noise = new byte[300_000];
    new Random(1).nextBytes(noise);
    redis.call(bytes("SET"), new byte[] {0, (byte) 0xff, '\n'}, noise);
    for (int i = 0; i < LARGE; i++) {
      String n = Integer.toString(i);
      for (String size : i < 5 ? new String[] {"small", "large"} : new String[] {"large"}) {
        redis.demand("RPUSH", size + "-list", "element " + n);
        redis.demand("HSET", size + "-hash", "field " + n, "value " + n);
        redis.demand("SADD", size + "-set", "member " + n);
        redis.demand("SADD", size + "-intset", n);
        redis.demand("ZADD", size + "-zset", n + ".5", "member " + n);
        redis.demand("XADD", size + "-stream", n + "-1", "field", n);
      }
    }
    redis.demand("RPUSH", "huge-element", "a", "b".repeat(100_000));
    redis.demand("PFADD", "hll", "a", "b", "c");
    redis.demand("GEOADD", "geo", "13.36", "38.11", "Palermo");
    redis.demand("XDEL", "large-stream", "5-1");
    redis.demand("XGROUP", "CREATE", "large-stream", "group", "0");
    redis.demand(
        "XREADGROUP", "GROUP", "group", "consumer", "COUNT", "9", "STREAMS", "large-stream", ">");
    redis.demand("XACK", "large-stream", "group", "1-1");
    redis.demand("PEXPIREAT", "large-hash", "4102444800456");
  }

  private static byte[] bytes(String text) {
    return text.getBytes(StandardCharsets.US_ASCII);
  }

  /** Each key of the users' databases, in a form that does not depend on the order in tables. */
  private static Map<String, String> contents(RedisProcess redis) throws IOException {
    return contents(redis, 0);
  }

  /**
   * @param shiftMillis how much later than the users' the deadlines are
   */
  private static Map<String, String> contents(RedisProcess redis, long shiftMillis)
      throws IOException {
    Map<String, String> all = new TreeMap<>();
    for (int database = 0; database < RESERVED; database++) {
      redis.demand("SELECT", Integer.toString(database));
      for (RespValue element : redis.demand("KEYS", "*").asList()) {
        byte[] key = ((RespValue.Bulk) element).bytes();
        String name = database + " " + HexFormat.of().formatHex(key);
        all.put(
            name,
            String.join(
                " ",
                redis.call(bytes("TYPE"), key).asString(),
                // Redis itself keeps a short string of either encoding as the other once loaded.
                redis
                    .call(bytes("OBJECT"), bytes("ENCODING"), key)
                    .asString()
                    .replace("embstr", "raw"),
                deadline(redis.call(bytes("PEXPIRETIME"), key).asLong(), shiftMillis),
                redis.call(bytes("DEBUG"), bytes("DIGEST-VALUE"), key).asList().get(0).asString()));
      }
    }
    redis.demand("SELECT", "0");
    for (String stream : new String[] {"large-stream", "small-stream"}) {
      // Without the times at which consumers were seen, which no RDB tells exactly.
      String info = redis.demand("XINFO", "GROUPS", stream).toString();
      all.put(stream, info + redis.demand("XINFO", "STREAM", stream));
    }
    all.put("pending", redis.call("XPENDING", "large-stream", "group").toString());
    List<RespValue> full = redis.demand("XINFO", "STREAM", "large-stream", "FULL").asList();
    List<RespValue> group = field(full, "groups").asList().get(0).asList();
    long delivered = field(group, "pending").asList().get(0).asList().get(2).asLong();
    long earlier = shiftMillis == 0 ? 0 : LogicalTime.DELIVERED_EARLIER_MILLIS;
    all.put("delivered", Long.toString(delivered + earlier));
    List<RespValue> library = redis.demand("FUNCTION", "LIST", "WITHCODE").asList().get(0).asList();
    byte[] code = ((RespValue.Bulk) field(library, "library_code")).bytes();
    assertEquals(
        shiftMillis != 0, Prelude.isWrapped(code), "nodes have functions with the prelude");
    all.put("functions", new String(Prelude.ofUser(code), StandardCharsets.US_ASCII));
    return all;
  }

  private static RespValue field(List<RespValue> fields, String name) {
    for (int i = 0; i < fields.size(); i += 2) {
      if (fields.get(i).asString().equals(name)) {
        return fields.get(i + 1);
      }
    }
    throw new AssertionError(name + " in " + fields);
  }

  private static String deadline(long stored, long shiftMillis) {
    return Long.toString(stored < 0 ? stored : stored - shiftMillis);
  }

  /** Names the keys that differ, and not all that there are. */
  private void assertSame(Map<String, String> others) {
    Map<String, String> missing = new TreeMap<>(users);
    Map<String, String> added = new TreeMap<>(others);
    missing.entrySet().removeAll(others.entrySet());
    added.entrySet().removeAll(users.entrySet());
    assertEquals(missing, added);
  }

  private RedisProcess load(Path file, String name) throws Exception {
    Path home = Files.createDirectories(dir.resolve(name));
    Files.copy(file, home.resolve("dump.rdb"));
    return RedisProcess.start(home);
  }

  private Path seed(Path source, String name) throws IOException {
    Path seed = dir.resolve(name + ".rdb");
    try (OutputStream out = Files.newOutputStream(seed)) {
      RdbRewrite.seed(source, out, RESERVED, CLUSTER, 3, 42);
    }
    return seed;
  }

  private Path export(Path source) throws IOException {
    Path export = dir.resolve("export.rdb");
    try (OutputStream out = Files.newOutputStream(export)) {
      RdbRewrite.export(source, out, count -> {});
    }
    return export;
  }

  @Test
  void when_seeded_then_redis_holds_the_same_and_the_marker() throws Exception {
    assertTrue(users.size() > 50, users::toString);
    Path seed = seed(rdb, "seed");
    assertEquals(Optional.of(new AppliedMarker(CLUSTER, 42, 42, 3)), RdbFile.read(seed).marker());
    try (RedisProcess redis = load(seed, "seeded")) {
      assertSame(contents(redis, LogicalTime.SHIFT_MILLIS));
      redis.demand("SELECT", Integer.toString(RESERVED));
      assertEquals(2, redis.demand("DBSIZE").asLong());
      assertEquals("42", redis.demand("GET", AppliedMarker.BEGIN_KEY).asString());
      assertEquals("42 3 " + CLUSTER, redis.demand("GET", AppliedMarker.APPLIED_KEY).asString());
    }
  }

  @Test
  void when_a_node_s_rdb_is_exported_then_redis_holds_all_but_the_reserved_database()
      throws Exception {
    Path saved;
    try (RedisProcess node = load(seed(rdb, "node"), "node")) {
      node.demand("SELECT", Integer.toString(RESERVED));
      node.demand("HSET", "ratis-sidecar:ids", "1", "a");
      node.demand("SAVE");
      saved = node.rdb();
    }
    Path export = export(saved);
    assertEquals(Optional.empty(), RdbFile.read(export).marker());
    try (RedisProcess redis = load(export, "exported")) {
      assertSame(contents(redis));
      redis.demand("SELECT", Integer.toString(RESERVED));
      assertEquals(0, redis.demand("DBSIZE").asLong());
    }
    // Seeding with the node's RDB itself comes to the same as with its export.
    assertEquals(-1, Files.mismatch(seed(saved, "from-node"), seed(export, "from-export")));
  }

  @Test
  void when_every_key_is_restored_then_redis_holds_the_same() throws Exception {
    try (RedisProcess redis = RedisProcess.start(dir.resolve("restored"));
        InputStream in = Files.newInputStream(rdb)) {
      RdbKeys.read(
          in,
          new RdbKeys.Listener() {
            @Override
            public void onKey(RdbKey key) throws IOException {
              redis.demand("SELECT", Integer.toString(key.database()));
              byte[] deadline = bytes(Long.toString(key.deadlineMillis()));
              RespValue reply =
                  redis.call(bytes("RESTORE"), key.name(), deadline, key.dump(), bytes("ABSTTL"));
              assertEquals("OK", reply.asString());
            }

            @Override
            public void onFunction(byte[] source) throws IOException {
              redis.call(bytes("FUNCTION"), bytes("LOAD"), source);
            }
          });
      assertSame(contents(redis));
    }
  }
}
