package io.ratissidecar.sidecar.membership;

import static io.ratissidecar.sidecar.membership.RefusedException.refused;

import io.ratissidecar.sidecar.config.SidecarConfig;
import io.ratissidecar.sidecar.raft.ClusterIdentity;
import io.ratissidecar.sidecar.raft.FatalHandler;
import io.ratissidecar.sidecar.raft.Member;
import io.ratissidecar.sidecar.raft.RaftNode;
import io.ratissidecar.sidecar.raft.Replication;
import io.ratissidecar.sidecar.resp.FrontLoop;
import io.ratissidecar.sidecar.resp.LeaderErrors;
import io.ratissidecar.statemachine.resp.RespValue;
import java.io.IOException;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.function.LongConsumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * This node's place in a cluster: none, member, or removed. Fields belong to the front loop; what
 * blocks runs on the thread {@code membership}.
 */
public final class Membership {
  private static final Logger LOG = LoggerFactory.getLogger(Membership.class);
  private static final String ALREADY_MEMBER = "ERR Already cluster member";
  private static final String REMOVED =
      "ERR This node was removed from its cluster. Stop it, empty its directory and its Redis, and join it again under a new id";
  private static final int FIRST_ID = 1;

  private final SidecarConfig config;
  private final FrontLoop front;
  private final ClusterHost host;
  private final FatalHandler fatal;
  private final PeerLinks peers;
  private final Handover handover;
  private final MemberChanges changes;
  private final NodeWatch watch = new NodeWatch();
  private final ExecutorService executor =
      Executors.newSingleThreadExecutor(work -> new Thread(work, "membership"));
  private final Standing standing;
  private volatile NodeFile file;
  private volatile Replication replication;
  private boolean initializing;
  private Joining joining;
  private boolean idRecorded;
  private volatile boolean stopping;
  private long lastLeaderNanos;

  public Membership(SidecarConfig config, FrontLoop front, ClusterHost host, FatalHandler fatal) {
    this.config = config;
    this.front = front;
    this.host = host;
    this.fatal = fatal;
    this.peers = new PeerLinks(front, config.password());
    this.handover = new Handover(front, peers, config, this::clusterId);
    this.standing = new Standing(front, new RollCall(peers), fatal, new View());
    this.changes = new MemberChanges(this, peers, handover);
  }

  /**
   * Goes on with the cluster that this directory belongs to, if any. Blocks; before clients are let
   * in.
   */
  public void start() throws IOException {
    file = NodeFile.read(config.dir());
    if (config.id() != 0 && file.nodeId() != 0 && config.id() != file.nodeId()) {
      throw new IOException(
          "'id' is " + config.id() + ", but " + config.dir() + " belongs to node " + file.nodeId());
    }
    if (!file.clusterId().isEmpty() && !file.removed()) {
      startReplication(new ClusterIdentity(file.clusterId(), file.nodeId()), file.members());
    }
  }

  private Replication startReplication(ClusterIdentity identity, List<Member> members)
      throws IOException {
    Replication created = host.createReplication(identity);
    try {
      created.start(members);
    } catch (IOException | RuntimeException e) {
      created.close();
      throw e;
    }
    lastLeaderNanos = System.nanoTime();
    replication = created;
    host.followed(created);
    return created;
  }

  /** This node's part in a cluster; empty when it has none (any more). */
  public Optional<Replication> replication() {
    return Optional.ofNullable(replication);
  }

  /** Why no data is served here at all; empty unless this node was removed. */
  public Optional<String> removal() {
    return file.removed() ? Optional.of(REMOVED) : Optional.empty();
  }

  /** Why RAFT commands can't be taken; empty when they can. */
  public Optional<String> refusal() {
    if (replication != null) {
      return Optional.empty();
    }
    return Optional.of(file.removed() ? REMOVED : "NOCLUSTER No Raft Cluster");
  }

  /** For {@link io.ratissidecar.sidecar.raft.ReadGate}. */
  public void askTerm(Member member, LongConsumer answer) {
    peers
        .call(member.clientAddress(), 0, PeerProtocol.message(PeerProtocol.TERM, file.clusterId()))
        .whenComplete(
            (reply, error) ->
                answer.accept(reply instanceof RespValue.Int term ? term.value() : -1));
  }

  /** {@code RAFT.CLUSTER INIT}: a new cluster with this node as its only one. */
  public CompletableFuture<String> init(Optional<String> wished) {
    if (wished.isPresent() && !ClusterIdentity.isClusterId(wished.get())) {
      return refused("ERR invalid cluster id; it must be 32 hexadecimal digits in lower case");
    }
    if (file.removed()) {
      return refused(REMOVED);
    }
    if (replication != null || !file.clusterId().isEmpty()) {
      return refused(ALREADY_MEMBER);
    }
    if (initializing || joining != null) {
      return refused("ERR this node is just being made part of a cluster");
    }
    initializing = true;
    idRecorded = true;
    String clusterId = wished.orElseGet(ClusterIdentity::newClusterId);
    int id = config.id() == 0 ? FIRST_ID : config.id();
    Member self = self(id, true);
    return inBackground(() -> become(new ClusterIdentity(clusterId, id), List.of(self)))
        .thenCompose(this::untilLeader)
        .thenCompose(
            started -> new UsedIds(started, host.reservedDatabase()).record(id, file.incarnation()))
        .thenApply(done -> clusterId)
        .whenCompleteAsync(
            (done, error) -> {
              initializing = false;
              idRecorded = error == null;
            },
            front.loop());
  }

  /**
   * {@code RAFT.CLUSTER JOIN}: has one of the addresses add this node, and waits until the cluster
   * has it. Takes the place of an attempt that is still under way.
   */
  public CompletableFuture<Void> join(List<String> addresses) {
    if (file.removed()) {
      return refused(REMOVED);
    }
    if (isMember()) {
      return refused(ALREADY_MEMBER);
    }
    if (initializing) {
      return refused("ERR this node is just being made part of a cluster");
    }
    if (joining != null) {
      joining.cancel("ERR a later RAFT.CLUSTER JOIN has taken the place of this one");
    }
    Joining attempt = new Joining(front, peers, config, addresses, this::isMember);
    joining = attempt;
    return attempt
        .run()
        .whenCompleteAsync(
            (done, error) -> {
              if (joining == attempt) {
                joining = null;
              }
            },
            front.loop());
  }

  private boolean isMember() {
    return replication != null
        && replication.raft().member(file.nodeId()).isPresent()
        && replication.raft().leader().isPresent();
  }

  /** A leader wants this node as a learner of its cluster. Repeating it is fine. */
  public CompletableFuture<Void> attach(String clusterId, int id, List<Member> members) {
    if (file.removed()) {
      return refused(REMOVED);
    }
    if (!file.clusterId().isEmpty()) {
      return file.clusterId().equals(clusterId) && file.nodeId() == id
          ? CompletableFuture.completedFuture(null)
          : refused(
              "ERR this node belongs to cluster " + file.clusterId() + " as node " + file.nodeId());
    }
    if (config.id() != 0 && config.id() != id) {
      return refused("ERR this node was started with id " + config.id());
    }
    return inBackground(() -> become(new ClusterIdentity(clusterId, id), members))
        .thenApply(started -> null);
  }

  private interface Work {
    Replication run() throws IOException;
  }

  private CompletableFuture<Replication> inBackground(Work work) {
    CompletableFuture<Replication> done = new CompletableFuture<>();
    executor.execute(
        () -> {
          try {
            done.complete(work.run());
          } catch (RefusedException e) {
            done.completeExceptionally(e);
          } catch (IOException | RuntimeException e) {
            LOG.error("Becoming part of a cluster failed", e);
            done.completeExceptionally(new RefusedException("ERR " + e.getMessage()));
          }
        });
    return done;
  }

  private Replication become(ClusterIdentity identity, List<Member> members) throws IOException {
    if (replication != null) {
      return replication; // an earlier attempt came this far
    }
    if (!host.redisIsEmpty()) {
      throw new RefusedException(
          "ERR the local Redis is not empty. A node starts with an empty one, since it will hold the cluster's data");
    }
    NodeFile before = file;
    NodeFile next = before.inCluster(identity.clusterId(), identity.nodeId(), members);
    next.write(config.dir());
    file = next;
    try {
      return startReplication(identity, members);
    } catch (IOException | RuntimeException e) {
      // Nothing of the cluster is here yet: the attempt can be repeated, or another one made.
      file = before;
      before.write(config.dir());
      throw e;
    }
  }

  private CompletableFuture<Replication> untilLeader(Replication started) {
    CompletableFuture<Replication> ready = new CompletableFuture<>();
    Polling.until(
        front,
        () -> started.raft().isLeaderReady() && started.applier().redisIsReady(),
        config.joinTimeout().toMillis(),
        () -> ready.complete(started),
        () ->
            ready.completeExceptionally(new RefusedException("ERR the new cluster has no leader")));
    return ready;
  }

  /** The cluster has removed this node: it takes no more commands, now and after a restart. */
  private void removed() {
    if (file.removed()) {
      return;
    }
    LOG.warn("This node ({}) was removed from cluster {}", file.nodeId(), file.clusterId());
    file = file.asRemoved();
    Replication former = replication;
    replication = null;
    executor.execute(
        () -> {
          try {
            file.write(config.dir());
            if (former != null) {
              former.close();
            }
          } catch (IOException e) {
            fatal.stop("can't record that this node was removed from its cluster", e);
          }
        });
  }

  /** Ratis ended our part in the group: we were removed, or something is wrong. Any thread. */
  public void raftClosed() {
    if (!stopping) {
      front.loop().execute(standing::raftEnded);
    }
  }

  /** Looks after members and leadership; a few times a second, on the front loop. */
  public void tick() {
    Replication current = replication;
    if (current == null || stopping) {
      return;
    }
    current.tick();
    RaftNode raft = current.raft();
    if (raft.leader().isPresent()) {
      lastLeaderNanos = System.nanoTime();
    } else if (System.nanoTime() - lastLeaderNanos > 3 * config.electionTimeout().toNanos()) {
      lastLeaderNanos = System.nanoTime();
      standing.ask();
    }
    if (!file.joined() && raft.wasCommittedMember()) {
      joined();
    }
    if (raft.isLeaderReady()) {
      recordOwnId(current);
      changes.tick(current);
      handover.tick(current);
      watch.tick(raft);
    }
  }

  private void joined() {
    NodeFile next = file.asJoined();
    file = next;
    executor.execute(
        () -> {
          try {
            next.write(config.dir());
          } catch (IOException e) {
            fatal.stop("can't record that this node is part of its cluster", e);
          }
        });
  }

  /** The first node may have died between its first start and the recording of its id. */
  private void recordOwnId(Replication current) {
    if (!idRecorded && current.raft().members().size() == 1) {
      idRecorded = true;
      new UsedIds(current, host.reservedDatabase())
          .record(file.nodeId(), file.incarnation())
          .whenCompleteAsync((done, error) -> idRecorded = error == null, front.loop());
    }
  }

  /** Somebody says that this node was removed: ask a leader. */
  void mayBeRemoved() {
    standing.ask();
  }

  /**
   * Answers {@link PeerProtocol#MEMBER}: whether the id is part of the cluster at some moment
   * between the call and the answer. Fails when this node is not the one to say.
   */
  CompletableFuture<Boolean> knowsMember(int id) {
    Replication current = replication;
    if (current == null || !current.raft().isLeaderReady()) {
      return refused(LeaderErrors.NO_LEADER);
    }
    // The read is confirmed by a majority, so this was the leader when its members are looked at.
    return new UsedIds(current, host.reservedDatabase())
        .read()
        .thenApply(ids -> current.raft().isInConfiguration(id));
  }

  /** Leader's side of changes. */
  public MemberChanges changes() {
    return changes;
  }

  /** Handing leadership over. */
  public Handover handover() {
    return handover;
  }

  /** What {@link PeerProtocol#DESCRIBE} tells. */
  List<String> description() {
    return List.of(
        file.incarnation(),
        Integer.toString(config.id()),
        file.clusterId(),
        config.raftAddress(),
        Integer.toString(host.reservedDatabase() + 1));
  }

  /** What this node says of itself. */
  public NodeStatus status() {
    return NodeStatus.of(file, Optional.ofNullable(replication), config, host);
  }

  /** 32 hexadecimal digits, or empty. */
  public String clusterId() {
    return file.clusterId();
  }

  /** This node's id, 0 in no cluster. */
  public int nodeId() {
    return file.nodeId();
  }

  int reservedDatabase() {
    return host.reservedDatabase();
  }

  FrontLoop front() {
    return front;
  }

  /** For work that blocks. */
  Executor executor() {
    return executor;
  }

  /** What {@link Standing} sees and does. */
  private final class View implements Standing.Node {
    @Override
    public NodeFile file() {
      return file;
    }

    @Override
    public Optional<Replication> replication() {
      return stopping ? Optional.empty() : Optional.ofNullable(replication);
    }

    @Override
    public void removed() {
      Membership.this.removed();
    }
  }

  private Member self(int id, boolean voter) {
    return new Member(id, config.clientAddress(), config.raftAddress(), voter);
  }

  /** Leaves the group's protocol; the node remains a member. Blocks. */
  public void stop() throws IOException {
    stopping = true;
    executor.shutdown();
    front.loop().execute(peers::close);
    Replication current = replication;
    if (current != null) {
      current.close();
    }
  }
}
