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
import io.ratissidecar.statemachine.resp.Resp;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class CommandApplierTest {
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
            public void onNodeLocalError(long index, String error) {
              events.add("node-local at " + index + ": " + error);
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
    ByteBuf out = Unpooled.buffer();
    Resp.command(out, "SELECT", database);
    Resp.command(out, command);
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
    applier.apply(entry(5), null);
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
    applier.apply(entry(5), null);
    applier.apply(entry(7), null);
    assertEquals("SET ratis-sidecar:begin 7", sent.get(3));
  }

  @Test
  void when_an_entry_comes_twice_then_it_is_refused() {
    applier.apply(entry(5), null);
    assertThrows(IllegalStateException.class, () -> applier.apply(entry(5), null));
  }

  @Test
  void when_redis_refuses_for_a_reason_of_its_own_then_the_owner_hears_of_it() {
    applier.apply(entry(5), null);
    answer("+OK", "+OK", "+OK", "-OOM command not allowed when used memory > 'maxmemory'.");
    assertEquals(1, events.size());
    assertTrue(events.get(0).startsWith("node-local at 5: -OOM"), events.get(0));
  }

  @Test
  void when_redis_refuses_for_a_reason_of_its_own_then_no_client_hears_of_it_or_of_what_follows() {
    applier.apply(entry(5), new Clients());
    applier.apply(entry(6), new Clients());
    answer("+OK", "+OK", "+OK", "-MISCONF Errors writing to the AOF file", "+OK", "+OK");
    answer("+OK", "+OK", ":2", "+OK", "+OK");
    assertEquals(
        List.of("client gets +OK", "node-local at 5: -MISCONF Errors writing to the AOF file"),
        events);
    applier.apply(entry(7), null);
    assertEquals(6, sent.size(), "nothing is sent to a Redis that missed a command");
  }

  @Test
  void when_exec_is_refused_for_a_reason_of_the_node_then_the_owner_reloads() {
    applier.apply(entry(5), null);
    answer("+OK", "+OK", "+OK", "-EXECABORT Transaction discarded because of: OOM command not");
    assertTrue(events.get(0).startsWith("node-local at 5: -EXECABORT"), events.get(0));
  }

  @Test
  void when_redis_does_not_know_a_command_of_the_log_then_it_is_unfit() {
    applier.apply(entry(5), null);
    answer("+OK", "+OK", "+OK", "-ERR unknown command 'INCR', with args beginning with: 'n' ");
    assertEquals(
        List.of("unfit at 5: -ERR unknown command 'INCR', with args beginning with: 'n'"), events);
  }

  @Test
  void when_a_subcommand_has_wrong_arguments_then_the_error_is_its_result() {
    applier.apply(entry(5), null);
    String error = "-ERR unknown subcommand or wrong number of arguments for 'flush'.";
    answer("+OK", "+OK", "+OK", error + " Try FUNCTION HELP.");
    assertEquals(2, answers, "those of the entry's own commands, before its end");
    answer("+OK", "+OK");
    assertEquals(List.of("applied 5"), events);
  }

  @Test
  void when_redis_has_fewer_databases_than_the_log_uses_then_it_is_unfit() {
    applier.apply(entry(5), null);
    answer("+OK", "+OK", "-ERR DB index is out of range", "+OK");
    assertEquals(List.of("unfit at 5: -ERR DB index is out of range"), events);
  }

  @Test
  void when_another_command_than_select_names_no_database_then_the_error_is_its_result() {
    applier.apply(entry(5), null);
    answer("+OK", "+OK", "+OK", "-ERR DB index is out of range", "+OK", "+OK");
    assertEquals(List.of("applied 5"), events);
  }

  @Test
  void when_a_script_says_what_a_node_could_say_then_it_is_its_result() {
    int index = 5;
    for (String error :
        List.of("-BUSY I am", "-OOM so I say", "-NOSCRIPT mine", "-ERR unknown command, I say")) {
      applier.apply(entry(EntryType.COMMANDS, index, "0", "EVALSHA", "x", "0"), null);
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
    applier.apply(entry(EntryType.COMMANDS, 5, "0", "EVALSHA", "x", "0"), null);
    answer("+OK", "+OK", "+OK", "-NOSCRIPT No matching script. Please use EVAL.");
    assertTrue(events.get(0).startsWith("node-local at 5: -NOSCRIPT"), events.get(0));
  }

  @Test
  void when_the_cluster_has_another_number_of_databases_then_redis_is_unfit_and_gets_nothing() {
    applier.apply(entry(EntryType.CLUSTER, 5, "15"), null);
    assertEquals(List.of(), events);
    int before = sent.size();
    applier.apply(entry(EntryType.CLUSTER, 6, "7"), null);
    assertEquals(List.of("unfit at 6: the cluster has 8 databases, this Redis has 16"), events);
    assertEquals(before, sent.size());
  }

  @Test
  void when_the_command_itself_is_wrong_then_the_error_is_its_result() {
    applier.apply(entry(5), null);
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
