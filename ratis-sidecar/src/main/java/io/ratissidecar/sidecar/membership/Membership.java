package io.ratissidecar.sidecar.membership;

import static io.ratissidecar.sidecar.membership.RefusedException.refused;

import io.ratissidecar.sidecar.config.SidecarConfig;
import io.ratissidecar.sidecar.raft.FatalHandler;
import io.ratissidecar.sidecar.raft.Member;
import io.ratissidecar.sidecar.raft.RaftNode;
import io.ratissidecar.sidecar.raft.Replication;
import io.ratissidecar.sidecar.resp.FrontLoop;
import io.ratissidecar.sidecar.resp.LeaderErrors;
import io.ratissidecar.statemachine.resp.RespValue;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import java.util.function.Consumer;
import java.util.function.LongConsumer;

/**
 * This node's place in a cluster: none, member, or removed. Wires what looks after it, and answers
 * what others ask about it. Confined to the front loop, but where a method says otherwise.
 */
public final class Membership {
  /** A node that has not answered the leader for longer than this counts as silent. */
  public static final long SILENT_MILLIS = 2000;

  private static final long DIGEST_MILLIS = 2000;

  private final SidecarConfig config;
  private final FrontLoop front;
  private final ClusterHost host;
  private final Participation part;
  private final PeerLinks peers;
  private final Enrolment enrolment;
  private final Handover handover;
  private final MemberChanges changes;
  private final Standing standing;
  private final NodeWatch watch = new NodeWatch();
  private final ClockWatch clockWatch;
  private long lastLeaderNanos;

  public Membership(SidecarConfig config, FrontLoop front, ClusterHost host, FatalHandler fatal) {
    this.config = config;
    this.front = front;
    this.host = host;
    this.part = new Participation(config, host, fatal);
    this.peers = new PeerLinks(front, config.password());
    this.clockWatch = new ClockWatch(peers);
    this.enrolment = new Enrolment(config, front, host, peers, part);
    this.handover = new Handover(front, peers, config, this::clusterId);
    this.standing = new Standing(front, new RollCall(peers), fatal, part);
    this.changes = new MemberChanges(this, peers, handover);
  }

  /**
   * Goes on with the cluster that this directory belongs to, if any. Blocks; before clients are let
   * in.
   */
  public void start() throws IOException {
    part.start();
    lastLeaderNanos = System.nanoTime();
  }

  /** This node's part in a cluster; empty when it has none (any more). Any thread. */
  public Optional<Replication> replication() {
    return part.replication();
  }

  /** Why no data is served here at all; empty unless this node was removed. */
  public Optional<String> removal() {
    return part.file().removed() ? Optional.of(Enrolment.REMOVED) : Optional.empty();
  }

  /** Why RAFT commands can't be taken; empty when they can. */
  public Optional<String> refusal() {
    return replication().isPresent()
        ? Optional.empty()
        : removal().or(() -> Optional.of("NOCLUSTER No Raft Cluster"));
  }

  /**
   * {@code RAFT.CLUSTER INIT}: a new cluster with this node as its only one.
   *
   * @param rdb as {@link Enrolment#init}
   */
  public CompletableFuture<String> init(Optional<String> wished, Optional<Path> rdb) {
    return enrolment.init(wished, rdb);
  }

  /** {@code RAFT.CLUSTER JOIN}: has one of the addresses add this node to its cluster. */
  public CompletableFuture<Void> join(List<String> addresses) {
    return enrolment.join(addresses);
  }

  /** Answers {@link PeerProtocol#ATTACH}. */
  CompletableFuture<Void> attach(String clusterId, int id, List<Member> members) {
    return enrolment.attach(clusterId, id, members);
  }

  /** Leader's side of changes. */
  public MemberChanges changes() {
    return changes;
  }

  /** Handing leadership over. */
  public Handover handover() {
    return handover;
  }

  /**
   * A replication has ended. Unless this process closed it, Ratis did: we were removed, or
   * something is wrong. Any thread.
   */
  public void raftClosed() {
    if (replication().filter(r -> !r.isClosed()).isPresent()) {
      front.loop().execute(standing::raftEnded);
    }
  }

  /** Begins anew with what is on disk: a snapshot has come from another node. Any thread. */
  public CompletableFuture<Void> restartReplication(RestartStep between) {
    return part.restart(between);
  }

  /** Somebody says that this node was removed: ask a leader. */
  void mayBeRemoved() {
    standing.ask();
  }

  /** Looks after members and leadership; a few times a second. */
  public void tick() {
    Optional<Replication> running = replication();
    if (running.isEmpty() || part.isStopping()) {
      lastLeaderNanos = System.nanoTime();
      return;
    }
    Replication current = running.get();
    current.tick();
    clockWatch.tick(current, clusterId());
    RaftNode raft = current.raft();
    if (raft.group().leader().isPresent()) {
      lastLeaderNanos = System.nanoTime();
    } else if (System.nanoTime() - lastLeaderNanos > 3 * config.electionTimeout().toNanos()) {
      lastLeaderNanos = System.nanoTime();
      standing.ask();
    }
    if (!part.file().joined() && raft.wasCommittedMember()) {
      part.joined();
    }
    if (raft.group().isLeaderReady()) {
      enrolment.recordFounder(current);
      changes.tick(current);
      handover.tick(current);
      watch.tick(raft.group());
    }
  }

  /** For {@link io.ratissidecar.sidecar.raft.ReadGate}. */
  public void askTerm(Member member, LongConsumer answer) {
    peers
        .call(member.clientAddress(), 0, PeerProtocol.message(PeerProtocol.TERM, clusterId()))
        .whenComplete(
            (reply, error) ->
                answer.accept(reply instanceof RespValue.Int term ? term.value() : -1));
  }

  /**
   * Asks another node for the digest of its data behind an entry.
   *
   * @param answer called at most once, on the front loop, with what {@link PeerProtocol#DIGEST}
   *     tells; not called when the node does not answer
   */
  public void askDigest(Member member, long index, Consumer<List<String>> answer) {
    peers
        .call(
            member.clientAddress(),
            DIGEST_MILLIS,
            PeerProtocol.message(PeerProtocol.DIGEST, clusterId(), Long.toString(index)))
        .thenAccept(
            reply -> {
              if (reply instanceof RespValue.Array array) {
                answer.accept(array.asList().stream().map(RespValue::asString).toList());
              }
            });
  }

  /**
   * Answers {@link PeerProtocol#MEMBER}: whether the id is part of the cluster at some moment
   * between the call and the answer. Fails when this node is not the one to say.
   */
  CompletableFuture<Boolean> knowsMember(int id) {
    Optional<Replication> leading = replication().filter(r -> r.raft().group().isLeaderReady());
    if (leading.isEmpty()) {
      return refused(LeaderErrors.NO_LEADER);
    }
    // The read is confirmed by a majority, so this was the leader when its members are looked at.
    return new UsedIds(leading.get(), host.reservedDatabase())
        .read()
        .thenApply(ids -> leading.get().raft().group().isInConfiguration(id));
  }

  /** What {@link PeerProtocol#DESCRIBE} tells. */
  List<String> description() {
    return List.of(
        part.file().incarnation(),
        Integer.toString(config.id()),
        clusterId(),
        config.raftAddress(),
        Integer.toString(host.reservedDatabase() + 1));
  }

  /** How the connection from this node to another one does. */
  public LinkReport link(Member other) {
    return peers.report(other.clientAddress());
  }

  /** What this node says of itself. */
  public NodeStatus status() {
    return NodeStatus.of(part.file(), replication(), config, host);
  }

  /** 32 hexadecimal digits, or empty. Any thread. */
  public String clusterId() {
    return part.file().clusterId();
  }

  /** How clients of Redis Cluster and of sentinels name a node: 40 hexadecimal digits. */
  public String nodeName(int id) {
    try {
      byte[] digest =
          MessageDigest.getInstance("SHA-1")
              .digest((clusterId() + "/" + id).getBytes(StandardCharsets.US_ASCII));
      return HexFormat.of().formatHex(digest);
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every Java has SHA-1", e);
    }
  }

  /** This node's id, 0 in no cluster. Any thread. */
  public int nodeId() {
    return part.file().nodeId();
  }

  int reservedDatabase() {
    return host.reservedDatabase();
  }

  FrontLoop front() {
    return front;
  }

  /** For work that blocks. */
  Executor executor() {
    return part.executor();
  }

  /** Leaves the group's protocol; the node remains a member. Blocks. */
  public void stop() throws IOException {
    try {
      part.stop();
    } finally {
      front.loop().execute(peers::close);
    }
  }
}
