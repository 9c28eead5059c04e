package io.ratissidecar.sidecar.raft;

import io.ratissidecar.logstore.LogIdentity;
import io.ratissidecar.logstore.LogOptions;
import io.ratissidecar.logstore.PayloadLog;
import io.ratissidecar.sidecar.config.FreePort;
import io.ratissidecar.sidecar.config.SidecarConfig;
import io.ratissidecar.snapshot.Snapshot;
import io.ratissidecar.snapshot.SnapshotStore;
import io.ratissidecar.statemachine.entry.EntryHeader;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.Collection;
import java.util.List;
import java.util.Optional;
import java.util.SplittableRandom;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.Executor;
import org.apache.ratis.protocol.ClientId;
import org.apache.ratis.protocol.RaftClientAsynchronousProtocol;
import org.apache.ratis.protocol.RaftClientReply;
import org.apache.ratis.protocol.RaftClientRequest;
import org.apache.ratis.protocol.RaftGroup;
import org.apache.ratis.protocol.RaftGroupId;
import org.apache.ratis.protocol.RaftPeer;
import org.apache.ratis.protocol.RaftPeerId;
import org.apache.ratis.protocol.SetConfigurationRequest;
import org.apache.ratis.protocol.TransferLeadershipRequest;
import org.apache.ratis.rpc.CallId;
import org.apache.ratis.server.RaftServer;
import org.apache.ratis.server.raftlog.RaftLog;
import org.apache.ratis.server.storage.RaftStorage;

/**
 * This node's part in the Raft group: starts and ends it, and changes it. {@link #propose} is for
 * the front loop, the rest for any thread.
 */
public final class RaftNode implements Proposer, AutoCloseable {
  private static final Duration PURGE_PATIENCE = Duration.ofSeconds(30);

  private final SidecarConfig config;
  private final ClusterIdentity identity;
  private final SnapshotStore snapshots;
  private final ReplicatedLogStateMachine stateMachine;
  private final StoredConfiguration configuration;
  private final Executor loop;
  private final ClientId clientId = ClientId.randomId();
  private final RaftGroupId groupId;
  private final RaftPeerId selfId;
  private final GroupView group;
  private final SplittableRandom seeds = new SplittableRandom();
  private final LogCutter cutter = new LogCutter(PURGE_PATIENCE);
  private RaftServer server;
  private volatile RaftServer.Division division;
  private RaftClientAsynchronousProtocol writes;

  RaftNode(
      SidecarConfig config,
      ClusterIdentity identity,
      SnapshotStore snapshots,
      Applier applier,
      Executor loop,
      ReplicatedLogStateMachine.GroupListener listener,
      FatalHandler fatal) {
    this.config = config;
    this.identity = identity;
    this.snapshots = snapshots;
    this.loop = loop;
    this.configuration = new StoredConfiguration(config.dir(), identity);
    this.groupId = RaftGroupId.valueOf(identity.groupUuid());
    this.selfId = Peers.id(identity.nodeId());
    this.stateMachine =
        new ReplicatedLogStateMachine(
            this::openPayload,
            snapshots,
            applier,
            listener,
            fatal,
            RatisSettings.entryLimitBytes(config));
    this.group = new GroupView(selfId, stateMachine.clock()::isKnown);
  }

  private PayloadLog openPayload(long knownDurable) throws IOException {
    return PayloadLog.open(
        config.dir().resolve("log"),
        new LogIdentity(identity.clusterId(), identity.nodeId()),
        new LogOptions(
            config.segmentBytes(),
            config.logCacheBytes(),
            LogOptions.defaults().preallocateBytes()),
        knownDurable);
  }

  /**
   * Joins the group, or goes on with it: what is on disk wins over {@code members}.
   *
   * @param members the group as far as it is known; without this node when it is to wait until the
   *     leader makes it part of it
   * @param joined whether this node has seen itself in a committed configuration
   */
  void start(Collection<Member> members, boolean joined) throws IOException {
    requireOwnSnapshots();
    if (!joined) {
      // A leader that has a newcomer fetch a snapshot sends its configuration, in which the
      // newcomer is not yet; Ratis keeps it, and would make the newcomer a voter now.
      configuration.forget();
    }
    // A Ratis server that could not listen keeps its files locked.
    FreePort.require("Raft", config.bind(), config.raftPort());
    // Ratis falls back on this group when it drops the configuration that it has: when it gets
    // entries from below it, and for a moment whenever this node is told to fetch a snapshot. With
    // the group as it was when this node came to it, a learner of then would find itself outside
    // and end, and the cluster's first node would find itself alone, and lead.
    Collection<Member> known = configuration.members().orElse(List.copyOf(members));
    boolean amongThem = known.stream().anyMatch(m -> m.id() == identity.nodeId());
    // Ratis takes a group with this node or an empty one; with an empty one it waits for the
    // leader.
    List<RaftPeer> peers = amongThem ? known.stream().map(Peers::of).toList() : List.of();
    server =
        RaftServer.newBuilder()
            .setServerId(selfId)
            .setGroup(RaftGroup.valueOf(groupId, peers))
            .setStateMachineRegistry(group -> stateMachine)
            .setProperties(RatisSettings.of(config))
            .setOption(RaftStorage.StartupOption.RECOVER)
            .build();
    try {
      server.start();
    } catch (CompletionException e) {
      // Ratis does not say where its log is damaged, nor what to do.
      Optional<IOException> damage =
          RaftLogVerifier.firstDamage(config.dir(), snapshots.latest().map(Snapshot::manifest));
      if (damage.isPresent()) {
        throw damage.get();
      }
      // What our own state machine found wrong with the log, from a thread of Ratis's.
      if (e.getCause() instanceof IOException found) {
        throw found;
      }
      throw e;
    }
    RaftServer.Division started = server.getDivision(groupId);
    LearnerTimer.end(started);
    writes = (RaftClientAsynchronousProtocol) started;
    division = started;
    group.begin(started);
  }

  /** The newest snapshot is what the log goes on from, so it had better be this cluster's. */
  private void requireOwnSnapshots() throws IOException {
    for (Snapshot snapshot : snapshots.list()) {
      if (!snapshot.manifest().clusterId().equals(identity.clusterId())) {
        throw new IOException(
            snapshot.dir()
                + " is a snapshot of cluster "
                + snapshot.manifest().clusterId()
                + ", and this node belongs to "
                + identity.clusterId()
                + ". Nothing was changed. Move it out of the node's directory");
      }
    }
  }

  /** Which node of which cluster this is. */
  public ClusterIdentity identity() {
    return identity;
  }

  /** What this node knows of the group. */
  public GroupView group() {
    return group;
  }

  /** The log's clock. */
  public LogClock clock() {
    return stateMachine.clock();
  }

  /** The payload log. */
  public PayloadLog payload() {
    return stateMachine.payload();
  }

  /**
   * The lowest entry whose snapshot both logs go on from; 0 for the beginning of all. Any thread.
   */
  public long logsBeginning() {
    RaftServer.Division d = division;
    long headers = d == null ? 0 : d.getRaftLog().getStartIndex();
    if (headers == RaftLog.INVALID_LOG_INDEX) {
      headers = d.getRaftLog().getNextIndex(); // it is empty
    }
    return Math.max(0, Math.max(headers, stateMachine.payload().startIndex()) - 1);
  }

  /**
   * Drops entries that a snapshot holds from both logs, as {@link LogCutter}. Whole files go, so
   * some of them remain. Any thread; blocks.
   *
   * <p>Entries that Ratis has not applied stay for now. After a start it counts from the snapshot
   * that was there then, however far Redis is: a leader reads them from its log to commit them.
   *
   * @param firstKept not above the newest snapshot's index + 1
   * @return whether nothing had to stay
   */
  public boolean dropEntriesBelow(long firstKept) throws IOException {
    RaftServer.Division d = division;
    if (d == null) {
      return false;
    }
    long last = Math.min(firstKept - 1, d.getInfo().getLastAppliedIndex());
    return cutter.cut(d.getRaftLog()::purge, stateMachine.payload(), last) && last == firstKept - 1;
  }

  /** Ratis's side of it; null before the start and after the end. For tests. */
  RaftServer.Division division() {
    return division;
  }

  @Override
  public void propose(Batch batch, Runnable onFailed) {
    ByteBuffer payload = batch.seal();
    EntryHeader header =
        EntryHeader.of(batch.type(), batch.leaderTimeMillis(), seeds.nextLong(), payload);
    RaftClientRequest request =
        RaftClientRequest.newBuilder()
            .setClientId(clientId)
            .setServerId(selfId)
            .setGroupId(groupId)
            .setCallId(CallId.getAndIncrement())
            .setMessage(new Proposal(batch, header, payload))
            .setType(RaftClientRequest.writeRequestType())
            .build();
    CompletableFuture<RaftClientReply> reply;
    try {
      reply = writes.submitClientRequestAsync(request);
    } catch (IOException | RuntimeException e) {
      loop.execute(onFailed);
      return;
    }
    reply.whenComplete(
        (r, error) -> {
          if (error != null || !r.isSuccess()) {
            loop.execute(onFailed);
          }
        });
  }

  @Override
  public long nextLeaderTimeMillis() {
    return stateMachine.clock().next();
  }

  @Override
  public boolean isLeaderReady() {
    return group.isLeaderReady();
  }

  @Override
  public long lastIndex() {
    return group.lastIndex();
  }

  /** True when this node has seen a committed configuration that names it. */
  public boolean wasCommittedMember() {
    return stateMachine.wasMember();
  }

  /**
   * Changes the members. Completes when a majority has it; fails when this node is not the leader,
   * or another change is under way or came between.
   *
   * @param from the members that the change was decided upon
   */
  public CompletableFuture<Void> changeMembers(List<Member> from, List<Member> to) {
    SetConfigurationRequest.Arguments arguments =
        SetConfigurationRequest.Arguments.newBuilder()
            .setServersInCurrentConf(Peers.of(from, true))
            .setListenersInCurrentConf(Peers.of(from, false))
            .setServersInNewConf(Peers.of(to, true))
            .setListenersInNewConf(Peers.of(to, false))
            .setMode(SetConfigurationRequest.Mode.COMPARE_AND_SET)
            .build();
    return outcome(
        () ->
            server.setConfigurationAsync(
                new SetConfigurationRequest(
                    clientId, selfId, groupId, CallId.getAndIncrement(), arguments)));
  }

  /** Hands leadership to the node. Fails when that node does not take it within the time. */
  public CompletableFuture<Void> transferLeadership(int nodeId, long timeoutMillis) {
    return outcome(
        () ->
            server.transferLeadershipAsync(
                new TransferLeadershipRequest(
                    clientId,
                    selfId,
                    groupId,
                    CallId.getAndIncrement(),
                    Peers.id(nodeId),
                    timeoutMillis)));
  }

  private interface Call {
    CompletableFuture<RaftClientReply> run() throws IOException;
  }

  private static CompletableFuture<Void> outcome(Call call) {
    try {
      return call.run()
          .thenCompose(
              reply ->
                  reply.isSuccess()
                      ? CompletableFuture.completedFuture(null)
                      : CompletableFuture.failedFuture(reply.getException()));
    } catch (IOException e) {
      return CompletableFuture.failedFuture(e);
    }
  }

  /**
   * Leaves the group's protocol and closes the files. From now on this node knows of no leader and
   * no members.
   */
  @Override
  public void close() throws IOException {
    division = null;
    cutter.close();
    group.end();
    try {
      if (server != null) {
        server.close();
      }
    } finally {
      stateMachine.closePayload();
    }
  }
}
