package io.ratissidecar.sidecar.raft;

import io.ratissidecar.sidecar.config.SidecarConfig;
import io.ratissidecar.snapshot.SnapshotStore;
import java.io.IOException;
import java.util.Collection;
import java.util.Random;
import java.util.concurrent.Executor;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;

/**
 * A node's replication, wired: sequencer, Raft, applier and read gate. One instance per cluster
 * membership.
 */
public final class Replication implements AutoCloseable {
  private static final long ASK_AGAIN_MILLIS = 50;

  /** Everything has waited for longer than this. */
  private static final long EVERYTHING = -1;

  private final SidecarConfig config;
  private final Executor loop;
  private final Applier applier;
  private final RaftNode raft;
  private final Sequencer sequencer;
  private final ReadGate reads;
  private final Scripts scripts;
  private final Candidates candidates;

  /** Hears of events of the group; any thread. */
  public interface Listener {
    void onLeaderChanged();

    /**
     * The leader has not all the entries any more that this node lacks. Said again and again.
     *
     * @param firstAvailable the first one that it has
     */
    void onSnapshotNeeded(Replication replication, long firstAvailable);

    /** Ratis ended this node's part in the group by itself. */
    void onClosed();
  }

  /**
   * @param snapshots those of this node
   * @param loop runs on the front loop
   * @param reader for reading old entries from disk
   */
  public Replication(
      SidecarConfig config,
      ClusterIdentity identity,
      SnapshotStore snapshots,
      ScheduledExecutorService loop,
      ExecutorService reader,
      LongSupplier nanoClock,
      ReadGate.TermPoll termPoll,
      Listener listener,
      FatalHandler fatal) {
    this.config = config;
    this.loop = loop;
    this.applier = new Applier(loop, reader, fatal, nanoClock);
    this.raft =
        new RaftNode(
            config,
            identity,
            snapshots,
            applier,
            loop,
            new ReplicatedLogStateMachine.GroupListener() {
              @Override
              public void onLeaderChanged() {
                loop.execute(Replication.this::leaderChanged);
                listener.onLeaderChanged();
              }

              @Override
              public void onSnapshotNeeded(long firstAvailable) {
                listener.onSnapshotNeeded(Replication.this, firstAvailable);
              }

              @Override
              public void onClosed() {
                listener.onClosed();
              }
            },
            fatal);
    this.sequencer =
        new Sequencer(
            raft,
            applier,
            loop,
            (nanos, task) -> loop.schedule(task, nanos, TimeUnit.NANOSECONDS),
            nanoClock,
            fatal,
            config.batchBytes(),
            config.batchesInFlight());
    this.scripts =
        new Scripts(
            raft.group(),
            applier,
            sequencer,
            loop,
            again -> loop.schedule(again, ASK_AGAIN_MILLIS, TimeUnit.MILLISECONDS),
            () -> ThreadLocalRandom.current().nextInt(1, Integer.MAX_VALUE),
            config.maxEntryBytes());
    this.candidates =
        new Candidates(applier, loop, nanoClock, new Random(), config.maxEntryBytes() / 2);
    this.reads =
        new ReadGate(
            raft.group(),
            termPoll,
            applier,
            loop,
            nanoClock,
            again -> loop.schedule(again, ASK_AGAIN_MILLIS, TimeUnit.MILLISECONDS));
  }

  /** Takes part in the group, as {@link RaftNode#start}. Blocks until the log is open. */
  public void start(Collection<Member> members, boolean joined) throws IOException {
    raft.start(members, joined);
  }

  public RaftNode raft() {
    return raft;
  }

  public Sequencer sequencer() {
    return sequencer;
  }

  public ReadGate reads() {
    return reads;
  }

  public Scripts scripts() {
    return scripts;
  }

  public Candidates candidates() {
    return candidates;
  }

  public Applier applier() {
    return applier;
  }

  /** Looks after time-outs; call it on the front loop a few times a second. */
  public void tick() {
    sequencer.expire(config.responseTimeout().toNanos());
    applier.expire(config.responseTimeout().toNanos(), config.readTimeout().toNanos());
    reads.expire(config.readTimeout().toNanos());
    if (raft.group().isLeader()) {
      raft.clock().steer();
    }
  }

  private void leaderChanged() {
    if (!raft.group().isLeader()) {
      sequencer.failUnproposed();
    }
  }

  /** True once it ends: nothing is applied any more, and the log can't be read. Any thread. */
  public boolean isClosed() {
    return applier.isStopped();
  }

  @Override
  public void close() throws IOException {
    applier.stop();
    loop.execute(this::failPending);
    raft.close();
  }

  /** Nobody ticks any more. */
  private void failPending() {
    sequencer.failUnproposed();
    applier.expire(EVERYTHING, EVERYTHING);
    reads.expire(EVERYTHING);
  }
}
