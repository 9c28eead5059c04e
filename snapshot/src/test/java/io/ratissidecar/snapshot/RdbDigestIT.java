package io.ratissidecar.snapshot;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.ratissidecar.statemachine.command.LogicalTime;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashSet;
import java.util.List;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The same data in two Redises that keep it differently. */
class RdbDigestIT {
  private static final int RESERVED = 15;
  private static final String[] NUMBERS = {
    "0",
    "12",
    "13",
    "-1",
    "63",
    "64",
    "127",
    "128",
    "-128",
    "-129",
    "4095",
    "-4096",
    "4096",
    "32767",
    "-32769",
    "8388607",
    "-8388609",
    "2147483647",
    "-2147483649",
    "9223372036854775807",
    "-9223372036854775808"
  };

  @TempDir Path dir;
  private RedisProcess packed;
  private RedisProcess unpacked;

  @BeforeEach
  void start() throws Exception {
    packed = RedisProcess.start(dir.resolve("packed"));
    for (String limit : List.of("hash-max-listpack-entries", "zset-max-listpack-entries")) {
      packed.demand("CONFIG", "SET", limit, "1000");
    }
    packed.demand("CONFIG", "SET", "hash-max-listpack-value", "100000");
    packed.demand("CONFIG", "SET", "zset-max-listpack-value", "100000");
    packed.demand("CONFIG", "SET", "list-max-listpack-size", "-5");
    unpacked = RedisProcess.start(dir.resolve("unpacked"));
    for (String limit :
        List.of(
            "hash-max-listpack-entries", "zset-max-listpack-entries", "set-max-intset-entries")) {
      unpacked.demand("CONFIG", "SET", limit, "0");
    }
    unpacked.demand("CONFIG", "SET", "list-max-listpack-size", "1");
    unpacked.demand("CONFIG", "SET", "list-compress-depth", "1");
    unpacked.demand("CONFIG", "SET", "stream-node-max-entries", "2");
    unpacked.demand("CONFIG", "SET", "rdbcompression", "no");
  }

  @AfterEach
  void stop() throws IOException {
    packed.close();
    unpacked.close();
  }

  private static String digest(RedisProcess redis) throws IOException {
    redis.demand("SAVE");
    return RdbDigest.of(redis.rdb(), RESERVED).hash();
  }

  /** Strings of every length class, and numbers at the edges of every width. */
  private static List<String> elements() {
    List<String> all = new ArrayList<>(List.of(NUMBERS));
    Random random = new Random(3);
    for (int length : new int[] {0, 1, 63, 64, 100, 127, 300, 4095, 4096, 20_000}) {
      all.add("e" + length + "x".repeat(length)); // can be compressed
      StringBuilder noise = new StringBuilder("n" + length);
      random.ints(length, ' ', '~').forEach(c -> noise.append((char) c));
      all.add(noise.toString());
    }
    return all;
  }

  private static void fill(RedisProcess redis, List<String> unordered) throws IOException {
    redis.demand("SELECT", "3");
    for (String element : elements()) {
      redis.demand("RPUSH", "list", element);
      redis.demand("SET", "string " + element.length() + element.charAt(0), element);
      redis.demand("SET", "number " + element.hashCode(), element);
    }
    for (String number : NUMBERS) {
      redis.demand("SADD", "numbers", number);
    }
    for (String element : unordered) {
      redis.demand("SADD", "set", element);
      redis.demand("HSET", "hash", element, "v" + element);
      redis.demand("HSET", "hash of numbers", element, "17");
      redis.demand("ZADD", "sorted set", element.length() + ".25", element);
      redis.demand("ZADD", "sorted set", "-inf", "first");
      redis.demand("ZADD", "sorted set", "1e300", "late");
    }
    for (int i = 1; i < 30; i++) {
      redis.demand("XADD", "stream", i + "-5", "field", "" + i, i % 3 == 0 ? "other" : "f", "v");
    }
    redis.demand("XDEL", "stream", "7-5", "8-5");
    redis.demand("XGROUP", "CREATE", "stream", "group", "0");
    redis.demand("XREADGROUP", "GROUP", "group", "c", "COUNT", "5", "STREAMS", "stream", ">");
    redis.demand(
        "XCLAIM",
        "stream",
        "group",
        "c2",
        "0",
        "1-5",
        "2-5",
        "3-5",
        "4-5",
        "5-5",
        "TIME",
        "999",
        "RETRYCOUNT",
        "2",
        "JUSTID");
    redis.demand("PEXPIREAT", "list", "9000000000000");
    redis.demand("SET", "z".repeat(3000), "abc".repeat(40_000));
    redis.demand(
        "FUNCTION",
        "LOAD",
        "#!lua name=lib\nredis.register_function('f', function() return 1 end)");
  }

  private void fillBoth() throws IOException {
    List<String> elements = elements();
    fill(packed, elements);
    Collections.shuffle(elements, new Random(5));
    fill(unpacked, elements);
  }

  @Test
  void when_the_data_is_the_same_then_so_is_the_digest_however_it_is_kept() throws Exception {
    assertEquals(digest(packed), digest(unpacked));
    fillBoth();
    for (String key : List.of("hash", "sorted set", "numbers")) {
      assertNotEquals(
          packed.demand("OBJECT", "ENCODING", key).asString(),
          unpacked.demand("OBJECT", "ENCODING", key).asString());
    }
    assertEquals(digest(packed), digest(unpacked));
    unpacked.demand("SELECT", Integer.toString(RESERVED));
    unpacked.demand("SET", "own", "bookkeeping");
    assertEquals(digest(packed), digest(unpacked));
  }

  @Test
  void when_anything_differs_then_so_does_the_digest() throws Exception {
    fillBoth();
    String element = elements().get(elements().size() - 1);
    List<String[]> changes =
        List.of(
            new String[] {"APPEND", "string 2e", "x"},
            new String[] {"LSET", "list", "5", "65"},
            new String[] {"LMOVE", "list", "list", "LEFT", "RIGHT"},
            new String[] {"SREM", "set", element},
            new String[] {"SADD", "numbers", "14"},
            new String[] {"HSET", "hash", element, "w"},
            new String[] {"HDEL", "hash", "e0"},
            new String[] {"ZINCRBY", "sorted set", "0.5", element},
            new String[] {"ZREM", "sorted set", "first"},
            new String[] {"XADD", "stream", "99-1", "field", "v"},
            new String[] {"XDEL", "stream", "12-5"},
            new String[] {"XACK", "stream", "group", "1-5"},
            new String[] {"XCLAIM", "stream", "group", "c2", "0", "2-5", "TIME", "1000", "JUSTID"},
            new String[] {"XGROUP", "CREATECONSUMER", "stream", "group", "another"},
            new String[] {"XGROUP", "SETID", "stream", "group", "2-5"},
            new String[] {"PEXPIREAT", "list", "9000000000001"},
            new String[] {"RENAME", "set", "renamed"},
            new String[] {"MOVE", "hash", "4"},
            new String[] {"SETRANGE", "z".repeat(3000), "70000", "X"},
            new String[] {"FUNCTION", "FLUSH"});
    Set<String> digests = new HashSet<>(List.of(digest(packed)));
    for (String[] change : changes) {
      unpacked.demand(change);
      digests.add(digest(unpacked));
    }
    assertEquals(changes.size() + 1, digests.size());
    for (String[] change : changes) {
      packed.demand(change);
    }
    assertEquals(digest(packed), digest(unpacked));
  }

  /** The time at which a Redis deletes what has ended is its own. */
  @Test
  void when_one_still_has_a_key_that_has_ended_then_the_digest_is_the_same() throws Exception {
    fillBoth();
    packed.demand("DEBUG", "SET-ACTIVE-EXPIRE", "0");
    packed.demand("SET", "ended", "value", "PXAT", Long.toString(LogicalTime.PAST));
    assertEquals(1 + unpacked.demand("DBSIZE").asLong(), packed.demand("DBSIZE").asLong());
    assertEquals(digest(packed), digest(unpacked));
  }

  @Test
  void when_a_packed_value_is_damaged_then_it_is_said_and_nothing_else_happens() {
    byte[] text = "no list pack at all, but text".getBytes(StandardCharsets.US_ASCII);
    RdbInput in = new RdbInput(new ByteArrayInputStream(prefixed(text)));
    assertThrows(InvalidSnapshotException.class, () -> new ValueDigest(in).read(16));
  }

  /** With its length, as a string of an RDB. */
  private static byte[] prefixed(byte[] text) {
    byte[] all = new byte[text.length + 1];
    all[0] = (byte) text.length;
    System.arraycopy(text, 0, all, 1, text.length);
    return all;
  }
}
