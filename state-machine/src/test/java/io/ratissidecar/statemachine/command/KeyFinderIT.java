package io.ratissidecar.statemachine.command;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.ratissidecar.statemachine.resp.Request;
import io.ratissidecar.statemachine.resp.RespValue;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.io.TempDir;

/** The keys that are found against those that {@code COMMAND GETKEYS} of a real Redis finds. */
class KeyFinderIT {
  /** Redis's own specification says that it is not complete. */
  private static final Set<String> UNKNOWN = Set.of("sort", "sort_ro", "migrate");

  /** Arguments that have to be more than just any words. */
  private static final Map<String, List<String>> ARGUMENTS =
      Map.ofEntries(
          Map.entry("eval", List.of("s 2 a b c", "s 0 a")),
          Map.entry("eval_ro", List.of("s 1 a b")),
          Map.entry("evalsha", List.of("s 2 a b c")),
          Map.entry("evalsha_ro", List.of("s 2 a b c")),
          Map.entry("fcall", List.of("f 2 a b c")),
          Map.entry("fcall_ro", List.of("f 2 a b c")),
          Map.entry("zunionstore", List.of("d 2 a b WEIGHTS 1 2", "d 1 a")),
          Map.entry("zinterstore", List.of("d 2 a b AGGREGATE SUM")),
          Map.entry("zdiffstore", List.of("d 3 a b c")),
          Map.entry("zunion", List.of("2 a b WITHSCORES")),
          Map.entry("zinter", List.of("2 a b")),
          Map.entry("zdiff", List.of("2 a b")),
          Map.entry("zintercard", List.of("2 a b LIMIT 1")),
          Map.entry("sintercard", List.of("2 a b LIMIT 1")),
          Map.entry("lmpop", List.of("2 a b LEFT")),
          Map.entry("zmpop", List.of("2 a b MIN")),
          Map.entry("blmpop", List.of("0 2 a b LEFT")),
          Map.entry("bzmpop", List.of("0 2 a b MIN")),
          Map.entry("xread", List.of("COUNT 2 STREAMS a b 0 0", "STREAMS a 0")),
          Map.entry("xreadgroup", List.of("GROUP g c COUNT 1 STREAMS a b > >")),
          Map.entry(
              "georadius", List.of("a 1 2 3 km", "a 1 2 3 km STORE d", "a 1 2 3 km storedist d")),
          Map.entry("georadiusbymember", List.of("a m 3 km STORE d")),
          Map.entry("mset", List.of("a 1 b 2 c 3")),
          Map.entry("msetnx", List.of("a 1 b 2")),
          Map.entry("object|encoding", List.of("a")),
          Map.entry("memory|usage", List.of("a SAMPLES 5")),
          Map.entry("set", List.of("a v EX 10 GET")),
          Map.entry("pfmerge", List.of("d a b")),
          Map.entry("bitop", List.of("AND d a b c")),
          Map.entry("lcs", List.of("a b LEN")));

  @TempDir static Path directory;
  private static RedisProcess redis;
  private static CommandTable table;

  @BeforeAll
  static void start() throws Exception {
    redis = RedisProcess.start(directory);
    table = CommandTable.of(redis.call("COMMAND"), 16, Set.of());
  }

  @AfterAll
  static void stop() throws Exception {
    if (redis != null) {
      redis.close();
    }
  }

  @TestFactory
  Stream<DynamicTest> every_data_command_has_the_keys_that_redis_finds() {
    List<DynamicTest> tests = new ArrayList<>();
    for (CommandSpec spec : table.all()) {
      if (spec.data() && !spec.container() && !UNKNOWN.contains(spec.name())) {
        for (String arguments : ARGUMENTS.getOrDefault(spec.name(), List.of(anyWords(spec)))) {
          String line = (spec.name().replace('|', ' ') + " " + arguments).strip();
          tests.add(DynamicTest.dynamicTest(line, () -> compare(line)));
        }
      }
    }
    assertTrue(tests.size() > 150, () -> tests.size() + " commands");
    return tests.stream();
  }

  private static String anyWords(CommandSpec spec) {
    StringBuilder words = new StringBuilder();
    int count = Math.abs(spec.arity()) - (spec.name().indexOf('|') > 0 ? 2 : 1);
    for (int i = 0; i < count; i++) {
      words.append(" w").append(i);
    }
    return words.toString().strip();
  }

  private static void compare(String line) throws Exception {
    Request request = Tables.request(line);
    CommandSpec spec = table.find(request, 0);
    RespValue told = redis.call(("COMMAND GETKEYS " + line).split(" "));
    Optional<Set<DatabaseKey>> found = table.keys().find(request, 0, spec, 3);
    if (Set.of("dbsize", "keys", "scan", "randomkey").contains(spec.name())) {
      assertEquals(Optional.empty(), found);
      return;
    }
    Set<String> expected = new LinkedHashSet<>();
    if (!told.isError()) { // else it takes no keys
      told.asList().forEach(key -> expected.add(key.asString()));
    } else {
      assertTrue(
          told.asString().contains("no key arguments")
              || told.asString().contains("'command|getkeys'") // it wants an argument
              || line.contains(" 0 "),
          () -> line + ": " + told.asString());
    }
    Set<String> names = new LinkedHashSet<>();
    for (DatabaseKey key : found.orElseThrow()) {
      if (key.database() == 3) {
        names.add(new String(key.name(), StandardCharsets.UTF_8));
      }
    }
    assertEquals(expected, names);
  }

  @Test
  void commands_whose_keys_redis_does_not_tell_may_touch_any() {
    for (String line : List.of("SORT l BY w_* STORE d", "KEYS *", "nope a", "ZUNIONSTORE d 9 a")) {
      Request request = Tables.request(line);
      assertEquals(
          Optional.empty(), table.keys().find(request, 0, table.find(request, 0), 0), line);
    }
  }

  @Test
  void a_key_that_is_made_in_another_database_counts() {
    for (String line : List.of("COPY a b REPLACE DB 2", "MOVE b 2")) {
      Request request = Tables.request(line);
      Set<DatabaseKey> keys =
          table.keys().find(request, 0, table.find(request, 0), 0).orElseThrow();
      assertTrue(keys.contains(new DatabaseKey(2, new byte[] {'b'})), line);
    }
  }

  @Test
  void redis_62_tells_fixed_places_only() {
    CommandTable old = Tables.redis62(8);
    Request request = Tables.request("MSET a 1 b 2");
    assertEquals(2, old.keys().find(request, 0, old.find(request, 0), 0).orElseThrow().size());
    Request script = Tables.request("EVAL s 1 a");
    assertEquals(Optional.empty(), old.keys().find(script, 0, old.find(script, 0), 0));
  }
}
