package io.ratissidecar.sidecar.session;

import io.netty.buffer.ByteBuf;
import io.ratissidecar.sidecar.quota.MemoryQuota;
import io.ratissidecar.sidecar.raft.Failure;
import io.ratissidecar.sidecar.raft.Replication;
import io.ratissidecar.statemachine.command.Plan;
import io.ratissidecar.statemachine.resp.Request;
import java.util.List;
import java.util.Optional;

/**
 * Commands that are replicated, {@code RAFT <command>} or in transparent mode {@code <command>}:
 * checked here, then queued in the client's transaction, executed on the leader, forwarded, or
 * refused.
 */
final class RaftCommands {
  private final Session session;
  private final Services services;
  private final ClientTransaction transaction;
  private final LeaderCommands leading;

  /** The last {@code WAIT}; null before there was one. */
  private ReplicaWait replicaWait;

  /** Why a {@code MULTI} was refused, as long as the rest of its block may follow; else null. */
  private String blockRefusal;

  RaftCommands(Session session) {
    this.session = session;
    this.services = session.services();
    this.transaction = new ClientTransaction(session);
    this.leading = new LeaderCommands(session);
  }

  /**
   * True for the sidecar's own commands, all of which have a dot in their name: {@code RAFT.NODE}
   * and so on.
   */
  static boolean isAdministrative(Request request) {
    ByteBuf buffer = request.buffer();
    int start = request.argStart(0);
    return request.argLength(0) > 5
        && buffer.getByte(start + 4) == '.'
        && (buffer.getByte(start) | 0x20) == 'r'
        && (buffer.getByte(start + 1) | 0x20) == 'a'
        && (buffer.getByte(start + 2) | 0x20) == 'f'
        && (buffer.getByte(start + 3) | 0x20) == 't';
  }

  /** True between {@code MULTI} and its end. */
  boolean inTransaction() {
    return transaction.isOpen();
  }

  /** As {@link ClientTransaction#size}. */
  int queuedCommands() {
    return transaction.size();
  }

  /**
   * False when the request has to come again later.
   *
   * @param name the argument that is the command's name: 1 behind {@code RAFT}, else 0
   */
  boolean handle(Request request, int name) {
    if (request.argCount() <= name) {
      transaction.refuse("ERR wrong number of arguments for 'raft' command");
      return true;
    }
    if (blockRefusal != null) {
      refuseHere(request, name, blockRefusal);
      return true;
    }
    Optional<String> refusal = services.refusal();
    if (refusal.isPresent()) {
      refuseHere(request, name, refusal.get());
      return true;
    }
    // A transaction is queued here, whoever leads, and Redis queues nothing while it is busy.
    boolean queuedHere = inTransaction() && canForward();
    boolean mayBeBusy = (services.isLeader() || queuedHere) && !mayRunWhileBusy(request, name);
    if (mayBeBusy && !session.knowsWhetherBusy(services.isRedisLate())) {
      return false;
    }
    Optional<String> busy = mayBeBusy ? services.busy() : Optional.empty();
    if (busy.isPresent()) {
      boolean exec = request.argIs(name, "EXEC") && inTransaction();
      String because = exec ? "EXECABORT Transaction discarded because of: " : "";
      refuseHere(request, name, because + busy.get());
      return true;
    }
    Replication replication = services.replication().orElseThrow();
    boolean leader = replication.raft().group().isLeaderReady();
    if (!leader && !canForward()) {
      refuseHere(request, name, services.failureText(Failure.NOT_LEADER));
      return true;
    }
    if (leader && replication.sequencer().isFull() && !isKill(request, name)) {
      if (!replication.applier().isServing()) {
        refuseHere(request, name, services.failureText(Failure.REDIS_LOST));
        return true;
      }
      services.sessions().countThrottled();
      session.holdUntil(replication.sequencer()::whenRoom);
      return false;
    }
    long clock = leader ? replication.sequencer().clockMillis() : services.clockMillis();
    Plan plan = services.commands().plan(request, name, clock, session.database());
    if (plan instanceof Plan.Session) {
      return control(request, name, leader);
    }
    if (plan instanceof Plan.Refused refused) {
      boolean local = name == 0 && !services.commands().isReplicated(request);
      if (inTransaction() && (local || services.commands().refusesTransaction(request, name))) {
        transaction.refuseMember(request, name); // without RAFT it would be no more welcome
      } else {
        transaction.refuse(refused.error());
      }
      return true;
    }
    // As Redis does: whatever a transaction queues takes memory until its end.
    if (leader && services.quota().isExceeded() && (inTransaction() || isDenied(request, name))) {
      transaction.refuse(MemoryQuota.EXCEEDED);
      return true;
    }
    if (request.frameEnd() - request.frameStart() > services.config().maxEntryBytes()) {
      transaction.refuse(
          "ERR command is longer than max-entry-bytes (" + services.config().maxEntryBytes() + ")");
      return true;
    }
    if (inTransaction()) {
      transaction.queue(request, name, plan);
      return true;
    }
    return leader ? leading.run(replication, request, name, plan) : forward(request, name, plan);
  }

  /** As Redis: what ends the script, or is about the connection and not about data. */
  private static boolean mayRunWhileBusy(Request request, int name) {
    return isKill(request, name)
        || request.argIs(name, "MULTI")
        || request.argIs(name, "DISCARD")
        || request.argIs(name, "UNWATCH")
        || request.argIs(name, "QUIT")
        || request.argIs(name, "RESET")
        || request.argIs(name, "AUTH")
        || request.argIs(name, "HELLO");
  }

  private static boolean isKill(Request request, int name) {
    return request.argCount() == name + 2
        && (request.argIs(name, "SCRIPT") || request.argIs(name, "FUNCTION"))
        && request.argIs(name + 1, "KILL");
  }

  private boolean isDenied(Request request, int name) {
    return services.quota().denies(services.commands().find(request, name));
  }

  private boolean canForward() {
    return (services.config().followerProxy() || services.formerLeader().forwards())
        && !session.isFromPeer()
        && services.remoteLeader().isPresent();
  }

  /** This node can't take any command. As in Redis, a refused EXEC ends the transaction. */
  private void refuseHere(Request request, int name, String error) {
    transaction.refuse(error);
    if (request.argIs(name, "EXEC") || request.argIs(name, "DISCARD")) {
      transaction.end();
      blockRefusal = null;
    } else if (request.argIs(name, "MULTI")) {
      // The rest of the block may be on its way, and this node be able to take it in a moment.
      blockRefusal = error;
      if (!session.isFromPeer()) {
        // Another node always sends the block's end. A client that sees the refusal may not, and
        // what it sends then stands for itself; it can't have seen it before this turn ends.
        services.front().loop().execute(() -> blockRefusal = null);
      }
    }
  }

  private boolean forward(Request request, int name, Plan plan) {
    List<Request> command = List.of(request.copyFrom(name));
    return plan instanceof Plan.Blocking blocking
        ? session.proxy().forwardBlocking(command, blocking.timeoutMillis())
        : session.proxy().forward(command, false);
  }

  /** Commands that the session itself answers: the transaction's frame, and what needs no log. */
  private boolean control(Request request, int name, boolean leader) {
    if (request.argIs(name, "MULTI")) {
      transaction.begin();
      return true;
    }
    if (request.argIs(name, "EXEC")) {
      return transaction.exec(leader);
    }
    if (request.argIs(name, "DISCARD")) {
      transaction.discard();
      return true;
    }
    if (request.argIs(name, "WATCH")) {
      return transaction.watch(request, name, leader);
    }
    if (request.argIs(name, "UNWATCH") && !inTransaction()) {
      transaction.forgetWatched();
      session.slot(Lane.IMMEDIATE).ok();
      return true;
    }
    if (isKill(request, name) && !inTransaction()) {
      return leader
          ? session.administer(request.copyFrom(name))
          : forward(request, name, Plan.VERBATIM);
    }
    if (request.argIs(name, "WAIT") && !inTransaction()) {
      return waitForReplicas(request, name, leader);
    }
    boolean endsAll = request.argIs(name, "RESET") || request.argIs(name, "QUIT");
    if (!inTransaction() || endsAll) {
      return SessionCommands.answer(session, request.copyFrom(name));
    }
    if (request.argIs(name, "SELECT")) {
      transaction.select(request, name);
    } else if (request.argIs(name, "PING")
        || request.argIs(name, "ECHO")
        || request.argIs(name, "UNWATCH")) {
      transaction.queue(request, name, Plan.VERBATIM); // Redis answers them in their place
    } else {
      transaction.refuseMember(request, name);
    }
    return true;
  }

  private boolean waitForReplicas(Request request, int name, boolean leader) {
    return leader
        ? ReplicaWait.run(
            session,
            services.replication().orElseThrow().raft().group(),
            request,
            name,
            begun -> replicaWait = begun)
        : session
            .proxy()
            .forwardBlocking(
                List.of(request.copyFrom(name)), ReplicaWait.timeoutMillis(request, name));
  }

  /** Ends a wait for data or for other nodes; false when the client does not wait. */
  boolean unblock(boolean withError) {
    return leading.unblock(withError)
        || replicaWait != null && (withError ? replicaWait.endWithError() : replicaWait.end());
  }

  /** The client sends no more: what it waits for now is the last. */
  void inputEnded() {
    leading.inputEnded();
    if (replicaWait != null) {
      replicaWait.end();
    }
  }

  void close() {
    transaction.close();
    leading.close();
    blockRefusal = null;
  }
}
