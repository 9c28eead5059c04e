package io.ratissidecar.statemachine.command;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.ratissidecar.statemachine.resp.Request;
import io.ratissidecar.statemachine.resp.RespValue;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.io.TempDir;

/** The command table against a real Redis. */
class CommandTableIT {
  private static final int DATABASES = 16;

  /** How far two expiry times may be apart that were set one soon after the other. */
  private static final long TOLERANCE_MILLIS = 20_000;

  @TempDir static Path directory;
  private static RedisProcess redis;
  private static CommandTable table;

  @BeforeAll
  static void start() throws Exception {
    redis = RedisProcess.start(directory);
    table = CommandTable.of(redis.call("COMMAND"), DATABASES, Set.of());
  }

  @AfterAll
  static void stop() throws Exception {
    if (redis != null) {
      redis.close();
    }
  }

  @BeforeEach
  void empty() throws IOException {
    redis.call("SELECT", "0");
    redis.call("FLUSHALL");
  }

  @Test
  void what_redis_says_may_need_memory_scripts_are_refused_when_there_is_none() {
    Set<String> flagged = new TreeSet<>();
    for (CommandSpec spec : table.all()) {
      boolean subcommand = spec.name().indexOf('|') >= 0;
      if (spec.flags().contains("denyoom") && !(subcommand && spec.flags().contains("noscript"))) {
        flagged.add(spec.name());
      }
    }
    assertEquals(flagged, new TreeSet<>(ScriptPolicy.NEEDY));
  }

  @Test
  void every_data_command_is_classified_by_the_file_or_by_a_default() {
    PolicyFile file = PolicyFile.load();
    List<String> unnamed = new ArrayList<>();
    for (CommandSpec spec : table.all()) {
      boolean data = spec.write() || spec.flags().contains("readonly");
      if (data && !file.names().contains(spec.name())) {
        unnamed.add(spec.name());
        assertEquals(spec.write() ? RaftPolicy.REFUSE : spec.raft(), spec.raft(), spec.name());
      }
    }
    assertEquals(List.of(), unnamed, "Redis " + redisVersion() + " knows them");
  }

  /** No writes by their flags, but Redis itself sends them to its replicas. */
  private static final Set<String> REPLICATED_BY_REDIS = Set.of("publish", "spublish", "pfcount");

  @Test
  void what_is_logged_is_a_write_and_what_is_read_is_none() {
    for (CommandSpec spec : table.all()) {
      if (spec.raft() == RaftPolicy.LOG) {
        assertTrue(spec.write() || REPLICATED_BY_REDIS.contains(spec.name()), spec.name());
        // PFDEBUG is for administrators since it takes long, but it is about one key.
        assertTrue(!spec.flags().contains("admin") || spec.name().equals("pfdebug"), spec.name());
        assertTrue(!spec.blocking() || spec.rule() != ArgumentRule.NONE, spec.name());
      } else if (spec.raft() == RaftPolicy.READ) {
        assertTrue(!spec.write(), spec.name());
      }
    }
  }

  @TestFactory
  Stream<DynamicTest> plans_have_the_same_reply_and_effect_as_the_commands() {
    return new String(Tables.resource("same-effect.txt"), ISO_8859_1)
        .lines()
        .filter(line -> !line.isEmpty() && !line.startsWith("#"))
        .map(line -> DynamicTest.dynamicTest(line, () -> compare(line)));
  }

  @Test
  void flushall_leaves_the_reserved_database_alone_and_comes_back() throws IOException {
    for (int i = 0; i < DATABASES; i++) {
      redis.call("SELECT", Integer.toString(i));
      redis.call("SET", "k", "v");
    }
    redis.call("SELECT", "5");
    redis.call("SET", "here", "v");
    Plan plan = table.plan(Request.of("FLUSHALL"), 0, 0, 5);
    assertEquals("OK", run(plan, null).asString());
    redis.call("SET", "now", "here");
    for (int i = 0; i < DATABASES; i++) {
      redis.call("SELECT", Integer.toString(i));
      long expected = i == table.reservedDatabase() || i == 5 ? 1 : 0;
      assertEquals(expected, redis.call("DBSIZE").asLong(), "database " + i);
    }
  }

  @Test
  void the_reserved_database_is_out_of_range_in_the_words_of_redis() throws IOException {
    redis.call("SET", "k", "v");
    for (String form : List.of("MOVE k %d", "SWAPDB 0 %d", "SWAPDB %d 0", "COPY k l DB %d")) {
      Request beyond = Tables.request(String.format(form, DATABASES));
      Request reserved = Tables.request(String.format(form, DATABASES - 1));
      String error = redis.call(Args.copy(beyond, 0, 0)).asString();
      assertEquals(new Plan.Refused(error), table.plan(reserved, 0, 0, 0));
      assertEquals(new LocalPlan.Refused(error), table.planLocal(reserved));
    }
  }

  @Test
  void resp3_tells_the_same() throws IOException {
    redis.call("HELLO", "3");
    CommandTable same = CommandTable.of(redis.call("COMMAND"), DATABASES, Set.of());
    redis.call("HELLO", "2");
    // In any order: using a subcommand may have Redis move others in its hash table.
    assertEquals(Set.copyOf(table.all()), Set.copyOf(same.all()));
  }

  /** Random options, most of them wrong: errors have to come in Redis's own order of checks. */
  @Test
  void random_options_have_the_same_reply_and_effect() throws IOException {
    long seed = Long.getLong("seed", new Random().nextLong());
    Random random = new Random(seed);
    List<String> heads =
        List.of(
            "SET k v",
            "GETEX k",
            "EXPIRE k 100000",
            "EXPIRE k x",
            "PEXPIRE k -1",
            "SETEX k 100000 v",
            "RESTORE k 100000 DUMP(s)",
            "RESTORE n 100000 DUMP(s)",
            "COPY s k",
            "SET k v EX 100000",
            "GETEX k PX 100000",
            "FLUSHALL");
    List<String> words =
        List.of(
            "EX 100000",
            "PX 200000",
            "EX",
            "px",
            "EXAT 4000000000",
            "PXAT 1",
            "NX",
            "XX",
            "GT",
            "lt",
            "GET",
            "KEEPTTL",
            "PERSIST",
            "ABSTTL",
            "REPLACE",
            "IDLETIME 1",
            "FREQ 2",
            "0",
            "-1",
            "x",
            "9223372036854775807",
            "9223372036854775",
            "DB 1",
            "DB",
            "ASYNC");
    List<String> states = List.of("", "SET k old", "SET k old EX 50000", "RPUSH k a");
    for (int round = 0; round < Integer.getInteger("rounds", 400); round++) {
      StringBuilder line = new StringBuilder("SET s v;");
      line.append(states.get(random.nextInt(states.size()))).append(" => ");
      line.append(heads.get(random.nextInt(heads.size())));
      for (int i = random.nextInt(3); i > 0; i--) {
        line.append(' ').append(words.get(random.nextInt(words.size())));
      }
      try {
        compare(line.toString());
      } catch (AssertionError e) {
        throw new AssertionError("seed " + seed + ": " + line, e);
      }
    }
  }

  private static String redisVersion() {
    try {
      return redis
          .call("INFO", "server")
          .asString()
          .replaceAll("(?s).*redis_version:(\\S+).*", "$1");
    } catch (IOException e) {
      throw new IllegalStateException(e);
    }
  }

  private void compare(String line) throws IOException {
    int arrow = line.indexOf("=>");
    String[] setup = line.substring(0, arrow).strip().split(";");
    Request command = Tables.request(line.substring(arrow + 2).strip());

    prepare(setup, false);
    byte[][] original = dumps(command);
    RespValue expected = redis.call(original);
    Map<String, String> expectedState = state();
    Map<String, Long> expectedTimes = times();

    prepare(setup, true);
    Plan plan = table.plan(Request.of(original), 0, System.currentTimeMillis(), 0);
    RespValue reply = run(plan, original);
    Map<String, Long> realTimes = times();
    assertEquals(expected, reply);
    assertEquals(expectedState, state());
    assertEquals(expectedTimes.keySet(), realTimes.keySet());
    expectedTimes.forEach(
        (key, time) ->
            assertTrue(
                Math.abs(realTimes.get(key) - time) < TOLERANCE_MILLIS,
                key + ": " + time + " and " + realTimes.get(key)));
  }

  private static void prepare(String[] setup, boolean planned) throws IOException {
    redis.call("SELECT", "0");
    redis.call("FLUSHALL");
    for (String line : setup) {
      if (!line.isBlank()) {
        Request command = Tables.request(line);
        byte[][] original = Args.copy(command, 0, 0);
        RespValue reply =
            planned
                ? run(table.plan(command, 0, System.currentTimeMillis(), 0), original)
                : redis.call(original);
        assertTrue(!reply.isError(), () -> line + ": " + reply);
      }
    }
  }

  /** Carries a plan out as the sidecar would; the reply is the client's. */
  private static RespValue run(Plan plan, byte[][] original) throws IOException {
    if (plan instanceof Plan.Refused refused) {
      return new RespValue.Error(refused.error());
    }
    if (plan instanceof Plan.Rewritten rewritten) {
      RespValue client = null;
      for (int i = 0; i < rewritten.commands().length; i++) {
        RespValue reply = redis.call(rewritten.commands()[i]);
        client = i == rewritten.replyIndex() ? reply : client;
      }
      return client;
    }
    if (plan instanceof Plan.Blocking blocking) {
      return redis.call(blocking.words());
    }
    return redis.call(original);
  }

  private static byte[][] dumps(Request command) throws IOException {
    byte[][] args = Args.copy(command, 0, 0);
    for (int i = 0; i < args.length; i++) {
      String text = new String(args[i], ISO_8859_1);
      if (text.startsWith("DUMP(")) {
        String key = text.substring(5, text.length() - 1);
        args[i] = ((RespValue.Bulk) redis.call("DUMP", key)).bytes();
      }
    }
    return args;
  }

  private static Map<String, String> state() throws IOException {
    Map<String, String> state = new TreeMap<>();
    for (RespValue key : redis.call("KEYS", "*").asList()) {
      RespValue dump = redis.call("DUMP", key.asString());
      state.put(key.asString(), Arrays.toString(((RespValue.Bulk) dump).bytes()));
    }
    return state;
  }

  private static Map<String, Long> times() throws IOException {
    Map<String, Long> times = new TreeMap<>();
    for (RespValue key : redis.call("KEYS", "*").asList()) {
      long left = redis.call("PTTL", key.asString()).asLong();
      if (left >= 0) {
        long shift =
            left > LogicalTime.SHIFT_MILLIS - TOLERANCE_MILLIS ? LogicalTime.SHIFT_MILLIS : 0;
        times.put(key.asString(), left - shift);
      }
    }
    return times;
  }
}
