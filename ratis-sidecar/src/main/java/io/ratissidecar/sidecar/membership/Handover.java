package io.ratissidecar.sidecar.membership;

import static io.ratissidecar.sidecar.membership.RefusedException.refused;

import io.ratissidecar.sidecar.config.SidecarConfig;
import io.ratissidecar.sidecar.raft.Member;
import io.ratissidecar.sidecar.raft.RaftNode;
import io.ratissidecar.sidecar.raft.Replication;
import io.ratissidecar.sidecar.resp.FrontLoop;
import io.ratissidecar.statemachine.resp.RespValue;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Hands leadership over: when an operator wants it, before this node stops, and while its Redis
 * can't serve. Confined to the front loop.
 */
public final class Handover {
  private static final Logger LOG = LoggerFactory.getLogger(Handover.class);
  private static final long STATUS_MILLIS = 1000;
  private static final long POLL_MILLIS = 20;

  /** How long an election may take that a transfer has begun. */
  private static final long ELECTION_NANOS = TimeUnit.SECONDS.toNanos(5);

  /** A leader whose Redis does not serve for this long gives leadership to a node whose does. */
  private static final long UNFIT_NANOS = 300_000_000;

  private final FrontLoop front;
  private final PeerLinks peers;
  private final SidecarConfig config;
  private final Supplier<String> clusterId;
  private boolean handingOver;

  /** Why leadership stays with a node that does not serve, as it was told. */
  private String problem = "";

  private long fitNanos = System.nanoTime();

  Handover(FrontLoop front, PeerLinks peers, SidecarConfig config, Supplier<String> clusterId) {
    this.front = front;
    this.peers = peers;
    this.config = config;
    this.clusterId = clusterId;
  }

  /** Gives leadership away while the local Redis can't serve. */
  void tick(Replication replication) {
    RaftNode raft = replication.raft();
    long now = System.nanoTime();
    if (replication.applier().isServing()) {
      fitNanos = now;
      problem = "";
    } else if (now - fitNanos > UNFIT_NANOS
        && !handingOver
        && !raft.group().otherVoters().isEmpty()) {
      handingOver = true;
      toBest(raft)
          .whenComplete(
              (successor, error) -> {
                handingOver = false;
                fitNanos = System.nanoTime();
                if (error != null) {
                  stays(rootMessage(error));
                } else {
                  LOG.warn(
                      "The local Redis does not serve: handed leadership to node {}",
                      successor.id());
                }
              });
    }
  }

  /** It is tried again and again; a person has to read it once. */
  private void stays(String reason) {
    if (!reason.equals(problem)) {
      LOG.warn("The local Redis does not serve; leadership stays here nevertheless: {}", reason);
    }
    problem = reason;
  }

  /** Hands leadership to a node, or to the one that is furthest when {@code id} is 0. */
  public CompletableFuture<Void> transfer(Replication replication, int id) {
    RaftNode raft = replication.raft();
    if (id == 0) {
      return toBest(raft).thenApply(successor -> null);
    }
    if (id == raft.identity().nodeId()) {
      return refused("ERR node " + id + " is the leader already");
    }
    Optional<Member> target = raft.group().member(id);
    if (target.isEmpty() || !target.get().voter()) {
      return refused("ERR node " + id + " is not a voter of the cluster");
    }
    return attempt(raft, target.get())
        .thenCompose(
            leader ->
                leader.id() == id
                    ? CompletableFuture.completedFuture(null)
                    : refused(
                        "ERR node "
                            + id
                            + " did not take leadership, node "
                            + leader.id()
                            + " did"));
  }

  /** Completes with the leader that the attempt led to, which may be another node or this one. */
  private CompletableFuture<Member> attempt(RaftNode raft, Member target) {
    CompletableFuture<Member> result = new CompletableFuture<>();
    raft.transferLeadership(target.id(), 2 * config.electionTimeout().toMillis())
        .whenCompleteAsync(
            (done, error) -> {
              if (error == null) {
                result.complete(target);
              } else {
                LOG.info("Handing leadership to node {}: {}", target.id(), rootMessage(error));
                awaitLeader(raft, System.nanoTime() + ELECTION_NANOS, rootMessage(error), result);
              }
            },
            front.loop());
    return result;
  }

  /**
   * Ratis gives up after one try, but a successor that has begun to stand goes on by itself, and on
   * a busy machine its vote may be split. So this settles once someone leads.
   */
  private void awaitLeader(
      RaftNode raft, long deadlineNanos, String problem, CompletableFuture<Member> result) {
    Optional<Member> leader = raft.group().leader();
    if (leader.isPresent()) {
      result.complete(leader.get());
    } else if (System.nanoTime() > deadlineNanos) {
      result.completeExceptionally(new RefusedException("ERR no node took leadership: " + problem));
    } else {
      front
          .loop()
          .schedule(
              () -> awaitLeader(raft, deadlineNanos, problem, result),
              POLL_MILLIS,
              TimeUnit.MILLISECONDS);
    }
  }

  /** Hands leadership to the voter whose Redis is furthest. */
  CompletableFuture<Member> toBest(RaftNode raft) {
    return statuses(raft.group().otherVoters())
        .thenCompose(
            statuses -> {
              Optional<NodeStatus> best =
                  statuses.stream()
                      .filter(NodeStatus::serving)
                      .max(Comparator.comparingLong(NodeStatus::appliedIndex));
              Optional<Member> target = best.flatMap(s -> raft.group().member(s.id()));
              return target.isPresent()
                  ? attempt(raft, target.get())
                  : RefusedException.<Member>refused("ERR no other node can take leadership");
            })
        .thenCompose(
            leader ->
                leader.id() != raft.identity().nodeId()
                    ? CompletableFuture.completedFuture(leader)
                    : refused("ERR no other node took leadership"));
  }

  /** What the members say of themselves; those that do not answer are missing. */
  public CompletableFuture<List<NodeStatus>> statuses(List<Member> members) {
    List<CompletableFuture<NodeStatus>> calls = new ArrayList<>();
    for (Member member : members) {
      calls.add(
          peers
              .call(
                  member.clientAddress(),
                  STATUS_MILLIS,
                  PeerProtocol.message(PeerProtocol.STATUS, clusterId.get()))
              .handle(
                  (reply, error) ->
                      error == null && !(reply instanceof RespValue.Error)
                          ? NodeStatus.parse(reply)
                          : null));
    }
    return CompletableFuture.allOf(calls.toArray(new CompletableFuture<?>[0]))
        .thenApply(
            done -> calls.stream().map(CompletableFuture::join).filter(Objects::nonNull).toList());
  }

  /** What went wrong in the first place. */
  static String rootMessage(Throwable error) {
    Throwable root = error;
    while (root.getCause() != null) {
      root = root.getCause();
    }
    return String.valueOf(root.getMessage());
  }
}
