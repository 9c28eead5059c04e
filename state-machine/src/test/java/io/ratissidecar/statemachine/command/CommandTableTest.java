package io.ratissidecar.statemachine.command;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.ratissidecar.statemachine.resp.Request;
import io.ratissidecar.statemachine.resp.RespValue;
import java.lang.management.ManagementFactory;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.Test;

class CommandTableTest {
  private final CommandTable table = Tables.redis7(16);

  @Test
  void commands_are_found_in_any_case_and_by_subcommand() {
    assertEquals("set", table.find(Tables.request("RAFT sEt k v"), 1).name());
    assertEquals("config|get", table.find(Tables.request("Config GET x"), 0).name());
    assertEquals("config", table.find(Tables.request("CONFIG"), 0).name());
    assertNull(table.find(Tables.request("CONFIG nope"), 0));
    assertNull(table.find(Tables.request("nope"), 0));
    assertNull(table.find(Tables.request("''"), 0));
    assertEquals("config|get", table.find("CONFIG|GET").name());
    assertNull(table.find("nope"));
    for (CommandSpec spec : table.all()) {
      Request request = Request.of(spec.name().split("\\|"));
      assertSame(spec, table.find(request, 0), spec.name());
    }
  }

  @Test
  void a_spec_says_what_redis_says() {
    CommandSpec mset = table.find("mset");
    assertEquals(-3, mset.arity());
    assertEquals(List.of(1, -1, 2), List.of(mset.firstKey(), mset.lastKey(), mset.keyStep()));
    assertTrue(mset.write());
    assertFalse(mset.blocking());
    assertTrue(table.find("blpop").blocking());
    assertTrue(table.find("config").container());
    assertFalse(table.find("config|get").container());
    assertEquals(15, table.reservedDatabase());
  }

  @Test
  void when_redis_is_6_2_then_subcommands_come_from_the_file() {
    CommandTable old = Tables.redis62(16);
    assertEquals("xgroup|create", old.find(Tables.request("XGROUP create s g 0"), 0).name());
    assertSame(Plan.VERBATIM, plan(old, "XGROUP CREATE s g 0"));
    assertSame(Plan.READ, plan(old, "OBJECT ENCODING k"));
    assertEquals("config", old.find(Tables.request("CONFIG GET a"), 0).name());
    assertInstanceOf(LocalPlan.Pass.class, old.planLocal(Tables.request("CONFIG GET a")));
    assertInstanceOf(LocalPlan.Refused.class, old.planLocal(Tables.request("CONFIG SET a b")));
    assertSame(LocalPlan.PASS, old.planLocal(Tables.request("CONFIG SET hz 20")));
    assertInstanceOf(Plan.Refused.class, plan(old, "XGROUP FOO"));
    assertInstanceOf(LocalPlan.Session.class, old.planLocal(Tables.request("CLIENT ID")));
  }

  @Test
  void locally_most_commands_pass() {
    for (String line :
        List.of(
            "GET k",
            "SET k v",
            "SPOP s",
            "EVAL x 0",
            "CONFIG GET a",
            "CONFIG SET Hash-Max-Listpack-Entries 1",
            "CONFIG SET slowlog-max-len 1 save ''",
            "CONFIG SET HLL-sparse-max-bytes 3000 maxmemory 0",
            "CONFIG SET maxmemory 1 maxmemory 2", // Redis refuses it, whatever stands there
            "CONFIG SET daemonize yes",
            "CONFIG RESETSTAT",
            "BGSAVE",
            "NOPE",
            "ACL WHOAMI",
            "MIGRATE a",
            "COPY a b DB 1",
            "GET",
            "COPY",
            "BF.ADD k v",
            "XINFO NO")) {
      assertSame(LocalPlan.PASS, table.planLocal(Tables.request(line)), line);
    }
  }

  @Test
  void locally_the_session_answers_for_the_client_and_redis_for_its_own_connection() {
    for (String line :
        List.of(
            "PING",
            "ECHO a",
            "HELLO 3",
            "AUTH a",
            "SELECT 1",
            "QUIT",
            "RESET",
            "CLIENT ID",
            "COMMAND",
            "COMMAND COUNT",
            "INFO",
            "CLUSTER SLOTS")) {
      assertInstanceOf(LocalPlan.Session.class, table.planLocal(Tables.request(line)), line);
    }
    for (String line :
        List.of("MULTI", "EXEC", "DISCARD", "WATCH k", "UNWATCH", "SUBSCRIBE c", "MONITOR")) {
      assertEquals(LocalPlan.PASS, table.planLocal(Tables.request(line)), line);
    }
    assertEquals(
        new LocalPlan.Refused("ERR wrong number of arguments for 'echo' command"),
        table.planLocal(Tables.request("ECHO")));
    assertEquals(
        new LocalPlan.Refused("ERR unknown subcommand 'x'. Try CLIENT HELP."),
        table.planLocal(Tables.request("CLIENT x")));
  }

  @Test
  void locally_what_breaks_replication_is_refused() {
    for (String line :
        List.of(
            "FLUSHALL",
            "DEBUG SLEEP 1",
            "SHUTDOWN",
            "REPLICAOF a 1",
            "SLAVEOF NO ONE",
            "FAILOVER",
            "SYNC",
            "PSYNC ? -1",
            "REPLCONF a",
            "CONFIG SET a b",
            "CONFIG SET hash-max-listpack-entries 1 maxmemory 1",
            "CONFIG SET save '60 1'",
            "CONFIG SET hll-sparse-max-bytes 3001",
            "CONFIG REWRITE",
            "ACL SETUSER a",
            "MODULE LOAD a",
            "SWAPDB 0 15",
            "SWAPDB 15 0",
            "COPY a b DB 15",
            "MOVE k 15")) {
      assertInstanceOf(LocalPlan.Refused.class, table.planLocal(Tables.request(line)), line);
    }
    assertEquals(
        new LocalPlan.Refused("ERR DB index is out of range"),
        table.planLocal(Tables.request("MOVE k 15")));
  }

  @Test
  void a_rewrite_of_several_commands_says_so() {
    Plan.Rewritten all = (Plan.Rewritten) plan(table, "FLUSHALL");
    assertFalse(all.single());
    assertEquals(31, all.commands().length);
    Plan.Rewritten one = (Plan.Rewritten) plan(table, "EXPIRE k 1");
    assertTrue(one.single());
    ByteBuf out = Unpooled.buffer();
    one.writeTo(out);
    assertEquals(
        "*3\r\n$9\r\nPEXPIREAT\r\n$1\r\nk\r\n$13\r\n4398046512104\r\n",
        out.toString(StandardCharsets.US_ASCII));
  }

  @Test
  void the_hot_path_allocates_nothing() {
    Request set = Tables.request("RAFT SET key value NX");
    Request get = Tables.request("RAFT GET key");
    Request local = Tables.request("GET key");
    var threads = (com.sun.management.ThreadMXBean) ManagementFactory.getThreadMXBean();
    long fewest = Long.MAX_VALUE;
    for (int round = 0; round < 5; round++) {
      long before = threads.getCurrentThreadAllocatedBytes();
      for (int i = 0; i < 20_000; i++) {
        assertSame(Plan.VERBATIM, table.plan(set, 1, i, 0));
        assertSame(Plan.READ, table.plan(get, 1, i, 0));
        assertSame(LocalPlan.PASS, table.planLocal(local));
      }
      fewest = Math.min(fewest, threads.getCurrentThreadAllocatedBytes() - before);
    }
    assertTrue(fewest < 20_000, "bytes for 60,000 plans: " + fewest);
  }

  @Test
  void every_line_of_the_file_is_sound() {
    PolicyFile file = PolicyFile.load();
    for (String name : file.names()) {
      assertEquals(name.toLowerCase(Locale.ROOT), name);
      PolicyFile.Policy policy = file.of(name, Set.of());
      boolean decides = policy.rule() != ArgumentRule.NONE;
      boolean plain = policy.raft() == RaftPolicy.LOG || policy.raft() == RaftPolicy.READ;
      boolean local = policy.local() == LocalPolicy.PASS && policy.rule().guardsNode();
      assertTrue(plain || local || !decides, name + ": a rule is for what is executed");
    }
    for (ArgumentRule rule : ArgumentRule.values()) {
      assertTrue(
          rule == ArgumentRule.NONE
              || file.names().stream().anyMatch(name -> file.of(name, Set.of()).rule() == rule),
          rule + " is used by no command");
    }
  }

  @Test
  void whatever_the_arguments_planning_does_not_throw() {
    long seed = Long.getLong("seed", new Random().nextLong());
    Random random = new Random(seed);
    String[] words =
        ("k EX PX PXAT NX GET FIELDS 1 2 99999999999 -1 9223372036854775807 STREAMS BLOCK COUNT ANY"
                + " STORE BY LIMIT MAXLEN MINID ~ = * 5-* 5-5 - NOMKSTREAM DB 15 ABSTTL IDLETIME")
            .split(" ");
    List<CommandSpec> specs = List.copyOf(table.all());
    for (int round = 0; round < 50_000; round++) {
      List<String> args = new ArrayList<>();
      args.addAll(List.of(specs.get(random.nextInt(specs.size())).name().split("\\|")));
      for (int i = random.nextInt(9); i > 0; i--) {
        args.add(words[random.nextInt(words.length)]);
      }
      Request request = Request.of(args.toArray(new String[0]));
      try {
        table.planLocal(request);
        if (table.plan(request, 0, 1_700_000_000_000L, 0) instanceof Plan.Rewritten rewritten) {
          assertTrue(rewritten.replyIndex() < rewritten.commands().length);
          rewritten.writeTo(Unpooled.buffer());
        }
      } catch (RuntimeException e) {
        throw new AssertionError("seed " + seed + ": " + args, e);
      }
    }
  }

  @Test
  void commands_of_modules_are_replicated_if_the_operator_vouches_for_them() {
    CommandTable vouched = Tables.vouchedFor("bf.add", "bf.exists");
    assertEquals(Plan.VERBATIM, plan(vouched, "BF.ADD filter item"));
    assertEquals(Plan.READ, plan(vouched, "bf.exists filter item"));
    assertEquals(
        new Plan.Refused("ERR wrong number of arguments for 'bf.add' command"),
        plan(vouched, "bf.add filter"));
    assertEquals(
        new Plan.Refused(
            "ERR BLOOM is refused: module commands are not known to be deterministic"
                + " (see replicate-module-commands)"),
        plan(vouched, "bloom filter item"));
    assertTrue(vouched.isReplicated(Tables.request("bf.add filter item")));
    for (String none : List.of("no.such", "set", "newwrite")) {
      assertUnfit(none, "is no command of a module there: load the module on every node");
    }
    assertUnfit("bf.wait", "may wait: all behind it in the log would wait too");
  }

  private static void assertUnfit(String name, String why) {
    ModuleCommandException e =
        assertThrows(ModuleCommandException.class, () -> Tables.vouchedFor("bf.add", name));
    assertEquals("'replicate-module-commands' names '" + name + "', which " + why, e.getMessage());
  }

  @Test
  void RAFT_without_a_command_is_an_error() {
    assertEquals(
        new Plan.Refused("ERR wrong number of arguments for 'raft' command"),
        table.plan(Request.of("RAFT"), 1, 0, 0));
  }

  @Test
  void a_reply_that_is_not_of_COMMAND_is_an_error() {
    RespValue wrong = new RespValue.Array(List.of(new RespValue.Array(List.of())));
    assertThrows(IllegalStateException.class, () -> CommandTable.of(wrong, 16, Set.of()));
  }

  private static Plan plan(CommandTable table, String line) {
    return table.plan(Tables.request(line), 0, 0, 0);
  }
}
