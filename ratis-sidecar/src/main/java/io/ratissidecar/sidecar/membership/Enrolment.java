package io.ratissidecar.sidecar.membership;

import static io.ratissidecar.sidecar.membership.RefusedException.refused;

import io.ratissidecar.sidecar.config.SidecarConfig;
import io.ratissidecar.sidecar.raft.ClusterIdentity;
import io.ratissidecar.sidecar.raft.Member;
import io.ratissidecar.sidecar.raft.Replication;
import io.ratissidecar.sidecar.resp.FrontLoop;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;

/**
 * The ways of this node into a cluster: it founds one, joins one, or is attached by a leader, which
 * is what a join leads to. Confined to the front loop.
 */
final class Enrolment {
  /** Why a node that was removed takes no part any more. */
  static final String REMOVED =
      "ERR This node was removed from its cluster. Stop it, empty its directory and its Redis, and join it again under a new id";

  private static final String ALREADY_MEMBER = "ERR Already cluster member";
  private static final int FIRST_ID = 1;

  /** The slowest Redis loads more than this. */
  private static final long LOADED_BYTES_PER_MILLI = 4000;

  private final SidecarConfig config;
  private final FrontLoop front;
  private final ClusterHost host;
  private final PeerLinks peers;
  private final Participation part;
  private boolean founding;
  private boolean founderRecorded;
  private Joining joining;

  Enrolment(
      SidecarConfig config,
      FrontLoop front,
      ClusterHost host,
      PeerLinks peers,
      Participation part) {
    this.config = config;
    this.front = front;
    this.host = host;
    this.peers = peers;
    this.part = part;
  }

  /**
   * Founds a cluster with this node as its only one; completes with the cluster's id when it leads
   * and its Redis has the data.
   *
   * @param rdb file of this machine that the cluster's data is taken from; empty for an empty
   *     cluster
   */
  CompletableFuture<String> init(Optional<String> wished, Optional<Path> rdb) {
    if (wished.isPresent() && !ClusterIdentity.isClusterId(wished.get())) {
      return refused("ERR invalid cluster id; it must be 32 hexadecimal digits in lower case");
    }
    if (part.file().removed()) {
      return refused(REMOVED);
    }
    if (part.replication().isPresent() || !part.file().clusterId().isEmpty()) {
      return refused(ALREADY_MEMBER);
    }
    if (founding || joining != null) {
      return refused("ERR this node is just being made part of a cluster");
    }
    founding = true;
    founderRecorded = true;
    String clusterId = wished.orElseGet(ClusterIdentity::newClusterId);
    int id = config.id() == 0 ? FIRST_ID : config.id();
    Member self = new Member(id, config.clientAddress(), config.raftAddress(), true);
    return part.begin(new ClusterIdentity(clusterId, id), List.of(self), rdb)
        .thenCompose(this::untilLeader)
        .thenCompose(this::recordSelf)
        .thenApply(done -> clusterId)
        .whenCompleteAsync(
            (done, error) -> {
              founding = false;
              founderRecorded = error == null;
            },
            front.loop());
  }

  private CompletableFuture<Replication> untilLeader(Replication started) {
    CompletableFuture<Replication> ready = new CompletableFuture<>();
    Polling.until(
        front,
        () -> started.raft().group().isLeaderReady() && started.applier().redisIsReady(),
        config.joinTimeout().toMillis() + host.snapshotState().bytes() / LOADED_BYTES_PER_MILLI,
        () -> ready.complete(started),
        () -> ready.completeExceptionally(new RefusedException(unready(started))));
    return ready;
  }

  private String unready(Replication started) {
    return started.raft().group().isLeaderReady()
        ? "ERR the new cluster has been made, but its data is not loaded yet; the local Redis is "
            + host.redisState()
        : "ERR the new cluster has no leader";
  }

  private CompletableFuture<Void> recordSelf(Replication replication) {
    NodeFile file = part.file();
    return new UsedIds(replication, host.reservedDatabase())
        .record(file.nodeId(), file.incarnation());
  }

  /** The founder may have died between its first start and the recording of its id. */
  void recordFounder(Replication leading) {
    if (!founderRecorded && leading.raft().group().members().size() == 1) {
      founderRecorded = true;
      recordSelf(leading)
          .whenCompleteAsync((done, error) -> founderRecorded = error == null, front.loop());
    }
  }

  /**
   * Has one of the addresses add this node, and waits until the cluster has it. Takes the place of
   * an attempt that is still under way.
   */
  CompletableFuture<Void> join(List<String> addresses) {
    if (part.file().removed()) {
      return refused(REMOVED);
    }
    if (isMember()) {
      return refused(ALREADY_MEMBER);
    }
    if (founding) {
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
    return part.replication()
        .map(Replication::raft)
        .filter(raft -> raft.group().member(part.file().nodeId()).isPresent())
        .filter(raft -> raft.group().leader().isPresent())
        .isPresent();
  }

  /** A leader wants this node as a learner of its cluster. Repeating it is fine. */
  CompletableFuture<Void> attach(String clusterId, int id, List<Member> members) {
    NodeFile file = part.file();
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
    return part.begin(new ClusterIdentity(clusterId, id), members, Optional.empty())
        .thenApply(started -> null);
  }
}
