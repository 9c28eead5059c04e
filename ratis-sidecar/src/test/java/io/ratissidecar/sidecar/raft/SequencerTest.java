package io.ratissidecar.sidecar.raft;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.ratissidecar.statemachine.resp.Request;
import java.nio.charset.StandardCharsets;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Executors;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;

class SequencerTest {
  private final ArrayDeque<Runnable> loop = new ArrayDeque<>();
  private final FakeProposer proposer = new FakeProposer();
  private final List<Due> timers = new ArrayList<>();
  private final List<String> stopped = new ArrayList<>();
  private long nanos;
  private final Applier applier =
      new Applier(
          loop::add,
          Executors.newSingleThreadExecutor(),
          (reason, cause) -> {
            throw new AssertionError(reason, cause);
          },
          () -> nanos);
  private final Sequencer sequencer =
      new Sequencer(
          proposer,
          applier,
          loop::add,
          (after, task) -> timers.add(new Due(nanos + after, task)),
          () -> nanos,
          (reason, cause) -> stopped.add(reason),
          1000,
          2);

  private record Due(long atNanos, Runnable task) {}

  /** Takes proposals as Ratis does: an index at once, or a failure. */
  private static final class FakeProposer implements Proposer {
    private final List<Batch> proposed = new ArrayList<>();
    private final List<Runnable> failures = new ArrayList<>();
    private long clock = 1000;
    private boolean leader = true;

    @Override
    public void propose(Batch batch, Runnable onFailed) {
      batch.seal();
      proposed.add(batch);
      failures.add(onFailed);
      if (leader) {
        batch.appendedAt(1, proposed.size());
      }
    }

    @Override
    public boolean isLeaderReady() {
      return leader;
    }

    @Override
    public long lastIndex() {
      return 0; // what this test's applier has applied
    }

    @Override
    public long nextLeaderTimeMillis() {
      return clock;
    }
  }

  /** Remembers its outcome. */
  private static final class Client implements ReplyReceiver {
    private String outcome = "";

    @Override
    public void reply(ByteBuf frame) {
      outcome += frame.toString(StandardCharsets.US_ASCII);
    }

    @Override
    public void failed(Failure failure) {
      outcome += failure;
    }
  }

  private Client add(String... command) {
    Client client = new Client();
    sequencer.add(client, 0, 2, Request.of(command), 0);
    return client;
  }

  private void turn() {
    for (int left = loop.size(); left > 0; left--) {
      loop.poll().run();
    }
  }

  private static String payload(Batch batch) {
    ByteBuf copy = Unpooled.wrappedBuffer(batch.seal());
    return copy.toString(StandardCharsets.US_ASCII);
  }

  @Test
  void when_commands_come_in_one_turn_then_they_are_one_batch() {
    add("SET", "a", "1");
    add("SET", "b", "2");
    assertTrue(proposer.proposed.isEmpty(), "nothing is proposed before the turn ends");
    turn();
    assertEquals(1, proposer.proposed.size());
    assertEquals(
        "*2\r\n$6\r\nSELECT\r\n$1\r\n0\r\n*3\r\n$3\r\nSET\r\n$1\r\na\r\n$1\r\n1\r\n*3\r\n$3\r\nSET\r\n$1\r\nb\r\n$1\r\n2\r\n",
        payload(proposer.proposed.get(0)));
  }

  /** Any end of a batch makes room. */
  private void end(int batch) {
    proposer.failures.get(batch).run();
  }

  private void advance(long byNanos) {
    nanos += byNanos;
    List<Due> due = timers.stream().filter(timer -> timer.atNanos() <= nanos).toList();
    timers.removeAll(due);
    due.forEach(timer -> timer.task().run());
  }

  @Test
  void when_a_batch_is_in_flight_then_the_next_grows_until_it_is_committed() {
    add("SET", "a", "1");
    turn();
    add("SET", "b", "1");
    turn();
    add("SET", "c", "1");
    turn();
    assertEquals(1, proposer.proposed.size());
    end(0);
    assertEquals(2, proposer.proposed.size());
    assertTrue(payload(proposer.proposed.get(1)).contains("$1\r\nb\r\n"));
    assertTrue(payload(proposer.proposed.get(1)).contains("$1\r\nc\r\n"));
  }

  @Test
  void when_batches_are_full_then_two_are_in_flight() {
    add("SET", "a", "x".repeat(1000));
    add("SET", "b", "x".repeat(1000));
    add("SET", "c", "x".repeat(1000));
    turn();
    assertEquals(2, proposer.proposed.size());
    end(0);
    assertEquals(3, proposer.proposed.size());
  }

  private final List<Consumer<Boolean>> asked = new ArrayList<>();

  private Client addConditional(String word) {
    Client client = new Client();
    byte[][][] commands = {{word.getBytes(StandardCharsets.US_ASCII)}};
    sequencer.addConditional(client, 0, 2, commands, 0, asked::add);
    return client;
  }

  @Test
  void when_conditional_then_what_comes_later_waits_for_the_verdict() {
    addConditional("FIRST");
    add("LATER");
    turn();
    assertEquals(1, asked.size());
    assertTrue(proposer.proposed.isEmpty());
    asked.get(0).accept(true);
    turn();
    assertEquals(1, proposer.proposed.size(), "one by one, as ever");
    assertTrue(payload(proposer.proposed.get(0)).endsWith("FIRST\r\n"));
    end(0);
    assertTrue(payload(proposer.proposed.get(1)).endsWith("LATER\r\n"));
  }

  @Test
  void when_the_condition_does_not_agree_then_nothing_of_it_is_proposed() {
    addConditional("FIRST");
    add("LATER");
    turn();
    asked.get(0).accept(false);
    turn();
    assertEquals(1, proposer.proposed.size());
    assertTrue(payload(proposer.proposed.get(0)).endsWith("LATER\r\n"));
  }

  @Test
  void when_something_earlier_is_not_applied_then_the_condition_is_not_asked() {
    add("EARLIER");
    addConditional("FIRST");
    turn();
    end(0); // committed, but Redis has not answered
    turn();
    assertEquals(List.of(), asked);
    assertEquals(1, proposer.proposed.size());
  }

  @Test
  void when_leadership_is_lost_while_the_condition_decides_then_its_verdict_counts_no_more() {
    Client client = addConditional("FIRST");
    turn();
    sequencer.failUnproposed();
    asked.get(0).accept(true);
    turn();
    assertEquals("NOT_LEADER", client.outcome);
    assertTrue(proposer.proposed.isEmpty());
  }

  /** A batch of ten takes a millisecond; then one of its clients comes back. */
  private void answerTenAndHearOfOne() {
    for (int i = 0; i < 10; i++) {
      add("SET", "a", "1");
    }
    turn();
    advance(1_000_000);
    end(0);
    add("SET", "b", "1");
    turn();
  }

  @Test
  void when_clients_were_just_answered_then_the_next_batch_waits_for_their_next_commands() {
    answerTenAndHearOfOne();
    assertEquals(1, proposer.proposed.size(), "nine more are expected");
    for (int i = 0; i < 8; i++) {
      add("SET", "b", "1");
    }
    turn();
    assertEquals(2, proposer.proposed.size(), "nine of ten are enough");
    advance(10_000_000);
    assertEquals(2, proposer.proposed.size());
  }

  @Test
  void when_clients_do_not_come_back_then_the_next_batch_waits_no_longer_than_the_last_one_took() {
    answerTenAndHearOfOne();
    advance(999_999);
    assertEquals(1, proposer.proposed.size());
    advance(1);
    assertEquals(2, proposer.proposed.size());
    end(1);
    add("SET", "c", "1");
    turn();
    assertEquals(3, proposer.proposed.size(), "now one client is expected");
  }

  @Test
  void when_the_database_changes_then_the_payload_selects_it() {
    Client client = new Client();
    sequencer.add(client, 3, 2, Request.of("SET", "a", "1"), 0);
    sequencer.add(client, 3, 2, Request.of("SET", "b", "1"), 0);
    sequencer.add(client, 0, 2, Request.of("SET", "c", "1"), 0);
    turn();
    String text = payload(proposer.proposed.get(0));
    assertEquals(2, text.split("SELECT", -1).length - 1);
  }

  @Test
  void when_a_batch_is_full_then_the_next_command_starts_another() {
    add("SET", "a", "x".repeat(2000));
    add("SET", "b", "1");
    turn();
    end(0);
    assertEquals(2, proposer.proposed.size());
  }

  @Test
  void when_a_command_would_make_the_batch_too_long_then_it_starts_another() {
    add("SET", "a", "x".repeat(500));
    add("SET", "b", "x".repeat(600));
    sequencer.add(new Client(), 0, 2, new byte[][][] {{"SET".getBytes(UTF_8), new byte[600]}}, 0);
    for (int i = 0; i < 20; i++) {
      add("SET", "c", "x".repeat(100));
    }
    turn();
    for (int i = 0; i < 10; i++) {
      if (i < proposer.failures.size()) {
        proposer.failures.get(i).run();
      }
    }
    assertTrue(proposer.proposed.size() >= 4);
    for (Batch batch : proposer.proposed) {
      assertTrue(batch.bytes() <= 1000 + 32, batch.bytes() + " bytes"); // and a SELECT
    }
  }

  @Test
  void when_not_appended_then_the_failure_is_definite() {
    proposer.leader = false;
    Client client = add("SET", "a", "1");
    turn();
    proposer.failures.get(0).run();
    assertEquals("NOT_LEADER", client.outcome);
  }

  @Test
  void when_appended_then_a_failed_proposal_leaves_the_outcome_open() {
    Client client = add("SET", "a", "1");
    turn();
    proposer.failures.get(0).run();
    assertEquals("", client.outcome);
  }

  @Test
  void when_leadership_is_lost_then_what_was_not_proposed_fails() {
    add("SET", "a", "1");
    turn();
    add("SET", "b", "1");
    turn();
    Client waiting = add("SET", "c", "1");
    turn();
    sequencer.failUnproposed();
    assertEquals("NOT_LEADER", waiting.outcome);
  }

  @Test
  void when_the_clock_was_asked_earlier_then_a_later_batch_has_its_own_clock() {
    assertEquals(1000, sequencer.clockMillis());
    proposer.clock = 99_000;
    nanos = 98_000_000_000L;
    add("SET", "a", "1");
    turn();
    assertEquals(99_000, proposer.proposed.get(0).leaderTimeMillis());
    assertEquals(98_000_000_000L, proposer.proposed.get(0).createdNanos());
  }

  @Test
  void when_too_much_is_pending_then_it_is_full_until_there_is_room() {
    proposer.leader = true;
    List<String> woken = new ArrayList<>();
    for (int i = 0; i < 12; i++) {
      add("SET", "a", "x".repeat(1000));
    }
    turn();
    assertTrue(sequencer.isFull());
    sequencer.whenRoom(() -> woken.add("yes"));
    for (int i = 0; i < proposer.failures.size(); i++) {
      end(i);
    }
    assertEquals(12, proposer.proposed.size());
    assertEquals(List.of(), woken, "all are committed, but Redis has not answered");
    for (int i = 1; i <= 6; i++) {
      applier.acknowledged(i);
    }
    assertFalse(sequencer.isFull());
    assertEquals(List.of("yes"), woken);
  }

  @Test
  void when_redis_does_not_serve_then_those_who_wait_for_room_hear_of_it() {
    for (int i = 0; i < 12; i++) {
      add("SET", "a", "x".repeat(1000));
    }
    turn();
    List<String> woken = new ArrayList<>();
    sequencer.whenRoom(() -> woken.add("yes"));
    sequencer.expire(1_000_000_000);
    assertTrue(sequencer.isFull());
    assertEquals(List.of("yes"), woken);
  }

  @Test
  void when_leadership_is_lost_then_those_who_wait_for_room_hear_of_it_though_it_is_full() {
    for (int i = 0; i < 12; i++) {
      add("SET", "a", "x".repeat(1000));
    }
    turn();
    for (int i = 0; i < proposer.failures.size(); i++) {
      end(i); // appended, and given up by Ratis
    }
    assertTrue(sequencer.isFull());
    List<String> woken = new ArrayList<>();
    sequencer.whenRoom(() -> woken.add("yes"));
    sequencer.failUnproposed();
    assertEquals(List.of("yes"), woken);
  }

  @Test
  void when_batches_go_nowhere_then_what_waits_behind_them_fails_in_time() {
    add("SET", "a", "1");
    turn();
    Client waiting = add("SET", "b", "1");
    turn();
    advance(1_000_000_000);
    sequencer.expire(1_000_000_000);
    assertEquals("", waiting.outcome);
    advance(1);
    sequencer.expire(1_000_000_000);
    assertEquals("NOT_LEADER", waiting.outcome);
  }

  @Test
  void when_a_command_is_written_in_part_then_nothing_is_proposed_any_more() {
    add("SET", "a", "1");
    Request gone = Request.of("SET", "b", "1");
    gone.buffer().release();
    assertThrows(IndexOutOfBoundsException.class, () -> sequencer.add(new Client(), 0, 2, gone, 0));
    add("SET", "c", "1");
    turn();
    assertEquals(List.of("internal error while putting a command into a batch"), stopped);
    assertEquals(List.of(), proposer.proposed);
  }

  @Test
  void when_replies_come_then_each_client_gets_its_own_and_selects_are_skipped() {
    Client first = new Client();
    Client second = new Client();
    Client block = new Client();
    sequencer.add(first, 1, 2, Request.of("SET", "a", "1"), 0);
    sequencer.add(second, 2, 3, Request.of("SET", "b", "1"), 0);
    byte[][][] commands = {{{'M'}}, {{'X'}}, {{'E'}}};
    sequencer.add(block, 2, 3, commands, 2);
    turn();
    Batch batch = proposer.proposed.get(0);
    assertEquals(2, batch.runs().size());
    assertEquals(2, batch.runs().get(0).replies());
    assertEquals(5, batch.runs().get(1).replies());
    for (String reply : List.of("+s1", "+1", "+s2", "+2", "+m", "+q", "+e")) {
      batch.onReply(Unpooled.copiedBuffer(reply, StandardCharsets.US_ASCII));
    }
    assertEquals("+1", first.outcome);
    assertEquals("+2", second.outcome);
    assertEquals("+e", block.outcome);
  }
}
