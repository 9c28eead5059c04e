package io.ratissidecar.statemachine.script;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.ratissidecar.statemachine.command.LogicalTime;
import io.ratissidecar.statemachine.command.RedisProcess;
import io.ratissidecar.statemachine.resp.RespValue;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Stream commands that depend on the clock, in the prelude and beside a plain Redis. */
class StreamPreludeIT {
  private static final Prelude PRELUDE = Prelude.of(15, LogicalTime.SHIFT_MILLIS);

  @TempDir static Path directory;
  private static RedisProcess plain;
  private static RedisProcess kept;
  private long clock = 1_750_000_000_000L;
  private long nodeEntries = 100;

  @BeforeAll
  static void start() throws Exception {
    plain = RedisProcess.start(Files.createDirectory(directory.resolve("plain")));
    kept =
        RedisProcess.start(
            Files.createDirectory(directory.resolve("kept")), "--enable-debug-command", "yes");
  }

  @AfterAll
  static void stop() throws Exception {
    plain.close();
    kept.close();
  }

  @BeforeEach
  void empty() throws IOException {
    for (RedisProcess redis : List.of(plain, kept)) {
      redis.call("HELLO", "2");
      redis.call("FLUSHALL");
    }
  }

  @Test
  void ids_go_on_from_the_clock_or_the_stream() throws IOException {
    assertEquals(clock + "-0", in("XADD s * f v"));
    assertEquals(clock + "-1", in("XADD s * f v"));
    assertEquals(clock + "-2", in("XADD s MAXLEN ~ 10 LIMIT 5 * f v"));
    assertEquals(clock + "-3", in("XADD s maxlen 10 * ~ *"));
    assertEquals(clock + "-4", in("XADD s MINID ~ 5 * ~ *"));
    assertEquals("[[" + clock + "-4, [~, *]]]", in("XREVRANGE s + - COUNT 1"));
    assertEquals(clock + "-5", in("XADD s MAXLEN = 2 * f v"));
    assertEquals("2", in("XLEN s"));
    clock++;
    assertEquals(clock + "-0", in("xadd s nomkstream * f v"));
    clock -= 10;
    assertEquals((clock + 10) + "-1", in("XADD s * f v"));
    assertEquals((clock + 10) + "-2", in("XADD s MINID = 0 * f v"));
    assertEquals("5-5", in("XADD t 5-5 f v"));
    kept.call("XADD", "u", clock + "-18446744073709551615", "f", "v");
    assertEquals((clock + 1) + "-0", in("XADD u * f v"));
    kept.call("XADD", "v", "18446744073709551614-18446744073709551614", "f", "v");
    assertEquals("18446744073709551614-18446744073709551615", in("XADD v * f v"));
    assertEquals("18446744073709551615-0", in("XADD v * f v"));
    kept.call("XADD", "w", "1799999999999999999-9999999999999999999", "f", "v");
    assertEquals("1799999999999999999-10000000000000000000", in("XADD w * f v"));
    assertEquals("null", in("XADD none NOMKSTREAM * f v"));
    kept.call("XADD", "x", "18446744073709551615-18446744073709551615", "f", "v");
    assertTrue(in("XADD x * f v").contains("exhausted the last possible ID"));
  }

  @Test
  void errors_are_those_of_redis() throws IOException {
    both("SET string x");
    both("XADD s 1-1 f v");
    both("XADD s 2-1 f v");
    both("XGROUP CREATE s g 0");
    for (String line :
        List.of(
            "XADD string * f v",
            "XADD s * f v g",
            "XADD s MAXLEN x * f v",
            "XADD s MAXLEN ~ x * f v",
            "XADD s MAXLEN ~ -1 * f v",
            "XADD s MAXLEN ~ 1 LIMIT x * f v",
            "XADD s MAXLEN ~ 1 LIMIT -1 * f v",
            "XADD s MAXLEN = 1 LIMIT 1 * f v",
            "XADD s MAXLEN ~ 1 MINID ~ 1 * f v",
            "XADD s MAXLEN 1 MINID 1 * f v",
            "XADD s MAXLEN = 1 MAXLEN = 1 5-1 f v",
            "XTRIM s MAXLEN 1 MINID ~ 1",
            "XADD s LIMIT 1 * f v",
            "XADD s MINID ~ x 3-1 f v",
            "XADD s MAXLEN ~ 1 1-1 f v",
            "XADD string MAXLEN ~ 1 * f v",
            "XTRIM s MAXLEN ~",
            "XTRIM s MAXLEN ~ 1 LIMIT",
            "XTRIM s MAXLEN ~ 01",
            "XTRIM s MINID ~ x",
            "XTRIM s MAXLEN ~ 1 LIMIT 9223372036854775808",
            "XTRIM string MAXLEN ~ 1",
            "XTRIM string MINID ~ 1",
            "XREADGROUP GROUP g c STREAMS none >",
            "XREADGROUP GROUP none c STREAMS s >",
            "XREADGROUP GROUP g c STREAMS s t >",
            "XREADGROUP GROUP g c STREAMS string >",
            "XREADGROUP GROUP g c STREAMS s x",
            "XREADGROUP GROUP g c STREAMS s $",
            "XREADGROUP GROUP g c COUNT x STREAMS s >",
            "XREADGROUP GROUP g c FOO STREAMS s >",
            "XREADGROUP COUNT 1 NOACK STREAMS s >",
            "XREADGROUP GROUP g c COUNT 1 NOACK s >",
            "XCLAIM none g c 0 1-1",
            "XCLAIM s none c 0 1-1",
            "XCLAIM string g c 0 1-1",
            "XCLAIM s g c x 1-1",
            "XCLAIM s g c 0 x",
            "XCLAIM s g c 0 1-1 IDLE",
            "XCLAIM s g c 0 1-1 IDLE x",
            "XCLAIM s g c 0 1-1 TIME x",
            "XCLAIM s g c 0 1-1 RETRYCOUNT x",
            "XCLAIM s g c 0 1-1 LASTID x",
            "XCLAIM s g c 0 1-1 FOO",
            "XCLAIM s g c 5 99999999999999999999999-1",
            "XAUTOCLAIM none g c 0 0",
            "XAUTOCLAIM s none c 0 0",
            "XAUTOCLAIM string g c 0 0",
            "XAUTOCLAIM s g c x 0",
            "XAUTOCLAIM s g c 0 x",
            "XAUTOCLAIM s g c 0 99999999999999999999999-1",
            "XAUTOCLAIM s g c 0 0 COUNT",
            "XAUTOCLAIM s g c 0 0 COUNT 0",
            "XAUTOCLAIM s g c 0 0 COUNT x",
            "XAUTOCLAIM s g c 0 0 FOO",
            "XPENDING none g - + 1",
            "XPENDING s none - + 1",
            "XPENDING s g",
            "XPENDING s none",
            "XPENDING s g IDLE x - + 1",
            "XPENDING s g - +",
            "XPENDING s g x + 1",
            "XPENDING s g - + x",
            "XPENDING s g - + 1 c d",
            "XPENDING s g IDLE 1 - + 1 c d")) {
      both(line);
    }
  }

  @Test
  void delivery_is_by_the_clock_of_the_entry() throws IOException {
    for (int i = 1; i <= 3; i++) {
      kept.call("XADD", "s", i + "-0", "f", "v");
    }
    kept.call("XGROUP", "CREATE", "s", "g", "0");
    in("XREADGROUP GROUP g a COUNT 2 STREAMS s >");
    clock += 1000;
    in("XREADGROUP GROUP g b STREAMS s >");
    assertEquals(
        "[[1-0, a, 1000, 1], [2-0, a, 1000, 1], [3-0, b, 0, 1]]", in("XPENDING s g - + 10"));
    assertEquals("[[1-0, a, 1000, 1]]", in("XPENDING s g IDLE 1000 - + 1"));
    assertEquals("[]", in("XPENDING s g IDLE 1001 - + 10"));
    assertEquals("[[3-0, b, 0, 1]]", in("XPENDING s g (2-0 + 10 b"));
    clock += 500;
    in("XREADGROUP GROUP g a COUNT 1 STREAMS s 0");
    assertEquals("[[1-0, a, 0, 2], [2-0, a, 1500, 1]]", in("XPENDING s g - + 10 a"));
    assertEquals("[[2-0, [f, v]]]", in("XCLAIM s g c 1500 1-0 2-0 3-0"));
    assertEquals("[2-0]", in("XCLAIM s g c 0 2-0 IDLE 700 RETRYCOUNT 9 JUSTID"));
    assertEquals("[[2-0, c, 700, 9]]", in("XPENDING s g - + 10 c"));
    assertEquals("[1-0]", in("XCLAIM s g c 0 1-0 TIME " + (clock - 30) + " JUSTID"));
    assertEquals("[3-0]", in("XCLAIM s g c 0 3-0 TIME " + (clock + 30) + " JUSTID"));
    assertEquals("[[1-0, c, 30, 2], [2-0, c, 700, 9], [3-0, c, 0, 1]]", in("XPENDING s g - + 10"));
    assertEquals("[0-0, [[2-0, [f, v]]], []]", in("XAUTOCLAIM s g d 700 -"));
    assertEquals("[3-0, [1-0, 2-0], []]", in("XAUTOCLAIM s g d 0 0 COUNT 2 JUSTID"));
    assertEquals("[[1-0, d, 0, 2], [2-0, d, 0, 10], [3-0, c, 0, 1]]", in("XPENDING s g - + 10"));
    clock -= 400; // by another leader; nothing is idle for less than no time
    assertEquals("[[1-0, d, 0, 2]]", in("XPENDING s g - + 1"));
    assertEquals("[]", in("XCLAIM s g e 1 1-0"));
    clock += 1000;
    assertEquals("[[1-0, d, 600, 2]]", in("XPENDING s g - + 1"));
  }

  @Test
  void times_that_came_out_of_no_log_are_what_they_say() throws IOException {
    kept.call("XADD", "s", "1-0", "f", "v");
    kept.call("XGROUP", "CREATE", "s", "g", "0");
    long delivered = clock - 5000;
    kept.call("XCLAIM", "s", "g", "a", "0", "1-0", "FORCE", "TIME", Long.toString(delivered));
    assertEquals("[[1-0, a, 5000, 2]]", in("XPENDING s g IDLE 5000 - + 9"));
    assertEquals("[]", in("XCLAIM s g b 5001 1-0"));
    assertEquals("[[1-0, [f, v]]]", in("XCLAIM s g b 5000 1-0"));
  }

  /** As they come with RESTORE to a node whose clock is an hour behind the log's. */
  @Test
  void times_that_this_node_has_not_seen_yet_are_what_they_say() throws IOException {
    for (int i = 1; i <= 3; i++) {
      kept.call("XADD", "s", i + "-0", "f", "v");
    }
    kept.call("XGROUP", "CREATE", "s", "other", "0");
    kept.call("XGROUP", "CREATE", "s", "g", "0");
    kept.call("XREADGROUP", "GROUP", "g", "a", "STREAMS", "s", ">");
    kept.call("XDEL", "s", "3-0");
    kept.call("DEBUG", "SET-SKIP-CHECKSUM-VALIDATION", "1");
    RespValue info = kept.call("XINFO", "STREAM", "s", "FULL");
    Matcher delivered = Pattern.compile("\\b1-0, :?a, :?([0-9]{13})").matcher(text(info));
    assertTrue(delivered.find(), () -> text(info));
    long before = Long.parseLong(delivered.group(1));
    long later = before + 3_600_000;
    String dump = new String(((RespValue.Bulk) kept.call("DUMP", "s")).bytes(), ISO_8859_1);
    String moved = dump.replace(packed(before), packed(later));
    assertNotEquals(dump, moved);
    byte[][] restore = {
      "RESTORE".getBytes(UTF_8),
      "s".getBytes(UTF_8),
      "0".getBytes(UTF_8),
      moved.getBytes(ISO_8859_1),
      "REPLACE".getBytes(UTF_8)
    };
    assertEquals("OK", text(kept.call(restore)));
    clock = later + 5000;
    assertEquals(
        "[[1-0, a, 5000, 1], [2-0, a, 5000, 1], [3-0, a, 5000, 1]]", in("XPENDING s g - + 9"));
    assertEquals("[]", in("XPENDING s g IDLE 5001 - + 9"));
    assertEquals("[]", in("XCLAIM s g b 5001 1-0"));
    assertEquals("[[1-0, [f, v]]]", in("XCLAIM s g b 5000 1-0"));
    assertEquals("[0-0, [], [3-0]]", in("XAUTOCLAIM s g c 5001 0"));
    assertEquals("[0-0, [[2-0, [f, v]]], []]", in("XAUTOCLAIM s g c 5000 0"));
  }

  /** Redis itself does not write it there when it found nothing. */
  @Test
  void an_append_only_file_has_every_consumer() throws Exception {
    RedisProcess before = kept;
    try (RedisProcess redis =
        RedisProcess.start(
            Files.createDirectory(directory.resolve("file")),
            "--enable-debug-command",
            "yes",
            "--appendonly",
            "yes")) {
      kept = redis;
      in("XADD s 1-0 f v");
      in("XGROUP CREATE s g 0");
      in("XREADGROUP GROUP g a STREAMS s >");
      in("XREADGROUP GROUP g b STREAMS s 0");
      List<String> held = consumers(redis);
      assertEquals(2, held.size());
      assertEquals("OK", text(redis.call("DEBUG", "LOADAOF")));
      assertEquals(held, consumers(redis));
    } finally {
      kept = before;
    }
  }

  private static List<String> consumers(RedisProcess redis) throws IOException {
    return redis.call("XINFO", "CONSUMERS", "s", "g").asList().stream()
        .map(consumer -> text(consumer).replaceAll("idle, [0-9]+", ""))
        .toList();
  }

  private static String packed(long number) {
    byte[] bytes = ByteBuffer.allocate(8).order(ByteOrder.LITTLE_ENDIAN).putLong(number).array();
    return new String(bytes, ISO_8859_1);
  }

  /** Whatever is called in whatever order: replies and groups are those of a plain Redis. */
  @Test
  void chance_finds_no_difference() throws IOException {
    long seed = Long.getLong("seed", new Random().nextLong());
    Random random = new Random(seed);
    String[] ids = {"1-0", "2-0", "3-0", "5-0", "8-0", "13-0", "9-9", "0-0"};
    for (int round = 0; round < 40; round++) {
      empty();
      int last = 0;
      for (int step = 0; step < 40; step++) {
        String s = random.nextInt(4) == 0 ? "t" : "s";
        String c = "c" + random.nextInt(3);
        String id = ids[random.nextInt(ids.length)];
        String more = ids[random.nextInt(ids.length)];
        String justid = random.nextBoolean() ? " JUSTID" : "";
        // Times are far apart, so that it does not matter how fast the two are.
        String least = random.nextBoolean() ? "0" : "1000000";
        String line =
            switch (random.nextInt(14)) {
              case 0, 1, 2 -> "XADD " + s + " " + (last += 1 + random.nextInt(2)) + "-0 f v" + step;
              case 3 -> "XGROUP CREATE " + s + " g " + (random.nextBoolean() ? "0" : "$");
              case 4 -> "XGROUP SETID " + s + " g 0";
              case 5 -> "XDEL " + s + " " + id;
              case 6 -> "XACK " + s + " g " + id;
              case 7 -> "XREADGROUP GROUP g " + c + " COUNT 2 STREAMS " + s + " >";
              case 8 ->
                  "XREADGROUP GROUP g "
                      + c
                      + " NOACK COUNT 1 STREAMS s t > "
                      + (random.nextBoolean() ? ">" : "0");
              case 9 -> "XREADGROUP GROUP g " + c + " STREAMS s t 0 " + id;
              case 10, 11 ->
                  "XCLAIM "
                      + s
                      + " g "
                      + c
                      + " "
                      + least
                      + " "
                      + id
                      + " "
                      + more
                      + (random.nextInt(3) == 0 ? " FORCE" : "")
                      + (random.nextInt(3) == 0 ? " IDLE 5000000" : "")
                      + (random.nextInt(4) == 0 ? " RETRYCOUNT 3" : "")
                      + (random.nextInt(4) == 0 ? " LASTID 2-0" : "")
                      + justid;
              case 12 ->
                  "XAUTOCLAIM "
                      + s
                      + " g "
                      + c
                      + " "
                      + least
                      + " "
                      + (random.nextBoolean() ? "-" : "(" + id)
                      + (random.nextBoolean() ? " COUNT 1" : "")
                      + justid;
              default ->
                  "XPENDING "
                      + s
                      + " g IDLE "
                      + least
                      + " - + "
                      + (1 + random.nextInt(3))
                      + (random.nextBoolean() ? " " + c : "");
            };
        clock = System.currentTimeMillis();
        String expected = coarse(plain.call(line.split(" ")));
        assertEquals(expected, coarse(run(line)), () -> "seed " + seed + ": " + line);
        for (String key : List.of("s", "t")) {
          assertEquals(groups(plain, key), groups(kept, key), () -> "seed " + seed + ": " + line);
        }
      }
    }
  }

  @Test
  void what_is_trimmed_about_is_what_redis_trims_with_nodes_of_that_size() throws IOException {
    long seed = System.nanoTime();
    Random random = new Random(seed);
    for (long entries : new long[] {1, 7, 100}) {
      nodeEntries = entries;
      plain.call("CONFIG", "SET", "stream-node-max-entries", Long.toString(entries));
      both("DEL s");
      for (int i = 1; i < 1500; i++) {
        String limit = random.nextInt(3) > 0 ? "" : " LIMIT " + random.nextInt((int) entries * 3);
        // What is kept is as if there had been nothing before, unless a stream was emptied, or
        // trimmed within a node.
        int keep = 1 + (random.nextInt(10) == 0 ? random.nextInt(20) : random.nextInt(600));
        String trim = "MAXLEN ~ " + keep + limit;
        String line =
            switch (random.nextInt(15)) {
              case 0 -> "XTRIM s " + trim;
              case 1 -> "XADD s " + trim + " " + i + "-1 f v";
              case 2 -> "XADD s NOMKSTREAM " + trim + " " + i + "-1 f v";
              default -> "XADD s " + i + "-1 f v";
            };
        String expected = text(plain.call(line.split(" ")));
        int step = i;
        assertEquals(expected, in(line), () -> "seed " + seed + " " + step + ": " + line);
        assertEquals(
            plain.call("XRANGE", "s", "-", "+").toString(),
            kept.call("XRANGE", "s", "-", "+").toString(),
            () -> "seed " + seed + " " + step + ": " + line);
      }
    }
  }

  @Test
  void what_is_trimmed_about_is_no_more_than_the_limit() throws IOException {
    for (int i = 1; i <= 30; i++) {
      both("XADD s " + i + "-0 f v");
    }
    nodeEntries = 3;
    assertEquals("4", in("XTRIM s MINID ~ 20 LIMIT 4"));
    assertEquals("15", in("xtrim s minid ~ 20-0 limit 100"));
    assertEquals("31-0", in("XADD s MINID ~ 25 LIMIT 2 31-0 f v"));
    assertEquals("[[22-0, [f, v]]]", in("XRANGE s - + COUNT 1"));
    assertEquals("0", in("XTRIM s MINID ~ 22"));
    assertEquals("3", in("XTRIM s MINID ~ 25 LIMIT 0"));
    assertEquals("0", in("XTRIM s MAXLEN ~ 0 LIMIT 2"));
    assertEquals("6", in("XTRIM s MAXLEN ~ 0 LIMIT 6"));
    assertEquals("1", in("XTRIM s MINID ~ 18446744073709551615"));
    for (int i = 1; i <= 1000; i++) {
      kept.call("XADD", "u", i + "-0", "f", "v");
    }
    assertEquals("250", in("XTRIM u MINID ~ 700 LIMIT 250"));
    assertEquals("200", in("XTRIM u MINID ~ 700 LIMIT 200"));
    assertEquals("249", in("XTRIM u MINID ~ 700 LIMIT 300"));
    assertEquals("1", in("XTRIM u MINID ~ 701-0 LIMIT 200"));
    assertEquals("100", in("XTRIM u MINID ~ 900 LIMIT 100"));
    assertEquals("0", in("XTRIM u MINID ~ 100 LIMIT 100"));
    for (int i = 1; i <= 30; i++) {
      in("XADD t " + i + "-0 f " + "v".repeat(2000));
    }
    nodeEntries = 100;
    assertEquals("24", in("XTRIM t MAXLEN ~ 5"), "two go into the 4 KiB of a node");
    assertEquals("31-0", in("XADD t MAXLEN ~ 3 31-0 f " + "v".repeat(5000)));
    assertEquals("3", in("XLEN t"));
  }

  @Test
  void long_lists_come_in_pages() throws IOException {
    for (int i = 1; i <= 1230; i++) {
      kept.call("XADD", "s", i + "-0", "f", "v");
      plain.call("XADD", "s", i + "-0", "f", "v");
    }
    both("XGROUP CREATE s g 0");
    clock = System.currentTimeMillis();
    both("XREADGROUP GROUP g c1 STREAMS s >");
    assertEquals(1230, run("XPENDING s g - + 5000").asList().size());
    assertEquals(77, run("XPENDING s g IDLE 0 - + 77").asList().size());
    both("XAUTOCLAIM s g c2 0 - COUNT 700 JUSTID");
    both("XAUTOCLAIM s g c2 1000000 - COUNT 11");
    both("XDEL s 3-0 4-0 5-0 800-0");
    both("XAUTOCLAIM s g c0 1000000 - COUNT 2");
    both("XAUTOCLAIM s g c0 0 700-0 COUNT 200");
    assertEquals(groups(plain, "s"), groups(kept, "s"));
  }

  @Test
  void in_resp3_a_group_reads_a_map() throws IOException {
    both("XADD s 1-0 f v");
    both("XADD t 1-0 f v");
    both("XGROUP CREATE s g 0");
    both("XGROUP CREATE t g 0");
    for (RedisProcess redis : List.of(plain, kept)) {
      redis.call("HELLO", "3");
    }
    String line = "XREADGROUP GROUP g c STREAMS s t > >";
    RespValue expected = plain.call(line.split(" "));
    RespValue reply = run(OwnScript.COMMAND_RESP3, line);
    assertEquals(expected.getClass(), reply.getClass());
    assertEquals(expected.toString().length(), reply.toString().length());
    assertTrue(run(OwnScript.COMMAND_RESP3, line).isNull());
    assertEquals("[[1-0, [f, v]]]", text(run(OwnScript.COMMAND_RESP3, "XCLAIM s g d 0 1-0")));
  }

  private void both(String line) throws IOException {
    clock = System.currentTimeMillis();
    RespValue expected = plain.call(line.split(" "));
    assertEquals(text(expected), text(run(line)), line);
  }

  private String in(String line) throws IOException {
    return text(run(line));
  }

  private RespValue run(String line) throws IOException {
    return run(OwnScript.COMMAND, line);
  }

  private RespValue run(OwnScript script, String line) throws IOException {
    List<byte[]> command = new ArrayList<>();
    command.add("EVAL".getBytes(UTF_8));
    command.add(PRELUDE.wrap(script.body()));
    command.add("0".getBytes(UTF_8));
    Arrays.stream(line.split(" ")).forEach(word -> command.add(word.getBytes(UTF_8)));
    command.add(Long.toString(clock).getBytes(UTF_8));
    String tail = nodeEntries == 100 ? "" : ":" + nodeEntries;
    command.add(("7:0" + tail).getBytes(UTF_8));
    return kept.call(command.toArray(byte[][]::new));
  }

  private static String text(RespValue value) {
    if (value instanceof RespValue.Array || value instanceof RespValue.Map) {
      return value.asList().stream().map(StreamPreludeIT::text).toList().toString();
    }
    if (value instanceof RespValue.Int number) {
      return Long.toString(number.value());
    }
    return value.isNull() ? "null" : value.asString();
  }

  /** Without what differs by a few milliseconds. */
  private static String coarse(RespValue reply) {
    return coarse(text(reply));
  }

  private static String coarse(String text) {
    return text.replaceAll("(?<=c[0-2], )(?=\\d)(\\d{0,4}|(\\d+)\\d{4})(?=,)", "$2");
  }

  /** What a later reply depends on: everything but the times themselves, which XPENDING tells. */
  private String groups(RedisProcess redis, String key) throws IOException {
    RespValue info = redis.call("XINFO", "GROUPS", key);
    if (info.isError()) {
      return text(info);
    }
    RespValue pending =
        redis == kept
            ? run("XPENDING " + key + " g - + 2000")
            : redis.call("XPENDING", key, "g", "-", "+", "2000");
    assertFalse(info.isError());
    return text(info) + coarse(pending);
  }
}
