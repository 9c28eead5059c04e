package io.ratissidecar.sidecar.membership;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.ratissidecar.sidecar.raft.Failure;
import io.ratissidecar.sidecar.raft.Replication;
import io.ratissidecar.sidecar.raft.ReplyReceiver;
import io.ratissidecar.sidecar.resp.LeaderErrors;
import io.ratissidecar.statemachine.resp.Resp;
import io.ratissidecar.statemachine.resp.RespValue;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;

/**
 * Node ids that were ever given out, each with the incarnation that has it: replicated state, in
 * the reserved database. An id is never given to another incarnation, since Raft would take the new
 * node for the old one.
 */
final class UsedIds {
  private static final String KEY = "ratis-sidecar:nodes";

  private final Replication replication;
  private final int reservedDatabase;

  UsedIds(Replication replication, int reservedDatabase) {
    this.replication = replication;
    this.reservedDatabase = reservedDatabase;
  }

  /** Incarnation by node id, read linearizably. */
  CompletableFuture<Map<Integer, String>> read() {
    ByteBuf command = Unpooled.buffer(64);
    Resp.command(command, "HGETALL", KEY);
    Outcome outcome = new Outcome();
    replication.reads().read(reservedDatabase, 2, command, outcome);
    return outcome.future.thenApply(
        reply -> {
          Map<Integer, String> ids = new HashMap<>();
          List<RespValue> items = reply.asList();
          for (int i = 0; i + 1 < items.size(); i += 2) {
            ids.put(Integer.parseInt(items.get(i).asString()), items.get(i + 1).asString());
          }
          return ids;
        });
  }

  /**
   * Gives the id to the incarnation; completes when a majority has it. Repeating it is fine.
   *
   * @return fails with {@link RefusedException} when another incarnation has the id
   */
  CompletableFuture<Void> record(int id, String incarnation) {
    Outcome outcome = new Outcome();
    replication
        .sequencer()
        .addClusterEntry(
            outcome, reservedDatabase, "HSETNX", KEY, Integer.toString(id), incarnation);
    return outcome
        .future
        .thenCompose(reply -> read())
        .thenApply(
            ids -> {
              if (!incarnation.equals(ids.get(id))) {
                throw usedBefore(id);
              }
              return null;
            });
  }

  static RefusedException usedBefore(int id) {
    return new RefusedException(
        "ERR node id " + id + " was used before; an id is never used again");
  }

  private static final class Outcome implements ReplyReceiver {
    private final CompletableFuture<RespValue> future = new CompletableFuture<>();

    @Override
    public void reply(ByteBuf frame) {
      future.complete(RespValue.parse(frame));
    }

    @Override
    public void failed(Failure failure) {
      future.completeExceptionally(
          new RefusedException(
              failure.isDefinite()
                  ? LeaderErrors.NO_LEADER
                  : "TIMEOUT not committed yet; it is safe to repeat the command"));
    }
  }
}
