package io.ratissidecar.sidecar.raft;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.ratissidecar.statemachine.resp.Resp;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.Executor;
import java.util.function.Consumer;
import java.util.function.LongConsumer;
import java.util.function.LongSupplier;

/**
 * Makes reads linearizable (ReadIndex, section 6.4 of the Raft dissertation): notes the commit
 * index, has a majority of the voters confirm that no newer term exists, waits until the local
 * Redis was sent everything up to that index, then asks it. One confirmation serves all reads that
 * arrived before it began.
 *
 * <p>A voter confirms by telling its current term after the commit index was noted. If a majority
 * is still at this leader's term, no other leader can have committed anything before that moment,
 * since it would have needed the vote, and so the higher term, of one of them.
 *
 * <p>Confined to the front loop.
 */
public final class ReadGate {
  /** What the gate needs to know of the group. */
  interface Leadership {
    boolean isLeaderReady();

    long term();

    long commitIndex();

    /** Voters other than this node. */
    List<Member> otherVoters();

    /**
     * True when these nodes and this one are a majority of the voters, of both configurations while
     * they change.
     */
    boolean isMajorityWith(Set<Integer> nodeIds);
  }

  /** Asks a node for its current term. */
  public interface TermPoll {
    /** Calls back on the front loop, with -1 when the node can't be asked. */
    void askTerm(Member member, LongConsumer answer);
  }

  private record Read(int database, int protocol, ByteBuf command, ReplyReceiver receiver) {}

  private final Leadership leadership;
  private final TermPoll poll;
  private final Applier applier;
  private final Executor loop;
  private final LongSupplier nanoClock;
  private final Consumer<Runnable> later;
  private List<Read> waiting = new ArrayList<>();
  private Round round;
  private boolean scheduled;

  /**
   * @param later runs it on the front loop after a moment: time to ask a node again that could not
   *     be asked
   */
  ReadGate(
      Leadership leadership,
      TermPoll poll,
      Applier applier,
      Executor loop,
      LongSupplier nanoClock,
      Consumer<Runnable> later) {
    this.leadership = leadership;
    this.poll = poll;
    this.applier = applier;
    this.loop = loop;
    this.nanoClock = nanoClock;
    this.later = later;
  }

  /**
   * Reads from the state as of some moment between this call and the reply.
   *
   * @param command one RESP command; ownership passes
   */
  public void read(int database, int protocol, ByteBuf command, ReplyReceiver receiver) {
    waiting.add(new Read(database, protocol, command, receiver));
    schedule();
  }

  /**
   * As {@link #read}, but Redis is asked before the confirmation and not behind it: so as a rule
   * the reply knows nothing that is proposed after this call. For what is seldom read, since it
   * takes a second command.
   */
  public void readAtOnce(int database, int protocol, ByteBuf command, ReplyReceiver receiver) {
    long term = leadership.term();
    if (!leadership.isLeaderReady()) {
      command.release();
      receiver.failed(Failure.NOT_LEADER);
      return;
    }
    applier.whenSent(
        leadership.commitIndex(),
        () -> applier.read(database, protocol, command, new ConfirmedReply(receiver, term)),
        () -> {
          command.release();
          receiver.failed(Failure.REDIS_LOST);
        });
  }

  /** Hands a reply on once it is confirmed that this node has led in one term until then. */
  private final class ConfirmedReply implements ReplyReceiver {
    private final ReplyReceiver receiver;
    private final long term;
    private ByteBuf early;

    ConfirmedReply(ReplyReceiver receiver, long term) {
      this.receiver = receiver;
      this.term = term;
    }

    @Override
    public void reply(ByteBuf frame) {
      if (early == null) {
        early = Unpooled.copiedBuffer(frame);
        ByteBuf ping = Unpooled.buffer(16);
        Resp.command(ping, "PING");
        read(0, 2, ping, this);
      } else if (leadership.term() == term) {
        receiver.reply(early);
      } else {
        receiver.failed(Failure.NOT_LEADER);
      }
    }

    @Override
    public void failed(Failure failure) {
      receiver.failed(failure);
    }
  }

  private void schedule() {
    if (!scheduled && round == null) {
      scheduled = true;
      loop.execute(this::confirm);
    }
  }

  private void confirm() {
    scheduled = false;
    if (round != null || waiting.isEmpty()) {
      return;
    }
    List<Read> reads = waiting;
    waiting = new ArrayList<>();
    // In this order: ready in this term means that the commit index read behind it covers all that
    // earlier leaders committed, and a later term is found out by the question.
    long term = leadership.term();
    if (!leadership.isLeaderReady()) {
      fail(reads, Failure.NOT_LEADER);
      return;
    }
    Round started = new Round(term, leadership.commitIndex(), reads, nanoClock.getAsLong());
    round = started;
    if (leadership.isMajorityWith(started.confirmed)) {
      granted(started);
      return;
    }
    leadership.otherVoters().forEach(voter -> ask(started, voter));
  }

  private void ask(Round asking, Member voter) {
    if (round == asking) {
      poll.askTerm(voter, term -> answered(asking, voter, term));
    }
  }

  private void answered(Round asked, Member voter, long term) {
    if (round != asked) {
      return;
    }
    if (term > asked.term) {
      round = null;
      fail(asked.reads, Failure.NOT_LEADER);
      schedule();
    } else if (term == asked.term) {
      asked.confirmed.add(voter.id());
      if (leadership.isMajorityWith(asked.confirmed)) {
        granted(asked);
      }
    } else {
      // No answer, or the node has not heard of this leader yet: it may confirm a little later.
      later.accept(() -> ask(asked, voter));
    }
  }

  private void granted(Round done) {
    round = null;
    if (leadership.term() != done.term || !leadership.isLeaderReady()) {
      fail(done.reads, Failure.NOT_LEADER); // this node's own confirmation does not hold any more
      schedule();
      return;
    }
    applier.whenSent(
        done.commitIndex,
        () -> {
          for (Read read : done.reads) {
            applier.read(read.database, read.protocol, read.command, read.receiver);
          }
        },
        () -> fail(done.reads, Failure.REDIS_LOST));
    if (!waiting.isEmpty()) {
      schedule();
    }
  }

  /** Gives up a confirmation that takes too long; the next one asks again. */
  void expire(long timeoutNanos) {
    if (round != null && nanoClock.getAsLong() - round.startedNanos > timeoutNanos) {
      Round late = round;
      round = null;
      fail(late.reads, Failure.NO_QUORUM_FOR_READ);
      schedule();
    }
  }

  private static void fail(List<Read> reads, Failure failure) {
    for (Read read : reads) {
      read.command.release();
      read.receiver.failed(failure);
    }
  }

  private static final class Round {
    private final long term;
    private final long commitIndex;
    private final List<Read> reads;
    private final long startedNanos;
    private final Set<Integer> confirmed = new HashSet<>();

    Round(long term, long commitIndex, List<Read> reads, long startedNanos) {
      this.term = term;
      this.commitIndex = commitIndex;
      this.reads = reads;
      this.startedNanos = startedNanos;
    }
  }
}
