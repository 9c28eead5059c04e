package io.ratissidecar.sidecar.membership;

import io.ratissidecar.sidecar.config.SidecarConfig;
import io.ratissidecar.sidecar.raft.ClusterIdentity;
import io.ratissidecar.sidecar.raft.FatalHandler;
import io.ratissidecar.sidecar.raft.Member;
import io.ratissidecar.sidecar.raft.RaftNode;
import io.ratissidecar.sidecar.raft.Replication;
import io.ratissidecar.sidecar.resp.FrontLoop;
import io.ratissidecar.statemachine.resp.RespValue;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
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
  private NodeFile file;
  private volatile Replication replication;
  private boolean busy;
  private volatile boolean stopping;
  private long lastLeaderNanos;
  private boolean asking;

  public Membership(SidecarConfig config, FrontLoop front, ClusterHost host, FatalHandler fatal) {
    this.config = config;
    this.front = front;
    this.host = host;
    this.fatal = fatal;
    this.peers = new PeerLinks(front, config.password());
    this.handover = new Handover(front, peers, config, this::clusterId);
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
    created.start(members);
    lastLeaderNanos = System.nanoTime();
    replication = created;
    host.followed(created);
    return created;
  }

  /** This node's part in a cluster; empty when it has none (any more). */
  public Optional<Replication> replication() {
    return Optional.ofNullable(replication);
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
        .call(
            member.clientAddress(),
            0,
            PeerProtocol.COMMAND,
            PeerProtocol.TERM,
            PeerProtocol.VERSION,
            file.clusterId())
        .whenComplete(
            (reply, error) ->
                answer.accept(reply instanceof RespValue.Int term ? term.value() : -1));
  }

  /** {@code RAFT.CLUSTER INIT}: a new cluster with this node as its only one. */
  public CompletableFuture<String> init(Optional<String> wished) {
    if (wished.isPresent() && !ClusterIdentity.isClusterId(wished.get())) {
      return refused("ERR invalid cluster id; it must be 32 hexadecimal digits in lower case");
    }
    Optional<String> refusal = enterBusy();
    if (refusal.isPresent()) {
      return refused(refusal.get());
    }
    String clusterId = wished.orElseGet(ClusterIdentity::newClusterId);
    int id = config.id() == 0 ? FIRST_ID : config.id();
    Member self = self(id, true);
    return inBackground(() -> become(new ClusterIdentity(clusterId, id), List.of(self)))
        .thenCompose(this::untilLeader)
        .thenCompose(
            started -> new UsedIds(started, host.reservedDatabase()).record(id, file.incarnation()))
        .thenApply(done -> clusterId)
        .whenCompleteAsync((done, error) -> busy = false, front.loop());
  }

  /**
   * {@code RAFT.CLUSTER JOIN}: has one of the addresses add this node, and waits until the cluster
   * has it.
   */
  public CompletableFuture<Void> join(List<String> addresses) {
    Optional<String> refusal = enterBusy();
    if (refusal.isPresent()) {
      return CompletableFuture.failedFuture(new RefusedException(refusal.get()));
    }
    return new Joining(front, peers, config, addresses, this::isMember)
        .run()
        .whenCompleteAsync((done, error) -> busy = false, front.loop());
  }

  private Optional<String> enterBusy() {
    if (file.removed()) {
      return Optional.of(REMOVED);
    }
    if (isMember()) {
      return Optional.of(ALREADY_MEMBER);
    }
    if (busy) {
      return Optional.of("ERR this node is just being made part of a cluster");
    }
    busy = true;
    return Optional.empty();
  }

  private boolean isMember() {
    return replication != null
        && replication.raft().member(file.nodeId()).isPresent()
        && replication.raft().leader().isPresent();
  }

  /** A leader wants this node as a learner of its cluster. Repeating it is fine. */
  public CompletableFuture<Void> attach(String clusterId, int id, List<Member> members) {
    if (file.removed()) {
      return refusedVoid(REMOVED);
    }
    if (!file.clusterId().isEmpty()) {
      return file.clusterId().equals(clusterId) && file.nodeId() == id
          ? CompletableFuture.completedFuture(null)
          : refusedVoid(
              "ERR this node belongs to cluster " + file.clusterId() + " as node " + file.nodeId());
    }
    if (config.id() != 0 && config.id() != id) {
      return refusedVoid("ERR this node was started with id " + config.id());
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
    NodeFile next = file.inCluster(identity.clusterId(), identity.nodeId(), members);
    next.write(config.dir());
    file = next;
    return startReplication(identity, members);
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
  public void removed() {
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
      front.loop().execute(() -> askWhetherMember(true));
    }
  }

  /** Looks after members and leadership; a few times a second, on the front loop. */
  public void tick() {
    Replication current = replication;
    if (current == null) {
      return;
    }
    current.tick();
    RaftNode raft = current.raft();
    if (raft.leader().isPresent()) {
      lastLeaderNanos = System.nanoTime();
    } else if (System.nanoTime() - lastLeaderNanos > 3 * config.electionTimeout().toNanos()) {
      lastLeaderNanos = System.nanoTime();
      askWhetherMember(false);
    }
    if (raft.isLeaderReady()) {
      changes.tick(current);
      handover.tick(current);
      watch.tick(raft);
    }
  }

  /** A removed node is not told by Raft. So one that hears of no leader asks the others. */
  private void askWhetherMember(boolean closed) {
    Replication current = replication;
    if (current == null || asking) {
      return;
    }
    asking = true;
    List<CompletableFuture<RespValue>> answers = new ArrayList<>();
    List<Member> others = new ArrayList<>(closed ? file.members() : current.raft().members());
    others.addAll(file.members());
    others.removeIf(m -> m.id() == file.nodeId());
    for (Member other : others) {
      answers.add(
          peers.call(
              other.clientAddress(),
              1000,
              PeerProtocol.COMMAND,
              PeerProtocol.MEMBER,
              PeerProtocol.VERSION,
              file.clusterId(),
              Integer.toString(file.nodeId())));
    }
    CompletableFuture.allOf(answers.toArray(new CompletableFuture<?>[0]))
        .whenCompleteAsync((done, error) -> weigh(answers, closed), front.loop());
  }

  private void weigh(List<CompletableFuture<RespValue>> answers, boolean closed) {
    asking = false;
    for (CompletableFuture<RespValue> answer : answers) {
      if (!answer.isCompletedExceptionally()
          && answer.join() instanceof RespValue.Int member
          && member.value() == 0) {
        removed();
        return;
      }
    }
    if (closed && !stopping && replication != null) {
      fatal.stop(
          "Raft has ended on this node, and no leader says that it was removed; see the log above",
          null);
    }
  }

  /** Answers {@link PeerProtocol#MEMBER}; empty when this node is not the one to say. */
  public Optional<Boolean> knowsMember(int id) {
    Replication current = replication;
    if (current == null || !current.raft().isLeaderReady()) {
      return Optional.empty();
    }
    return Optional.of(current.raft().member(id).isPresent());
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
        file.incarnation(), Integer.toString(config.id()), file.clusterId(), config.raftAddress());
  }

  /** What this node says of itself. */
  public NodeStatus status() {
    Replication current = replication;
    if (current == null) {
      return new NodeStatus(
          file.nodeId(),
          file.clusterId(),
          file.removed() ? "removed" : "none",
          0,
          0,
          0,
          0,
          false,
          config.clientAddress(),
          host.redisAddress(),
          host.redisState());
    }
    RaftNode raft = current.raft();
    return new NodeStatus(
        file.nodeId(),
        file.clusterId(),
        raft.role(),
        raft.term(),
        raft.leader().map(Member::id).orElse(0),
        raft.commitIndex(),
        current.applier().appliedIndex(),
        current.applier().isServing(),
        config.clientAddress(),
        host.redisAddress(),
        host.redisState());
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

  private Member self(int id, boolean voter) {
    return new Member(id, config.clientAddress(), config.raftAddress(), voter);
  }

  private static CompletableFuture<String> refused(String error) {
    return CompletableFuture.failedFuture(new RefusedException(error));
  }

  private static CompletableFuture<Void> refusedVoid(String error) {
    return CompletableFuture.failedFuture(new RefusedException(error));
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
