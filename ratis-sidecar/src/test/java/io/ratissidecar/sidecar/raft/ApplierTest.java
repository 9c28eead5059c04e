package io.ratissidecar.sidecar.raft;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.ratissidecar.logstore.LogIdentity;
import io.ratissidecar.logstore.LogOptions;
import io.ratissidecar.logstore.PayloadLog;
import io.ratissidecar.statemachine.apply.CommandApplier;
import io.ratissidecar.statemachine.apply.MissedCommand;
import io.ratissidecar.statemachine.apply.RedisPort;
import io.ratissidecar.statemachine.apply.ReplySink;
import io.ratissidecar.statemachine.entry.Entry;
import io.ratissidecar.statemachine.entry.EntryHeader;
import io.ratissidecar.statemachine.entry.EntryType;
import io.ratissidecar.statemachine.entry.VoidedCommand;
import io.ratissidecar.statemachine.resp.Request;
import io.ratissidecar.statemachine.resp.Resp;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.AbstractExecutorService;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ApplierTest {
  @TempDir Path dir;
  private final ArrayDeque<Runnable> loop = new ArrayDeque<>();
  private final List<String> outcomes = new ArrayList<>();
  private boolean fatalExpected;
  private long nanos;
  private PayloadLog log;
  private Applier applier;

  /** Runs what it is given at once. */
  private static final class Inline extends AbstractExecutorService {
    @Override
    public void execute(Runnable work) {
      work.run();
    }

    @Override
    public void shutdown() {}

    @Override
    public List<Runnable> shutdownNow() {
      return List.of();
    }

    @Override
    public boolean isShutdown() {
      return false;
    }

    @Override
    public boolean isTerminated() {
      return false;
    }

    @Override
    public boolean awaitTermination(long timeout, TimeUnit unit) {
      return true;
    }
  }

  /** A Redis that says OK to everything once it is told to. */
  private static final class Port implements RedisPort {
    private final ArrayDeque<Runnable> due = new ArrayDeque<>();
    private final StringBuilder received = new StringBuilder();

    @Override
    public void send(ByteBuf commands, int replies, ReplySink sink) {
      received.append(commands.toString(StandardCharsets.US_ASCII));
      commands.release();
      for (int i = 0; i < replies; i++) {
        due.add(() -> sink.onReply(Unpooled.copiedBuffer("+OK\r\n", StandardCharsets.US_ASCII)));
      }
    }

    @Override
    public void useProtocol(int version) {}

    void answer() {
      while (!due.isEmpty()) {
        answerOne();
      }
    }

    void answerOne() {
      due.poll().run();
    }

    List<String> keys() {
      List<String> keys = new ArrayList<>();
      for (String part : received.toString().split("\r\n", -1)) {
        if (part.startsWith("key")) {
          keys.add(part);
        }
      }
      return keys;
    }
  }

  @BeforeEach
  void open() throws IOException {
    log = PayloadLog.open(dir, new LogIdentity("c", 1), new LogOptions(1 << 20, 2000, 0));
    applier =
        new Applier(
            loop::add,
            new Inline(),
            (reason, cause) -> {
              if (!fatalExpected) {
                throw new AssertionError(reason, cause);
              }
              outcomes.add(reason);
            },
            () -> nanos);
    applier.use(log);
  }

  @AfterEach
  void close() throws IOException {
    log.close();
  }

  private void append(long term, long index) throws IOException {
    append(term, index, "SET", "key" + index, "v");
  }

  private void appendScript(long term, long index) throws IOException {
    append(term, index, "EVALSHA", "key" + index, "0");
  }

  private void append(long term, long index, String... command) throws IOException {
    ByteBuf out = Unpooled.buffer();
    Resp.command(out, "SELECT", "0");
    Resp.command(out, command);
    ByteBuffer payload = out.nioBuffer();
    log.append(new Entry(term, index, EntryHeader.of(EntryType.COMMANDS, 1, 1, payload), payload));
  }

  private Port attach(long appliedIndex) {
    Port port = new Port();
    applier.redisReady(
        new CommandApplier(
            port,
            15,
            "c",
            appliedIndex,
            Set.of(),
            new CommandApplier.Listener() {
              @Override
              public void onApplied(long index) {
                applier.acknowledged(index);
              }

              @Override
              public void onAnswer() {
                applier.answered();
              }

              @Override
              public void onMissed(MissedCommand missed) {
                outcomes.add("missed " + missed);
              }

              @Override
              public void onScriptVoided() {
                outcomes.add("end the script");
              }

              @Override
              public void onUnfit(long index, String error) {
                throw new AssertionError(error);
              }
            }),
        appliedIndex);
    return port;
  }

  private Batch awaiting(long term, long index, String name) {
    Batch batch = new Batch(EntryType.COMMANDS, nanos);
    Resp.command(batch.begin(0, 2), "SET", "key" + index, "v");
    batch.end(
        new ReplyReceiver() {
          @Override
          public void reply(ByteBuf frame) {
            outcomes.add(name + " replied");
          }

          @Override
          public void failed(Failure failure) {
            outcomes.add(name + " " + failure);
          }
        },
        1,
        0);
    batch.seal();
    batch.appendedAt(term, index);
    applier.await(
        batch,
        new PendingBatches.Progress() {
          @Override
          public void onCommitted() {}

          @Override
          public void onOver() {}
        });
    return batch;
  }

  private void turn() {
    while (!loop.isEmpty()) {
      loop.poll().run();
    }
  }

  @Test
  void when_entries_are_committed_then_they_are_sent_in_order_and_acknowledged()
      throws IOException {
    Port port = attach(0);
    append(1, 1);
    append(1, 3);
    applier.committed(1);
    applier.gap(2);
    applier.committed(3);
    turn();
    assertEquals(List.of("key1", "key3"), port.keys());
    assertEquals(0, applier.appliedIndex());
    port.answer();
    assertEquals(3, applier.appliedIndex());
  }

  @Test
  void when_redis_comes_back_then_it_goes_on_behind_its_marker() throws IOException {
    for (int i = 1; i <= 5; i++) {
      append(1, i);
      applier.committed(i);
    }
    Port first = attach(0);
    turn();
    assertEquals(5, first.keys().size());
    applier.redisLost();
    assertFalse(applier.isServing());
    Port second = attach(3);
    turn();
    second.answer();
    assertEquals(List.of("key4", "key5"), second.keys());
    assertEquals(5, applier.appliedIndex());
  }

  @Test
  void when_entries_left_memory_then_they_are_read_from_disk() throws IOException {
    int count = 500; // far beyond what the log keeps in memory here
    for (int i = 1; i <= count; i++) {
      append(1, i * 2L);
    }
    applier.committed(count * 2L);
    Port port = attach(0);
    for (int i = 0; i < 100; i++) {
      turn();
      port.answer();
    }
    assertEquals(count, port.keys().size());
    assertEquals(count * 2L, applier.appliedIndex());
  }

  @Test
  void when_the_entry_is_of_the_batch_then_its_client_gets_the_reply() throws IOException {
    Port port = attach(0);
    append(4, 1);
    awaiting(4, 1, "a");
    applier.committed(1);
    turn();
    port.answer();
    assertEquals(List.of("a replied"), outcomes);
  }

  @Test
  void when_another_leader_took_the_index_then_the_batch_surely_did_not_happen()
      throws IOException {
    Port port = attach(0);
    append(5, 1);
    awaiting(4, 1, "a");
    awaiting(4, 2, "b");
    applier.committed(1);
    applier.gap(2);
    turn();
    port.answer();
    assertEquals(List.of("a NOT_LEADER", "b NOT_LEADER"), outcomes);
  }

  @Test
  void when_redis_already_had_the_entry_then_the_reply_is_lost_but_the_effect_is_not()
      throws IOException {
    append(4, 1);
    awaiting(4, 1, "a");
    applier.committed(1);
    attach(1);
    assertEquals(List.of("a REPLY_LOST"), outcomes);
  }

  @Test
  void when_nothing_is_committed_in_time_then_the_outcome_is_unknown() throws IOException {
    attach(0);
    append(4, 1);
    awaiting(4, 1, "a");
    nanos = 50;
    applier.expire(100, 100);
    assertEquals(List.of(), outcomes);
    nanos = 101;
    applier.expire(100, 100);
    assertEquals(List.of("a OUTCOME_UNKNOWN"), outcomes);
  }

  @Test
  void when_a_read_waits_for_an_index_then_it_runs_behind_that_entry() throws IOException {
    Port port = attach(0);
    append(1, 1);
    List<String> ran = new ArrayList<>();
    applier.whenSent(1, () -> ran.add("read after " + port.keys()), () -> ran.add("lost"));
    assertTrue(ran.isEmpty());
    applier.committed(1);
    turn();
    assertEquals(List.of("read after [key1]"), ran);
  }

  @Test
  void when_redis_is_slow_then_only_a_window_is_sent() throws IOException {
    Port port = attach(0);
    for (int i = 1; i <= 200; i++) {
      append(1, i);
    }
    applier.committed(200);
    turn();
    assertEquals(64, port.keys().size());
    nanos = 2_000_000_000L;
    assertFalse(applier.isServing(), "a Redis that does not answer does not serve");
    applier.answered();
    assertTrue(applier.isServing(), "a Redis that is at work on a long entry serves");
    nanos += 1_500_000_000L;
    assertFalse(applier.isServing(), "but not when it has stopped to answer");
    for (int i = 0; i < 10; i++) {
      port.answer();
      turn();
    }
    assertEquals(200, port.keys().size());
    assertTrue(applier.isServing());
  }

  private void read(String name) {
    applier.read(
        0,
        2,
        Unpooled.buffer(),
        new ReplyReceiver() {
          @Override
          public void reply(ByteBuf frame) {
            outcomes.add(name + " replied");
          }

          @Override
          public void failed(Failure failure) {
            outcomes.add(name + " " + failure);
          }
        });
  }

  @Test
  void when_an_index_is_appended_to_again_then_the_former_batch_surely_did_not_happen()
      throws IOException {
    append(6, 1);
    awaiting(4, 1, "a");
    awaiting(6, 1, "b");
    assertEquals(List.of("a NOT_LEADER"), outcomes);
    Port port = attach(0);
    applier.committed(1);
    turn();
    port.answer();
    assertEquals(List.of("a NOT_LEADER", "b replied"), outcomes);
  }

  @Test
  void when_reads_wait_too_long_for_an_entry_or_an_answer_then_they_fail_once() {
    Port port = attach(0);
    applier.whenSent(9, () -> outcomes.add("ran"), () -> outcomes.add("waiting gave up"));
    read("a");
    nanos = 100;
    applier.expire(100, 100);
    assertEquals(List.of(), outcomes);
    nanos = 101;
    read("b");
    applier.expire(100, 100);
    assertEquals(List.of("waiting gave up", "a REDIS_LOST"), outcomes);
    port.answer();
    assertEquals(List.of("waiting gave up", "a REDIS_LOST", "b replied"), outcomes);
  }

  @Test
  void when_another_connection_takes_over_then_reads_of_the_former_fail() {
    attach(0);
    read("a");
    attach(0);
    assertEquals(List.of("a REDIS_LOST"), outcomes);
  }

  @Test
  void when_sending_an_entry_fails_then_the_node_stops_and_no_later_one_is_sent()
      throws IOException {
    fatalExpected = true;
    append(1, 1);
    append(1, 2);
    applier.committed(2);
    RedisPort broken =
        new RedisPort() {
          @Override
          public void send(ByteBuf commands, int replies, ReplySink sink) {
            throw new IllegalStateException("made up by the test");
          }

          @Override
          public void useProtocol(int version) {}
        };
    applier.redisReady(new CommandApplier(broken, 15, "c", 0, Set.of(), null), 0);
    turn();
    assertEquals(1, outcomes.size(), outcomes.toString());
    assertTrue(outcomes.get(0).contains("internal error"), outcomes.get(0));
  }

  @Test
  void when_stopped_then_a_closed_log_is_no_error() throws IOException {
    for (int i = 1; i <= 500; i++) {
      append(1, i);
    }
    attach(0);
    applier.committed(500);
    applier.stop();
    log.close();
    turn();
    assertTrue(applier.isStopped());
  }

  @Test
  void when_it_is_held_then_redis_stays_at_one_entry_until_it_is_released() throws IOException {
    Port port = attach(0);
    append(1, 1);
    append(1, 2);
    applier.committed(1);
    turn();
    applier.hold(() -> outcomes.add("quiet"));
    applier.committed(2);
    turn();
    assertEquals(List.of(), outcomes);
    port.answer();
    turn();
    assertEquals(List.of("quiet"), outcomes);
    assertEquals(List.of("key1"), port.keys());
    assertEquals(1, applier.appliedIndex());
    applier.release();
    assertEquals(List.of("key1", "key2"), port.keys());
    port.answer();
    assertEquals(List.of("quiet"), outcomes);
    assertEquals(2, applier.appliedIndex());
  }

  @Test
  void when_redis_is_lost_while_it_is_held_then_the_next_one_is_held_too() throws IOException {
    append(1, 1);
    applier.hold(() -> outcomes.add("quiet"));
    applier.committed(1);
    turn();
    assertEquals(List.of(), outcomes); // there is no Redis
    Port port = attach(0);
    assertEquals(List.of("quiet"), outcomes);
    assertEquals(List.of(), port.keys());
    applier.release();
    assertEquals(List.of("key1"), port.keys());
  }

  @Test
  void when_entries_were_dropped_that_redis_still_needs_then_the_node_stops() throws IOException {
    fatalExpected = true;
    log.reset(1, 7);
    append(1, 8);
    Port port = attach(5); // entries 6 and 7 are gone
    applier.committed(8);
    turn();
    assertEquals(List.of(), port.keys());
    assertEquals(1, outcomes.size(), outcomes.toString());
    assertTrue(outcomes.get(0).contains("entry 6 was not applied"), outcomes.get(0));
  }

  private static Batch proposedAs(long term, long index) {
    Batch batch = new Batch(EntryType.VOID, 0);
    batch.appendedAt(term, index);
    return batch;
  }

  @Test
  void when_a_command_is_known_to_be_void_then_it_is_not_sent() throws IOException {
    appendScript(1, 1);
    append(1, 2);
    Port port = attach(0);
    applier.voided(3, List.of(new VoidedCommand(1, 1)));
    applier.committed(2);
    turn();
    assertEquals(List.of("key2"), port.keys());
    assertTrue(applier.isSpoilt(1));
    assertTrue(applier.isSpoilt(2));
    assertFalse(applier.isSpoilt(3));
    assertFalse(applier.isSpoilt(0));
  }

  @Test
  void when_redis_may_hold_what_is_void_then_it_is_loaded_anew() throws IOException {
    appendScript(1, 1);
    append(1, 2);
    applier.voided(5, List.of(new VoidedCommand(1, 1)));
    turn();
    attach(2);
    assertEquals(1, outcomes.size());
    assertTrue(
        outcomes.get(0).startsWith("missed entry 1: command 1 was executed"), outcomes.get(0));
    attach(5);
    attach(0);
    assertEquals(1, outcomes.size());
  }

  @Test
  void when_a_script_is_held_then_a_new_redis_gets_it_once_the_log_has_decided()
      throws IOException {
    append(1, 1);
    appendScript(1, 2);
    append(1, 3);
    Port first = attach(0);
    applier.committed(3);
    turn();
    assertEquals(List.of("key1", "key2", "key3"), first.keys());
    List<VoidedCommand> scripts = applier.scriptsUnderWay();
    assertEquals(List.of(new VoidedCommand(2, 1)), scripts);
    assertTrue(applier.hold(scripts, proposedAs(1, 4)));
    assertFalse(applier.hold(scripts, proposedAs(1, 5)), "one decision at a time");

    applier.redisLost();
    Port second = attach(0);
    turn();
    assertEquals(List.of("key1"), second.keys());
    applier.voided(4, scripts);
    append(1, 4);
    applier.committed(4);
    turn();
    second.answer();
    turn();
    assertEquals(List.of("key1", "key3", "key4"), second.keys());
  }

  /** So that it alone is void when somebody ends it: the others may have been answered long ago. */
  @Test
  void when_the_log_is_replayed_then_nothing_is_sent_behind_a_script_that_is_not_answered()
      throws IOException {
    append(1, 1);
    appendScript(1, 2);
    appendScript(1, 3);
    append(1, 4);
    applier.committed(3);
    Port port = attach(0);
    turn();
    assertEquals(List.of("key1", "key2"), port.keys());
    assertEquals(List.of(new VoidedCommand(2, 1)), applier.scriptsUnderWay());
    port.answer();
    turn();
    assertEquals(List.of("key1", "key2", "key3"), port.keys());
    port.answer();
    turn();
    applier.committed(4);
    turn();
    assertEquals(List.of("key1", "key2", "key3", "key4"), port.keys());
  }

  @Test
  void when_a_void_script_is_under_way_then_nothing_is_sent_until_it_has_ended()
      throws IOException {
    Port port = attach(0);
    appendScript(1, 1);
    applier.committed(1);
    turn();
    append(1, 2);
    append(1, 3);
    applier.voided(2, List.of(new VoidedCommand(1, 1)));
    applier.committed(3);
    turn();
    assertEquals(List.of("key1"), port.keys());
    assertEquals(List.of("end the script"), outcomes);
  }

  @Test
  void when_redis_comes_with_what_is_being_decided_then_it_is_loaded_anew() throws IOException {
    appendScript(1, 1);
    applier.committed(1);
    attach(0);
    turn();
    assertTrue(applier.hold(applier.scriptsUnderWay(), proposedAs(1, 2)));
    applier.redisLost();
    attach(1); // it executed the script, and its reply was lost
    assertEquals(1, outcomes.size());
    assertTrue(outcomes.get(0).startsWith("missed entry 1"), outcomes.get(0));
  }

  /** Sends what is committed to a Redis that answers one by one, and ends at the given entry. */
  private Port diesAt(long deadly, long appliedIndex) {
    Port port = attach(appliedIndex);
    turn();
    while (!port.keys().contains("key" + deadly)) {
      port.answerOne();
      turn();
    }
    applier.redisDied();
    turn();
    return port;
  }

  @Test
  void when_redis_ends_at_one_entry_again_and_again_then_it_is_found_and_left_out()
      throws IOException {
    for (int i = 1; i <= 6; i++) {
      if (i == 4) {
        appendScript(1, i);
      } else {
        append(1, i);
      }
    }
    Port early = attach(0);
    applier.committed(6);
    turn();
    assertEquals(6, early.keys().size());
    applier.redisDied(); // with all that was on its way
    assertEquals(List.of("key1", "key2", "key3", "key4"), diesAt(4, 0).keys(), "by the replay");
    assertFalse(applier.isServing());
    Port second = attach(0);
    assertFalse(applier.isServing(), "nobody may rely on it");
    turn();
    assertEquals(List.of("key1"), second.keys(), "one by one");
    for (int i = 0; i < 2; i++) {
      diesAt(4, i * 2);
      assertTrue(applier.deadlyEntry().isEmpty(), "it may be an accident");
    }
    assertEquals(List.of("key2", "key3", "key4"), diesAt(4, 1).keys());
    DeadlyEntry.Found found = applier.deadlyEntry().orElseThrow();
    assertEquals(4, found.index());
    assertEquals(List.of(new VoidedCommand(4, 1)), found.commands());
    assertTrue(applier.hold(found.commands(), proposedAs(1, 7)));
    Port third = attach(0);
    for (int i = 0; i < 5; i++) {
      answer(third);
    }
    assertEquals(List.of("key1", "key2", "key3"), third.keys(), "until the log has decided");
    applier.voided(7, found.commands());
    append(1, 7);
    applier.committed(7);
    for (int i = 0; i < 5; i++) {
      answer(third);
    }
    assertEquals(List.of("key1", "key2", "key3", "key5", "key6", "key7"), third.keys());
    assertTrue(applier.deadlyEntry().isEmpty());
    assertTrue(applier.isServing());
  }

  private void answer(Port port) {
    turn();
    port.answer();
    turn();
  }

  @Test
  void when_the_deadly_entry_has_no_script_then_all_of_it_is_left_out() throws IOException {
    append(1, 1);
    append(1, 2);
    applier.committed(2);
    for (int i = 0; i < 4; i++) {
      diesAt(2, 1);
    }
    assertEquals(List.of(new VoidedCommand(2, 1)), applier.deadlyEntry().orElseThrow().commands());
  }

  /** Clients have heard that it took effect. */
  @Test
  void when_a_command_of_the_deadly_entry_was_answered_then_it_stays() throws IOException {
    ByteBuf out = Unpooled.buffer();
    Resp.command(out, "SELECT", "0");
    Resp.command(out, "EVALSHA", "answered", "0");
    Resp.command(out, "SET", "key1", "v");
    ByteBuffer payload = out.nioBuffer();
    log.append(new Entry(1, 1, EntryHeader.of(EntryType.COMMANDS, 2, 1, payload), payload));
    applier.committed(1);
    Port port = attach(0);
    turn();
    for (int i = 0; i < 4; i++) { // two for the marker
      port.answerOne();
    }
    applier.redisDied();
    for (int i = 0; i < 3; i++) {
      assertTrue(applier.deadlyEntry().isEmpty());
      attach(0);
      turn();
      applier.redisDied();
      if (i == 1) {
        assertEquals(
            List.of(new VoidedCommand(1, 2)), applier.deadlyEntry().orElseThrow().commands());
        break;
      }
    }
  }

  /** There is nothing more to leave out. */
  @Test
  void when_redis_ends_with_an_entry_that_is_void_then_it_is_something_else() throws IOException {
    append(1, 1);
    applier.committed(1);
    applier.voided(2, List.of(new VoidedCommand(1, 1)));
    for (int i = 0; i < 5; i++) {
      attach(0);
      turn();
      applier.redisDied();
      assertTrue(applier.deadlyEntry().isEmpty());
    }
  }

  @Test
  void when_redis_comes_back_behind_the_deadly_entry_then_there_is_none() throws IOException {
    append(1, 1);
    append(1, 2);
    applier.committed(2);
    for (int i = 0; i < 4; i++) {
      diesAt(2, 1);
    }
    assertTrue(applier.deadlyEntry().isPresent());
    attach(2); // it has executed it, and could say so to nobody
    assertTrue(applier.deadlyEntry().isEmpty());
    assertTrue(applier.isServing());
  }

  @Test
  void when_redis_was_ended_at_other_entries_then_nothing_is_suspected() throws IOException {
    for (int i = 1; i <= 9; i++) {
      append(1, i);
      applier.committed(i);
      diesAt(i, i - 1);
      Port port = attach(i - 1);
      turn();
      port.answer();
      turn();
    }
    assertTrue(applier.isServing());
    assertTrue(applier.deadlyEntry().isEmpty());
  }

  @Test
  void when_another_entry_took_the_place_of_the_void_one_then_the_script_counts()
      throws IOException {
    appendScript(1, 1);
    applier.committed(1);
    attach(0);
    turn();
    assertTrue(applier.hold(applier.scriptsUnderWay(), proposedAs(1, 2)));
    applier.redisLost();
    Port second = attach(0);
    turn();
    assertEquals(List.of(), second.keys());
    append(2, 2);
    applier.committed(2);
    turn();
    assertEquals(List.of("key1", "key2"), second.keys());
  }

  @Test
  void when_the_void_entry_came_into_no_log_then_the_script_counts() throws IOException {
    appendScript(1, 1);
    applier.committed(1);
    Port port = attach(0);
    turn();
    Batch batch = new Batch(EntryType.VOID, 0);
    assertTrue(applier.hold(applier.scriptsUnderWay(), batch));
    applier.voidingFailed(batch);
    assertTrue(applier.hold(applier.scriptsUnderWay(), proposedAs(1, 2)));
    assertEquals(List.of("key1"), port.keys());
  }

  @Test
  void when_the_leader_has_executed_what_was_forwarded_then_its_client_gets_the_own_reply()
      throws IOException {
    Port first = attach(0);
    String[] publish = {"PUBLISH", "c", "m"};
    applier
        .ownReplies()
        .expect(Request.of(publish), frame -> outcomes.add("own reply"))
        .executed(Unpooled.copiedBuffer(":0\r\n", StandardCharsets.US_ASCII));
    append(1, 1, "EVALSHA", "x", "0");
    append(1, 2, publish);
    applier.voided(3, List.of(new VoidedCommand(1, 1)));
    applier.committed(2);
    turn();
    applier.redisLost(); // the first connection answers no more
    Port second = attach(0);
    turn();
    second.answer();
    assertEquals(List.of("own reply"), outcomes);
    assertEquals(2, applier.appliedIndex());
    assertEquals(2, first.received.toString().split("PUBLISH", -1).length);
  }

  @Test
  void when_stopped_then_nobody_waits_for_an_own_reply() {
    attach(0);
    OwnReplies.Expected waiting =
        applier
            .ownReplies()
            .expect(Request.of("PUBLISH", "c", "m"), frame -> outcomes.add("leader's reply"));
    applier.stop();
    waiting.executed(Unpooled.copiedBuffer(":0\r\n", StandardCharsets.US_ASCII));
    assertEquals(List.of("leader's reply"), outcomes);
  }
}
