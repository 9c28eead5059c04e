package io.ratissidecar.sidecar.raft;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.Executors;
import java.util.function.LongConsumer;
import org.junit.jupiter.api.Test;

class ReadGateTest {
  private final ArrayDeque<Runnable> loop = new ArrayDeque<>();
  private final ArrayDeque<Runnable> later = new ArrayDeque<>();
  private final Map<Integer, LongConsumer> asked = new HashMap<>();
  private final List<Failure> failures = new ArrayList<>();
  private final Leader leader = new Leader();
  private final ReplyReceiver receiver =
      new ReplyReceiver() {
        @Override
        public void reply(ByteBuf frame) {}

        @Override
        public void failed(Failure failure) {
          failures.add(failure);
        }
      };
  private long nanos;
  private int polls;
  private final Applier applier =
      new Applier(
          loop::add, Executors.newSingleThreadExecutor(), (reason, cause) -> {}, () -> nanos);
  private final ReadGate gate =
      new ReadGate(
          leader,
          (member, answer) -> {
            polls++;
            asked.put(member.id(), answer);
          },
          applier,
          loop::add,
          () -> nanos,
          later::add);

  /** Node 1 of three. */
  private static final class Leader implements ReadGate.Leadership {
    private boolean ready = true;
    private long term = 7;
    private Runnable onReadiness = () -> {};

    @Override
    public boolean isLeaderReady() {
      onReadiness.run();
      return ready;
    }

    @Override
    public long term() {
      return term;
    }

    @Override
    public long commitIndex() {
      return 10;
    }

    @Override
    public List<Member> otherVoters() {
      return List.of(new Member(2, "h:2", "h:12", true), new Member(3, "h:3", "h:13", true));
    }

    @Override
    public boolean isMajorityWith(Set<Integer> nodeIds) {
      return nodeIds.size() + 1 >= 2;
    }
  }

  private void read() {
    gate.read(0, 2, Unpooled.buffer(), receiver);
  }

  @Test
  void when_a_read_is_to_come_at_once_then_only_a_leader_asks_redis() {
    gate.readAtOnce(0, 2, Unpooled.buffer(), receiver);
    assertEquals(List.of(Failure.REDIS_LOST), failures);
    leader.ready = false;
    gate.readAtOnce(0, 2, Unpooled.buffer(), receiver);
    assertEquals(List.of(Failure.REDIS_LOST, Failure.NOT_LEADER), failures);
    assertEquals(0, polls);
  }

  private void turn() {
    while (!loop.isEmpty()) {
      loop.poll().run();
    }
  }

  // Without a Redis, REDIS_LOST shows that a read has passed the gate.

  @Test
  void when_one_other_voter_confirms_the_term_then_the_read_passes() {
    read();
    turn();
    assertEquals(List.of(), failures);
    asked.get(2).accept(7);
    assertEquals(List.of(Failure.REDIS_LOST), failures);
  }

  @Test
  void when_a_voter_has_a_higher_term_then_this_is_no_leader_any_more() {
    read();
    turn();
    asked.get(2).accept(8);
    asked.get(3).accept(7); // too late
    assertEquals(List.of(Failure.NOT_LEADER), failures);
  }

  @Test
  void when_voters_do_not_answer_or_lag_then_the_read_waits_and_fails_in_time() {
    read();
    turn();
    asked.get(2).accept(-1);
    asked.get(3).accept(6);
    gate.expire(1000);
    assertEquals(List.of(), failures);
    nanos = 1001;
    gate.expire(1000);
    assertEquals(List.of(Failure.NO_QUORUM_FOR_READ), failures);
  }

  @Test
  void when_a_voter_could_not_be_asked_then_it_is_asked_again() {
    read();
    turn();
    asked.get(2).accept(-1);
    assertEquals(2, polls);
    later.poll().run();
    assertEquals(3, polls);
    asked.get(2).accept(7);
    assertEquals(List.of(Failure.REDIS_LOST), failures);
    asked.get(3).accept(-1);
    assertEquals(0, later.size(), "the round is over");
  }

  @Test
  void when_a_voter_has_not_heard_of_the_leader_yet_then_it_is_asked_again() {
    read();
    turn();
    asked.get(2).accept(6);
    later.poll().run();
    asked.get(2).accept(7);
    assertEquals(List.of(Failure.REDIS_LOST), failures);
  }

  @Test
  void when_the_term_changes_while_it_is_looked_at_then_the_older_one_is_asked_for() {
    leader.onReadiness = () -> leader.term = 8;
    read();
    turn();
    asked.get(2).accept(8);
    assertEquals(List.of(Failure.NOT_LEADER), failures);
  }

  @Test
  void when_this_node_moved_to_another_term_meanwhile_then_its_own_word_does_not_count() {
    read();
    turn();
    leader.term = 8;
    asked.get(2).accept(7);
    assertEquals(List.of(Failure.NOT_LEADER), failures);
  }

  @Test
  void when_reads_come_during_a_confirmation_then_they_wait_for_the_next_one() {
    read();
    read();
    turn();
    assertEquals(2, polls, "one question to each voter serves both");
    read();
    turn();
    assertEquals(2, polls);
    asked.get(2).accept(7);
    assertEquals(2, failures.size());
    turn();
    assertEquals(4, polls);
    asked.get(3).accept(7);
    assertEquals(3, failures.size());
  }

  @Test
  void when_not_leader_then_nobody_is_asked() {
    leader.ready = false;
    read();
    turn();
    assertEquals(0, polls);
    assertEquals(List.of(Failure.NOT_LEADER), failures);
  }
}
