package io.ratissidecar.statemachine.apply;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.ratissidecar.statemachine.entry.Entry;
import io.ratissidecar.statemachine.entry.EntryHeader;
import io.ratissidecar.statemachine.entry.EntryType;
import io.ratissidecar.statemachine.entry.VoidedCommand;
import io.ratissidecar.statemachine.resp.Resp;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;

class CommandApplierTest {
  private static final String KILLED =
      "-ERR Script killed by user with SCRIPT KILL... script: x, on @user_script:1.";

  private static final String LATE = "-ERR Error registering functions: FUNCTION LOAD timeout";

  private final List<String> sent = new ArrayList<>();
  private final ArrayDeque<ReplySink> due = new ArrayDeque<>();
  private final List<String> events = new ArrayList<>();
  private int answers;
  private final CommandApplier applier =
      new CommandApplier(
          new RedisPort() {
            @Override
            public void send(ByteBuf commands, int replies, ReplySink sink) {
              sent.add(words(commands));
              commands.release();
              for (int i = 0; i < replies; i++) {
                due.add(sink);
              }
            }

            @Override
            public void useProtocol(int version) {}
          },
          15,
          "c",
          4,
          Set.of(
              new MissedCommand(9, 1, "-BUSY Redis is busy said a script"),
              new MissedCommand(10, 1, "-NOSCRIPT No matching script. Please use EVAL."),
              new MissedCommand(11, 1, KILLED),
              new MissedCommand(12, 4, "-NOSCRIPT No matching script. Please use EVAL."),
              new MissedCommand(14, 1, LATE)),
          new CommandApplier.Listener() {
            @Override
            public void onApplied(long index) {
              events.add("applied " + index);
            }

            @Override
            public void onAnswer() {
              answers++;
            }

            @Override
            public void onMissed(MissedCommand missed) {
              events.add("missed " + missed);
            }

            @Override
            public void onScriptVoided() {
              events.add("end the script");
            }

            @Override
            public void onUnfit(long index, String error) {
              events.add("unfit at " + index + ": " + error);
            }
          });

  private static String words(ByteBuf commands) {
    StringBuilder words = new StringBuilder();
    for (String line : commands.toString(StandardCharsets.US_ASCII).split("\r\n", -1)) {
      if (!line.isEmpty() && line.charAt(0) != '*' && line.charAt(0) != '$') {
        words.append(words.length() == 0 ? "" : " ").append(line);
      }
    }
    return words.toString();
  }

  private static Entry entry(long index) {
    return entry(EntryType.COMMANDS, index, "0");
  }

  private static Entry entry(EntryType type, long index, String database) {
    return entry(type, index, database, "INCR", "n");
  }

  private static Entry entry(EntryType type, long index, String database, String... command) {
    return entry(type, index, database, new String[][] {command});
  }

  private static Entry entry(EntryType type, long index, String database, String[][] commands) {
    ByteBuf out = Unpooled.buffer();
    Resp.command(out, "SELECT", database);
    for (String[] command : commands) {
      Resp.command(out, command);
    }
    ByteBuffer payload = out.nioBuffer();
    return new Entry(2, index, EntryHeader.of(type, 1, 1, payload), payload);
  }

  /** Notes what reaches the clients of an entry made by {@link #entry(long)}. */
  private final class Clients implements EntryReplies {
    @Override
    public List<Run> runs() {
      return List.of(new Run(entry(1).payload().remaining(), 2, 2));
    }

    @Override
    public void onReply(ByteBuf frame) {
      events.add("client gets " + frame.toString(StandardCharsets.US_ASCII).strip());
    }

    @Override
    public void onApplied() {
      events.add("clients are done");
    }
  }

  private void answer(String... replies) {
    for (String reply : replies) {
      due.poll().onReply(Unpooled.copiedBuffer(reply + "\r\n", StandardCharsets.US_ASCII));
    }
  }

  @Test
  void when_an_entry_is_applied_then_markers_stand_around_it() {
    applier.apply(entry(5), null, Set.of());
    assertEquals(
        List.of(
            "SELECT 15 SET ratis-sidecar:begin 5",
            "SELECT 0 INCR n",
            "SELECT 15 SET ratis-sidecar:applied 5 2 c"),
        sent);
    answer("+OK", "+OK", "+OK", ":1", "+OK");
    assertTrue(events.isEmpty());
    answer("+OK");
    assertEquals(List.of("applied 5"), events);
  }

  @Test
  void when_entries_follow_each_other_then_the_database_is_selected_once_less() {
    applier.apply(entry(5), null, Set.of());
    applier.apply(entry(7), null, Set.of());
    assertEquals("SET ratis-sidecar:begin 7", sent.get(3));
  }

  @Test
  void when_an_entry_comes_twice_then_it_is_refused() {
    applier.apply(entry(5), null, Set.of());
    assertThrows(IllegalStateException.class, () -> applier.apply(entry(5), null, Set.of()));
  }

  @Test
  void when_redis_refuses_for_a_reason_of_its_own_then_the_owner_hears_of_it() {
    applier.apply(entry(5), null, Set.of());
    answer("+OK", "+OK", "+OK", "-OOM command not allowed when used memory > 'maxmemory'.");
    assertEquals(1, events.size());
    assertTrue(events.get(0).startsWith("missed entry 5: -OOM"), events.get(0));
  }

  @Test
  void when_redis_refuses_for_a_reason_of_its_own_then_no_client_hears_of_it_or_of_what_follows() {
    applier.apply(entry(5), new Clients(), Set.of());
    applier.apply(entry(6), new Clients(), Set.of());
    answer("+OK", "+OK", "+OK", "-MISCONF Errors writing to the AOF file", "+OK", "+OK");
    answer("+OK", "+OK", ":2", "+OK", "+OK");
    assertEquals(
        List.of("client gets +OK", "missed entry 5: -MISCONF Errors writing to the AOF file"),
        events);
    applier.apply(entry(7), null, Set.of());
    assertEquals(6, sent.size(), "nothing is sent to a Redis that missed a command");
  }

  @Test
  void when_exec_is_refused_for_a_reason_of_the_node_then_the_owner_reloads() {
    applier.apply(entry(5), null, Set.of());
    answer("+OK", "+OK", "+OK", "-EXECABORT Transaction discarded because of: OOM command not");
    assertTrue(events.get(0).startsWith("missed entry 5: -EXECABORT"), events.get(0));
  }

  @Test
  void when_redis_does_not_know_a_command_of_the_log_then_it_is_unfit() {
    applier.apply(entry(5), null, Set.of());
    answer("+OK", "+OK", "+OK", "-ERR unknown command 'INCR', with args beginning with: 'n' ");
    assertEquals(
        List.of("unfit at 5: -ERR unknown command 'INCR', with args beginning with: 'n'"), events);
  }

  @Test
  void when_a_subcommand_has_wrong_arguments_then_the_error_is_its_result() {
    applier.apply(entry(5), null, Set.of());
    String error = "-ERR unknown subcommand or wrong number of arguments for 'flush'.";
    answer("+OK", "+OK", "+OK", error + " Try FUNCTION HELP.");
    assertEquals(2, answers, "those of the entry's own commands, before its end");
    answer("+OK", "+OK");
    assertEquals(List.of("applied 5"), events);
  }

  @Test
  void when_redis_has_fewer_databases_than_the_log_uses_then_it_is_unfit() {
    applier.apply(entry(5), null, Set.of());
    answer("+OK", "+OK", "-ERR DB index is out of range", "+OK");
    assertEquals(List.of("unfit at 5: -ERR DB index is out of range"), events);
  }

  @Test
  void when_another_command_than_select_names_no_database_then_the_error_is_its_result() {
    applier.apply(entry(5), null, Set.of());
    answer("+OK", "+OK", "+OK", "-ERR DB index is out of range", "+OK", "+OK");
    assertEquals(List.of("applied 5"), events);
  }

  @Test
  void when_a_script_says_what_a_node_could_say_then_it_is_its_result() {
    int index = 5;
    for (String error :
        List.of("-BUSY I am", "-OOM so I say", "-NOSCRIPT mine", "-ERR unknown command, I say")) {
      applier.apply(entry(EntryType.COMMANDS, index, "0", "EVALSHA", "x", "0"), null, Set.of());
      if (index == 5) {
        answer("+OK"); // the reserved database is selected once
      }
      answer("+OK", "+OK", error, "+OK", "+OK");
      assertEquals("applied " + index, events.get(events.size() - 1), error);
      index++;
    }
  }

  @Test
  void when_redis_has_not_the_script_or_does_not_run_it_then_the_owner_reloads() {
    for (String error :
        List.of(
            "-NOSCRIPT No matching script. Please use EVAL.",
            "-BUSY Redis is busy running a script. You can only call SCRIPT KILL or SHUTDOWN NOSAVE.",
            "-ERR Script killed by user with SCRIPT KILL... script: x, on @user_script:1.")) {
      assertEquals(
          NodeLocalError.PASSING,
          NodeLocalError.ofScript(Unpooled.copiedBuffer(error + "\r\n", StandardCharsets.US_ASCII)),
          error);
    }
    applier.apply(entry(EntryType.COMMANDS, 5, "0", "EVALSHA", "x", "0"), null, Set.of());
    answer("+OK", "+OK", "+OK", "-NOSCRIPT No matching script. Please use EVAL.");
    assertTrue(events.get(0).startsWith("missed entry 5: -NOSCRIPT"), events.get(0));
  }

  @Test
  void when_redis_has_not_the_script_of_a_transaction_then_the_owner_reloads() {
    String[][] block = {{"MULTI"}, {"EVALSHA", "x", "0"}, {"GET", "k"}, {"EXEC"}};
    String noScript = "-NOSCRIPT No matching script. Please use EVAL.";
    applier.apply(entry(EntryType.COMMANDS, 5, "0", block), null, Set.of());
    String text = "*2\r\n+fine\r\n$" + noScript.length() + "\r\n" + noScript;
    answer("+OK", "+OK", "+OK", "+OK", "+QUEUED", "+QUEUED", text, "+OK", "+OK");
    applier.apply(entry(EntryType.COMMANDS, 6, "0", block), null, Set.of());
    answer("+OK", "+OK", "+OK", "+QUEUED", "+QUEUED", "*2\r\n" + noScript + "\r\n$-1");
    assertEquals("applied 5", events.get(0));
    assertTrue(events.get(1).startsWith("missed entry 6: -NOSCRIPT"), events.get(1));
    assertEquals(2, events.size());
  }

  @Test
  void when_the_script_of_a_transaction_says_so_again_then_it_is_its_result() {
    String[][] block = {{"MULTI"}, {"EVALSHA", "x", "0"}, {"GET", "k"}, {"EXEC"}};
    applier.apply(entry(EntryType.COMMANDS, 12, "0", block), null, Set.of());
    String said = "*2\r\n-NOSCRIPT No matching script. Please use EVAL.\r\n$-1";
    answer("+OK", "+OK", "+OK", "+OK", "+QUEUED", "+QUEUED", said, "+OK", "+OK");
    assertEquals(List.of("applied 12"), events);
  }

  private static Entry script(long index) {
    return entry(EntryType.COMMANDS, index, "0", "EVALSHA", "x", "0");
  }

  @Test
  void when_a_script_says_again_what_redis_could_say_then_it_is_its_result() {
    applier.apply(script(9), null, Set.of());
    answer("+OK", "+OK", "+OK", "-BUSY Redis is busy said a script", "+OK", "+OK");
    applier.apply(script(10), null, Set.of());
    answer("+OK", "+OK", "-NOSCRIPT No matching script. Please use EVAL.", "+OK", "+OK");
    assertEquals(List.of("applied 9", "applied 10"), events);
  }

  /**
   * Redis gives a library half a second of the clock on the wall, which a node may sleep through.
   */
  @Test
  void when_a_library_is_loaded_too_slowly_then_the_owner_reloads_once() {
    String[] load = {"FUNCTION", "LOAD", "#!lua name=l"};
    applier.apply(entry(EntryType.COMMANDS, 14, "0", load), null, Set.of());
    answer("+OK", "+OK", "+OK", LATE, "+OK", "+OK");
    applier.apply(entry(EntryType.COMMANDS, 15, "0", load), null, Set.of());
    answer("+OK", "+OK", LATE);
    assertEquals(2, events.size());
    assertEquals("applied 14", events.get(0));
    assertTrue(events.get(1).startsWith("missed entry 15"), events.get(1));
  }

  /** Whoever ended it once may do so again, and then this node alone would lack what it does. */
  @Test
  void when_a_script_is_ended_again_that_is_not_void_then_the_owner_reloads_again() {
    applier.apply(script(11), null, Set.of());
    answer("+OK", "+OK", "+OK", KILLED);
    assertEquals(1, events.size());
    assertTrue(events.get(0).startsWith("missed entry 11"), events.get(0));
  }

  @Test
  void when_it_is_a_function_or_an_old_redis_then_its_words_count_as_well() {
    for (String said :
        List.of(
            "-ERR Script killed by user with FUNCTION KILL... script: f, on @user_function:2.",
            "-ERR Error running script (call to f_x): @user_script:1: Script killed by user with SCRIPT KILL... ")) {
      assertTrue(
          NodeLocalError.isKilled(Unpooled.copiedBuffer(said, StandardCharsets.US_ASCII)), said);
    }
    assertFalse(
        NodeLocalError.isKilled(
            Unpooled.copiedBuffer(
                "-ERR my Script killed by user with x", StandardCharsets.US_ASCII)));
  }

  @Test
  void when_a_transaction_calls_no_script_then_it_is_none_that_does_not_end() {
    ByteBuf out = Unpooled.buffer();
    for (String command : List.of("MULTI", "SET a 1", "EXEC", "MULTI", "EVALSHA x 0", "EXEC")) {
      Resp.command(out, command.split(" "));
    }
    ByteBuffer payload = out.nioBuffer();
    applier.apply(
        new Entry(2, 5, EntryHeader.of(EntryType.COMMANDS, 1, 1, payload), payload),
        null,
        Set.of());
    assertEquals(
        List.of(new VoidedCommand(5, 4), new VoidedCommand(5, 5)), applier.scriptsUnderWay());
  }

  @Test
  void when_scripts_are_not_answered_then_each_may_be_under_way() {
    applier.apply(script(5), null, Set.of());
    applier.apply(entry(6), null, Set.of());
    applier.apply(script(7), null, Set.of());
    VoidedCommand first = new VoidedCommand(5, 1);
    VoidedCommand second = new VoidedCommand(7, 1);
    assertEquals(List.of(first, second), applier.scriptsUnderWay());
    answer("+OK", "+OK", "+OK");
    assertEquals(List.of(first, second), applier.scriptsUnderWay());
    answer(":1");
    assertEquals(List.of(second), applier.scriptsUnderWay());
  }

  @Test
  void when_a_script_becomes_void_under_way_then_it_is_ended_and_what_follows_goes_on() {
    applier.apply(script(5), null, Set.of());
    applier.apply(entry(6), null, Set.of());
    answer("+OK", "+OK", "+OK");
    applier.voided(List.of(new VoidedCommand(5, 1)));
    assertEquals(List.of("end the script"), events);
    answer(KILLED, "+OK", "+OK", "+OK", "+OK", ":1", "+OK", "+OK");
    assertEquals(List.of("end the script", "applied 5", "applied 6"), events);
  }

  @Test
  void when_a_void_script_came_to_its_end_then_the_owner_reloads() {
    applier.apply(script(5), null, Set.of());
    answer("+OK", "+OK", "+OK");
    applier.voided(List.of(new VoidedCommand(5, 1)));
    answer("*1", "+OK", "+OK");
    assertEquals(
        List.of("end the script", "missed entry 5: it was executed before it was known to be void"),
        events);
  }

  @Test
  void when_an_applied_script_becomes_void_then_the_owner_reloads() {
    applier.apply(script(5), null, Set.of());
    answer("+OK", "+OK", "+OK", ":1", "+OK", "+OK");
    applier.voided(List.of(new VoidedCommand(7, 1))); // not here yet: nothing to do
    applier.voided(List.of(new VoidedCommand(5, 1)));
    assertEquals(
        List.of(
            "applied 5", "missed entry 5: command 1 was executed before it was known to be void"),
        events);
  }

  @Test
  void when_a_held_script_ends_then_nobody_hears_of_it() {
    applier.apply(script(5), new Clients(), Set.of());
    assertTrue(applier.hold(List.of(new VoidedCommand(5, 1))));
    answer("+OK", "+OK", "+OK", ":1", "+OK", "+OK");
    assertEquals(
        List.of("client gets +OK", "missed entry 5: it ended while it was being declared void"),
        events);
    assertFalse(applier.hold(List.of(new VoidedCommand(4, 1))));
  }

  @Test
  void when_a_held_script_is_released_then_its_result_counts() {
    applier.apply(script(5), null, Set.of());
    assertTrue(applier.hold(List.of(new VoidedCommand(5, 1))));
    applier.release();
    answer("+OK", "+OK", "+OK", ":1", "+OK", "+OK");
    assertEquals(List.of("applied 5"), events);
    assertFalse(applier.hold(List.of(new VoidedCommand(5, 1))));
  }

  @Test
  void when_a_void_command_is_sent_again_then_it_is_left_out_and_its_client_gets_an_error() {
    applier.apply(entry(5), new Clients(), Set.of(1));
    assertEquals(List.of("SELECT 0", "PING"), List.of(sent.get(1).split(" (?=PING)")));
    answer("+OK", "+OK", "+OK", "+PONG", "+OK", "+OK");
    assertEquals(
        List.of(
            "client gets +OK",
            "client gets -ERR Script killed by user with SCRIPT KILL.",
            "clients are done",
            "applied 5"),
        events);
  }

  @Test
  void when_a_transaction_is_void_then_it_is_discarded() {
    applier.apply(entry(EntryType.COMMANDS, 5, "0", "EXEC"), null, Set.of(1));
    assertEquals("SELECT 0 DISCARD", sent.get(1));
  }

  @Test
  void when_the_cluster_has_another_number_of_databases_then_redis_is_unfit_and_gets_nothing() {
    applier.apply(entry(EntryType.CLUSTER, 5, "15"), null, Set.of());
    assertEquals(List.of(), events);
    int before = sent.size();
    applier.apply(entry(EntryType.CLUSTER, 6, "7"), null, Set.of());
    assertEquals(List.of("unfit at 6: the cluster has 8 databases, this Redis has 16"), events);
    assertEquals(before, sent.size());
  }

  @Test
  void when_the_command_itself_is_wrong_then_the_error_is_its_result() {
    applier.apply(entry(5), null, Set.of());
    answer("+OK", "+OK", "+OK", "-WRONGTYPE Operation against a key", "+OK", "+OK");
    assertEquals(List.of("applied 5"), events);
  }

  @Test
  void when_a_read_needs_another_database_then_it_is_selected_first() {
    applier.read(
        3,
        2,
        Unpooled.copiedBuffer("*1\r\n$4\r\nKEYS\r\n", StandardCharsets.US_ASCII),
        IgnoredReplies.INSTANCE);
    applier.read(
        3,
        2,
        Unpooled.copiedBuffer("*1\r\n$4\r\nKEYS\r\n", StandardCharsets.US_ASCII),
        IgnoredReplies.INSTANCE);
    assertEquals(List.of("SELECT 3", "KEYS", "KEYS"), sent);
  }

  @Test
  void payload_commands_are_counted() {
    assertEquals(2, PayloadCommands.count(entry(5).payload()));
    ByteBuffer payload = entry(5).payload();
    assertEquals(0, PayloadCommands.selectedBy(payload));
    PayloadCommands.skip(payload);
    assertEquals(-1, PayloadCommands.selectedBy(payload));
    ByteBuffer cut = entry(5).payload();
    cut.limit(cut.limit() - 3);
    assertThrows(IllegalArgumentException.class, () -> PayloadCommands.count(cut));
    for (String wrong :
        List.of(
            "PING\r\n",
            "*0\r\n",
            "*\r\n",
            "*1\r\n",
            "*1\r\n$-1\r\n",
            "*1\r\n$4x\r\nPING\r\n",
            "*1\r\n$4\rxPING\r\n",
            "*1\r\n$4\r\nPINGxx",
            "*1\r\n$4\r\nPING\r",
            "*1\r\n$99999999999999999999\r\nPING\r\n",
            "*1\r\n$4\r\nPING\r\n\r\n")) {
      ByteBuffer bytes = ByteBuffer.wrap(wrong.getBytes(StandardCharsets.UTF_8));
      assertThrows(IllegalArgumentException.class, () -> PayloadCommands.count(bytes), wrong);
    }
  }

  @Test
  void marker_survives_its_text_form() {
    String text = AppliedMarker.appliedValue(5, 2, "c");
    AppliedMarker marker = AppliedMarker.parse("5", text).orElseThrow();
    assertEquals(new AppliedMarker("c", 5, 5, 2), marker);
    assertTrue(marker.isWhole());
    assertFalse(AppliedMarker.parse("6", text).orElseThrow().isWhole());
    assertTrue(AppliedMarker.parse(null, null).isEmpty());
    assertThrows(IllegalArgumentException.class, () -> AppliedMarker.parse("x", text));
  }
}
