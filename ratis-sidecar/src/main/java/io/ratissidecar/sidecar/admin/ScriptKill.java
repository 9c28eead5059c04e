package io.ratissidecar.sidecar.admin;

import io.netty.buffer.ByteBuf;
import io.ratissidecar.sidecar.membership.Membership;
import io.ratissidecar.sidecar.membership.NodeStatus;
import io.ratissidecar.sidecar.membership.RefusedException;
import io.ratissidecar.sidecar.raft.DeadlyEntry;
import io.ratissidecar.sidecar.raft.Failure;
import io.ratissidecar.sidecar.raft.Member;
import io.ratissidecar.sidecar.raft.Replication;
import io.ratissidecar.sidecar.raft.ReplyReceiver;
import io.ratissidecar.sidecar.redis.LocalRedis;
import io.ratissidecar.sidecar.resp.FrontLoop;
import io.ratissidecar.statemachine.entry.VoidedCommand;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.function.Function;
import java.util.function.IntSupplier;

/**
 * {@code SCRIPT KILL} and {@code FUNCTION KILL}: ends the script that keeps the leader's Redis from
 * its work, or with which that ends, on every node. The log declares void what Redis was sent and
 * has not answered of scripts and transactions: the one that does not end is among them, and nobody
 * knows which. They are left out wherever the log is applied again, and what they have written is
 * undone. See docs/adr/0018. On the front loop.
 */
final class ScriptKill {
  private static final String NO_ANSWER = "ERR the local Redis does not answer; try again";
  private static final String AGAIN = "ERR the local Redis has just gone on; try again";
  private static final String LOOKING =
      "ERR the local Redis ends again and again, and the entry with which it does is being looked for; try again";
  private static final String NOT_BUSY = "NOTBUSY No scripts in execution right now.";

  private final Membership membership;
  private final LocalRedis redis;
  private final FrontLoop front;
  private final IntSupplier reservedDatabase;
  private final Function<Failure, String> failureText;

  /**
   * @param reservedDatabase asked once there is a Redis
   */
  ScriptKill(
      Membership membership,
      LocalRedis redis,
      FrontLoop front,
      IntSupplier reservedDatabase,
      Function<Failure, String> failureText) {
    this.membership = membership;
    this.redis = redis;
    this.front = front;
    this.reservedDatabase = reservedDatabase;
    this.failureText = failureText;
  }

  /**
   * Completes once the script is void and the leader's Redis goes on behind it. A Redis that has
   * been at work for less than {@code busy-reply-threshold} answers nobody yet; as with Redis
   * itself, the kill waits until it does.
   *
   * @param kind {@code SCRIPT} or {@code FUNCTION}
   */
  CompletableFuture<Void> kill(Replication leading, String kind) {
    Optional<DeadlyEntry.Found> deadly = leading.applier().deadlyEntry();
    if (deadly.isPresent() && redis.busy().isEmpty()) {
      return statuses(leading)
          .thenComposeAsync(statuses -> leaveOut(leading, deadly.get(), statuses), front.loop());
    }
    CompletableFuture<Void> looked = new CompletableFuture<>();
    redis.whenLooked(() -> looked.complete(null));
    return looked.thenComposeAsync(now -> killBusy(leading, kind), front.loop());
  }

  private CompletableFuture<Void> killBusy(Replication leading, String kind) {
    Optional<String> busy = redis.busy();
    if (busy.isEmpty() && leading.applier().suspectsDeadlyEntry()) {
      return RefusedException.refused(LOOKING);
    }
    if (busy.isEmpty()) {
      return RefusedException.refused(redis.isConnected() ? NOT_BUSY : NO_ANSWER);
    }
    if (!busy.get().contains(kind + " KILL")) {
      return RefusedException.refused(busy.get()); // as Redis: it names the one that would do
    }
    List<VoidedCommand> before = leading.applier().scriptsUnderWay();
    return statuses(leading)
        .thenComposeAsync(statuses -> decide(leading, before, statuses), front.loop());
  }

  /** Of the other nodes. */
  private CompletableFuture<List<NodeStatus>> statuses(Replication leading) {
    List<Member> others =
        leading.raft().group().members().stream()
            .filter(member -> member.id() != membership.nodeId())
            .toList();
    return membership.handover().statuses(others);
  }

  /** An entry that no Redis survives. */
  private CompletableFuture<Void> leaveOut(
      Replication leading, DeadlyEntry.Found deadly, List<NodeStatus> others) {
    Optional<DeadlyEntry.Found> now = leading.applier().deadlyEntry();
    if (now.isEmpty()
        || now.get().index() != deadly.index()
        || leading.applier().appliedIndex() >= deadly.index()) {
      return RefusedException.refused(AGAIN); // Redis is through with it
    }
    for (NodeStatus other : others) {
      if (other.appliedIndex() >= deadly.index()) {
        return RefusedException.refused(
            "ERR entry "
                + deadly.index()
                + ", with which the local Redis ends, has taken effect on node "
                + other.id()
                + " and stays. Let that one lead, and compare the Redis servers' versions and limits");
      }
    }
    return propose(leading, now.get().commands());
  }

  /**
   * @param before the scripts that were not answered before the others were asked
   */
  private CompletableFuture<Void> decide(
      Replication leading, List<VoidedCommand> before, List<NodeStatus> others) {
    List<VoidedCommand> now = leading.applier().scriptsUnderWay();
    if (redis.busy().isEmpty() || (!before.isEmpty() && !now.contains(before.get(0)))) {
      return RefusedException.refused(NOT_BUSY); // it has ended meanwhile
    }
    // What another node is through with does end, and may have been answered when that one led.
    long ended = others.stream().mapToLong(NodeStatus::appliedIndex).max().orElse(0);
    List<VoidedCommand> scripts =
        before.stream().filter(now::contains).filter(s -> s.index() > ended).toList();
    if (scripts.isEmpty()) {
      // It is none of the log's, a read-only one for example, or only this Redis is late with it:
      // ended here, it is done again.
      redis.endScript();
      return CompletableFuture.completedFuture(null);
    }
    return propose(leading, scripts);
  }

  private CompletableFuture<Void> propose(Replication leading, List<VoidedCommand> commands) {
    CompletableFuture<Void> done = new CompletableFuture<>();
    boolean proposed =
        leading
            .sequencer()
            .addVoidEntry(
                new ReplyReceiver() {
                  @Override
                  public void reply(ByteBuf frame) {
                    done.complete(null);
                  }

                  @Override
                  public void failed(Failure failure) {
                    done.completeExceptionally(new RefusedException(failureText.apply(failure)));
                  }
                },
                reservedDatabase.getAsInt(),
                commands);
    return proposed ? done : RefusedException.refused("ERR scripts are being ended already");
  }
}
