package io.ratissidecar.sidecar.membership;

import static io.ratissidecar.sidecar.membership.RefusedException.refused;

import io.ratissidecar.sidecar.raft.Member;
import io.ratissidecar.sidecar.raft.RaftNode;
import io.ratissidecar.sidecar.raft.Replication;
import io.ratissidecar.sidecar.resp.LeaderErrors;
import io.ratissidecar.statemachine.resp.RespValue;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The leader's side of membership: adding, promoting and removing nodes. One change at a time, each
 * a Raft configuration that a majority must accept. Confined to the front loop.
 */
public final class MemberChanges {
  private static final Logger LOG = LoggerFactory.getLogger(MemberChanges.class);
  private static final long CALL_MILLIS = 5000;
  private static final long DETACH_MILLIS = 1000;
  private static final long SUCCESSOR_RETRY_MILLIS = 50;
  private static final long SUCCESSOR_NANOS = 10_000_000_000L;

  /** A learner this close behind becomes a voter. */
  private static final long PROMOTION_LAG_ENTRIES = 200;

  private final Membership membership;
  private final PeerLinks peers;
  private final Handover handover;
  private boolean changing;

  MemberChanges(Membership membership, PeerLinks peers, Handover handover) {
    this.membership = membership;
    this.peers = peers;
    this.handover = handover;
  }

  /** A node that was added. */
  public record Added(int id, String clusterId) {}

  /**
   * Adds the node at an address as a learner; it becomes a voter by itself when it has caught up.
   * Repeating it is fine.
   *
   * @param wished its id; 0 to choose one
   */
  public CompletableFuture<Added> add(Replication replication, int wished, String address) {
    if (changing) {
      return refused("TRYAGAIN another change of the cluster is under way");
    }
    changing = true;
    UsedIds used = new UsedIds(replication, membership.reservedDatabase());
    CompletableFuture<Added> done =
        describe(address)
            .thenCompose(
                description ->
                    used.read()
                        .thenCompose(
                            ids -> add(replication, used, ids, wished, address, description)));
    return done.whenComplete((added, error) -> changing = false);
  }

  private CompletableFuture<RespValue> describe(String address) {
    return peers
        .call(
            address,
            CALL_MILLIS,
            PeerProtocol.message(PeerProtocol.DESCRIBE, membership.clusterId()))
        .handle(
            (reply, error) -> {
              if (error != null) {
                throw new RefusedException(
                    "ERR can't reach a node at " + address + ": " + error.getMessage());
              }
              if (reply instanceof RespValue.Error e) {
                throw new RefusedException("ERR " + address + " says: " + e.message());
              }
              return reply;
            });
  }

  private CompletableFuture<Added> add(
      Replication replication,
      UsedIds used,
      Map<Integer, String> ids,
      int wished,
      String address,
      RespValue description) {
    List<RespValue> fields = description.asList();
    String incarnation = fields.get(0).asString();
    int ownWish = Integer.parseInt(fields.get(1).asString());
    String itsCluster = fields.get(2).asString();
    if (!itsCluster.isEmpty() && !itsCluster.equals(membership.clusterId())) {
      return refused("ERR the node at " + address + " is a member of cluster " + itsCluster);
    }
    int databases = Integer.parseInt(fields.get(4).asString());
    int ours = membership.reservedDatabase() + 1;
    if (databases != ours) {
      return refused(
          "ERR the Redis of the node at "
              + address
              + " has "
              + databases
              + " databases, those of the cluster have "
              + ours
              + ". Set 'databases "
              + ours
              + "' there");
    }
    int id = choose(ids, wished != 0 ? wished : ownWish, incarnation);
    String owner = ids.get(id);
    if (owner != null && !owner.equals(incarnation)) {
      return CompletableFuture.failedFuture(UsedIds.usedBefore(id));
    }
    RaftNode raft = replication.raft();
    Added added = new Added(id, membership.clusterId());
    if (raft.group().member(id).isPresent()) {
      return CompletableFuture.completedFuture(added);
    }
    Optional<Member> same =
        raft.group().members().stream().filter(m -> m.clientAddress().equals(address)).findFirst();
    if (same.isPresent()) {
      return refused(
          "ERR node " + same.get().id() + " has the address " + address + "; remove it first");
    }
    // A single voter that loses touch while it makes a learner the second voter would need that
    // learner's vote, which Ratis refuses for ever. So the second node comes as a voter; Ratis
    // keeps it outside the configuration until it has caught up.
    boolean second = raft.group().members().stream().filter(Member::voter).count() == 1;
    Member joiner = new Member(id, address, fields.get(3).asString(), second);
    return used.record(id, incarnation)
        .thenCompose(r -> attach(raft, joiner))
        .thenCompose(
            attached -> RaftAddressProbe.check(joiner.raftAddress(), membership.executor()))
        .thenApplyAsync(reached -> reached, membership.front().loop())
        .thenCompose(attached -> changeMembers(raft, with(raft.group().members(), joiner)))
        .thenApply(
            changed -> {
              LOG.info("Added node {} at {} as a {}", id, address, second ? "voter" : "learner");
              return added;
            });
  }

  private static int choose(Map<Integer, String> ids, int wished, String incarnation) {
    if (wished != 0) {
      return wished;
    }
    for (Map.Entry<Integer, String> entry : ids.entrySet()) {
      if (entry.getValue().equals(incarnation)) {
        return entry.getKey(); // an earlier attempt was interrupted
      }
    }
    return ids.keySet().stream().max(Comparator.naturalOrder()).orElse(0) + 1;
  }

  private CompletableFuture<Void> attach(RaftNode raft, Member joiner) {
    List<String> arguments = new ArrayList<>();
    arguments.add(Integer.toString(joiner.id()));
    // A coming voter that found itself in the configuration would stand for election before the
    // leader has reached it; one that does not find itself there waits.
    List<Member> group =
        joiner.voter() ? raft.group().members() : with(raft.group().members(), joiner);
    for (Member member : group) {
      arguments.add(member.format());
    }
    return peers
        .call(
            joiner.clientAddress(),
            4 * CALL_MILLIS,
            PeerProtocol.message(
                PeerProtocol.ATTACH, membership.clusterId(), arguments.toArray(String[]::new)))
        .handle(
            (reply, error) -> {
              if (error != null) {
                throw new RefusedException("ERR " + error.getMessage());
              }
              if (reply instanceof RespValue.Error e) {
                throw new RefusedException(e.message());
              }
              return null;
            });
  }

  private static List<Member> with(List<Member> members, Member added) {
    List<Member> result = new ArrayList<>(members);
    result.removeIf(m -> m.id() == added.id());
    result.add(added);
    return result;
  }

  private CompletableFuture<Void> changeMembers(RaftNode raft, List<Member> to) {
    return raft.changeMembers(raft.group().members(), to)
        .handleAsync(
            (done, error) -> {
              if (error != null) {
                throw new RefusedException(
                    "TIMEOUT the change of members was not accepted by a majority: "
                        + Handover.rootMessage(error));
              }
              return null;
            },
            membership.front().loop());
  }

  /** Removes a node. The leader itself is removed by its successor. */
  public CompletableFuture<Void> remove(Replication replication, int id) {
    RaftNode raft = replication.raft();
    Optional<Member> member = raft.group().member(id);
    if (member.isEmpty()) {
      return refused("ERR node " + id + " is not a member of the cluster");
    }
    if (changing) {
      return refused("TRYAGAIN another change of the cluster is under way");
    }
    long voters = raft.group().members().stream().filter(Member::voter).count();
    if (member.get().voter() && voters == 1) {
      return refused("ERR node " + id + " is the only voter; a cluster can't be without one");
    }
    changing = true;
    CompletableFuture<Void> done =
        id == membership.nodeId() ? removeSelf(raft, id) : removeOther(raft, member.get());
    return done.whenComplete((removed, error) -> changing = false);
  }

  private CompletableFuture<Void> removeOther(RaftNode raft, Member member) {
    List<Member> rest = new ArrayList<>(raft.group().members());
    rest.removeIf(m -> m.id() == member.id());
    return changeMembers(raft, rest)
        .thenApply(
            changed -> {
              LOG.info("Removed node {} at {}", member.id(), member.clientAddress());
              // A courtesy: a node that is down finds out by itself when it comes back.
              peers.call(
                  member.clientAddress(),
                  DETACH_MILLIS,
                  PeerProtocol.message(
                      PeerProtocol.DETACH, membership.clusterId(), Integer.toString(member.id())));
              return null;
            });
  }

  private CompletableFuture<Void> removeSelf(RaftNode raft, int id) {
    long deadlineNanos = System.nanoTime() + SUCCESSOR_NANOS;
    return handover
        .toBest(raft)
        .thenCompose(successor -> askSuccessor(successor.clientAddress(), id, deadlineNanos))
        .thenApply(
            reply -> {
              if (reply instanceof RespValue.Error error) {
                throw new RefusedException(error.message());
              }
              return null;
            });
  }

  /** A successor says {@code CLUSTERDOWN} until it has committed an entry of its own term. */
  private CompletableFuture<RespValue> askSuccessor(String address, int id, long deadlineNanos) {
    return peers
        .call(address, 4 * CALL_MILLIS, "RAFT.NODE", "REMOVE", Integer.toString(id))
        .thenCompose(
            reply -> {
              String error = reply instanceof RespValue.Error e ? e.message() : "";
              Optional<String> elsewhere = LeaderErrors.movedTo(error);
              if (System.nanoTime() > deadlineNanos
                  || (elsewhere.isEmpty() && !LeaderErrors.mayPass(error))) {
                return CompletableFuture.completedFuture(reply);
              }
              String next = elsewhere.orElse(address);
              CompletableFuture<RespValue> again = new CompletableFuture<>();
              membership
                  .front()
                  .loop()
                  .schedule(
                      () ->
                          askSuccessor(next, id, deadlineNanos)
                              .whenComplete(
                                  (late, failed) -> {
                                    if (failed == null) {
                                      again.complete(late);
                                    } else {
                                      again.completeExceptionally(failed);
                                    }
                                  }),
                      SUCCESSOR_RETRY_MILLIS,
                      TimeUnit.MILLISECONDS);
              return again;
            });
  }

  /** Promotes learners that have caught up. */
  void tick(Replication replication) {
    RaftNode raft = replication.raft();
    if (!changing) {
      raft.group().members().stream()
          .filter(m -> !m.voter())
          .filter(m -> isClose(raft, m))
          .findFirst()
          .ifPresent(learner -> promote(raft, learner));
    }
  }

  private static boolean isClose(RaftNode raft, Member learner) {
    return raft.group()
        .knownCommitIndex(learner.id())
        .map(commit -> raft.group().commitIndex() - commit <= PROMOTION_LAG_ENTRIES)
        .orElse(false);
  }

  private void promote(RaftNode raft, Member learner) {
    changing = true;
    handover
        .statuses(List.of(learner))
        .thenCompose(
            statuses -> {
              boolean ready =
                  !statuses.isEmpty()
                      && statuses.get(0).serving()
                      && raft.group().commitIndex() - statuses.get(0).appliedIndex()
                          <= PROMOTION_LAG_ENTRIES;
              if (!ready) {
                return CompletableFuture.<Void>completedFuture(null);
              }
              Member voter =
                  new Member(learner.id(), learner.clientAddress(), learner.raftAddress(), true);
              return changeMembers(raft, with(raft.group().members(), voter))
                  .thenRun(() -> LOG.info("Node {} has caught up and is a voter now", voter.id()));
            })
        .whenComplete(
            (done, error) -> {
              changing = false;
              if (error != null) {
                LOG.warn(
                    "Node {} could not be made a voter yet: {}",
                    learner.id(),
                    Handover.rootMessage(error));
              }
            });
  }
}
