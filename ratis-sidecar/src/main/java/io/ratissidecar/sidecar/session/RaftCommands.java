package io.ratissidecar.sidecar.session;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.ratissidecar.sidecar.expiry.Guard;
import io.ratissidecar.sidecar.raft.Failure;
import io.ratissidecar.sidecar.raft.Replication;
import io.ratissidecar.sidecar.raft.ReplyReceiver;
import io.ratissidecar.sidecar.raft.Sequencer;
import io.ratissidecar.statemachine.command.CommandTable;
import io.ratissidecar.statemachine.command.DeadlineScript;
import io.ratissidecar.statemachine.command.Plan;
import io.ratissidecar.statemachine.resp.Request;
import io.ratissidecar.statemachine.resp.Resp;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/**
 * {@code RAFT <command>}: checked here, then sent to the log, read linearizably, forwarded, or
 * redirected.
 */
final class RaftCommands {
  private static final byte[][] MULTI = {"MULTI".getBytes(StandardCharsets.US_ASCII)};
  private static final byte[][] EXEC = {"EXEC".getBytes(StandardCharsets.US_ASCII)};

  private final Session session;
  private final Services services;
  private Transaction transaction;

  /** Why a {@code MULTI} was refused, as long as the rest of its block may follow; else null. */
  private String blockRefusal;

  RaftCommands(Session session) {
    this.session = session;
    this.services = session.services();
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

  /** False when the request has to come again later. */
  boolean handle(Request request) {
    if (request.argCount() < 2) {
      refuse("ERR wrong number of arguments for 'raft' command");
      return true;
    }
    if (blockRefusal != null) {
      refuseHere(request, blockRefusal);
      return true;
    }
    Optional<String> refusal = services.refusal();
    if (refusal.isPresent()) {
      refuseHere(request, refusal.get());
      return true;
    }
    Replication replication = services.replication().orElseThrow();
    boolean leader = replication.raft().group().isLeaderReady();
    if (!leader && !canForward()) {
      refuseHere(request, services.failureText(Failure.NOT_LEADER));
      return true;
    }
    if (leader && replication.sequencer().isFull()) {
      if (!replication.applier().isServing()) {
        refuseHere(request, services.failureText(Failure.REDIS_LOST));
        return true;
      }
      session.services().sessions().countThrottled();
      session.holdUntil(replication.sequencer()::whenRoom);
      return false;
    }
    long clock = leader ? replication.sequencer().clockMillis() : services.clockMillis();
    Plan plan = services.commands().plan(request, 1, clock, session.database());
    if (plan instanceof Plan.Session) {
      return control(request, leader);
    }
    if (plan instanceof Plan.Refused refused) {
      refuse(refused.error());
      return true;
    }
    if (request.frameEnd() - request.frameStart() > services.config().maxEntryBytes()) {
      refuse(
          "ERR command is longer than max-entry-bytes (" + services.config().maxEntryBytes() + ")");
      return true;
    }
    if (transaction != null) {
      queue(request, plan);
      return true;
    }
    return leader ? run(replication, request, plan) : forward(request);
  }

  private boolean canForward() {
    return services.config().followerProxy()
        && !session.isFromPeer()
        && services.remoteLeader().isPresent();
  }

  /** This node can't take any command. As in Redis, a refused EXEC ends the transaction. */
  private void refuseHere(Request request, String error) {
    refuse(error);
    if (request.argIs(1, "EXEC") || request.argIs(1, "DISCARD")) {
      endTransaction();
      blockRefusal = null;
    } else if (request.argIs(1, "MULTI")) {
      // The rest of the block may be on its way, and this node be able to take it in a moment.
      blockRefusal = error;
      if (!session.isFromPeer()) {
        // Another node always sends the block's end. A client that sees the refusal may not, and
        // what it sends then stands for itself; it can't have seen it before this turn ends.
        services.front().loop().execute(() -> blockRefusal = null);
      }
    }
  }

  private void refuse(String error) {
    if (transaction != null) {
      transaction.abort();
    }
    session.slot(Lane.IMMEDIATE).error(error);
  }

  private boolean run(Replication replication, Request request, Plan plan) {
    Guard guard = services.expirer().guard(request, 1, session.database());
    if (guard.waits()) {
      session.holdUntil(services.expirer()::whenSettled);
      return false;
    }
    // Behind writes of the same client that are under way a read becomes part of the log as they
    // are. There it sees all of them and none that comes later, as in a RAFT MULTI. It is
    // linearizable as a write is: its entry is appended after it arrived, and is answered once it
    // is committed. So a pipeline that mixes both never stops; alone, a read costs no entry. Nor is
    // one without an entry when a key's deadline has passed.
    boolean read = plan instanceof Plan.Read || plan instanceof Plan.Deadline;
    if (read && guard.isNone() && !session.isUnderWay(Lane.LOG)) {
      return read(replication, request, plan);
    }
    if (!session.enter(Lane.LOG)) {
      return false;
    }
    Sequencer sequencer = replication.sequencer();
    ReplyReceiver client = client(session.slot(Lane.LOG), plan);
    if (guard.isNone() && plan.isAsItIs()) {
      services.expirer().proposed(request, 1, session.database());
      sequencer.add(client, session.database(), session.protocol(), request, 1);
      return true;
    }
    byte[][][] commands;
    int wanted = 0;
    if (plan instanceof Plan.Rewritten rewritten) {
      commands = rewritten.commands();
      wanted = rewritten.replyIndex();
    } else if (plan instanceof Plan.Deadline question) {
      commands = new byte[][][] {DeadlineScript.stored(question.key())};
    } else {
      commands = new byte[][][] {arguments(request, 1)};
    }
    services.expirer().proposed(commands, session.database());
    sequencer.add(
        client,
        session.database(),
        session.protocol(),
        guard.then(commands),
        guard.before().size() + wanted);
    return true;
  }

  /** A linearizable read without an entry. */
  private boolean read(Replication replication, Request request, Plan plan) {
    if (!session.enter(Lane.READ)) {
      return false;
    }
    ByteBuf command = Unpooled.buffer(request.frameEnd() - request.frameStart() + 16);
    if (plan instanceof Plan.Deadline question) {
      Resp.command(command, services.commands().deadlineQuestion(question.key()));
    } else {
      request.writeFrom(1, command);
    }
    replication
        .reads()
        .read(
            session.database(), session.protocol(), command, client(session.slot(Lane.READ), plan));
    return true;
  }

  private ReplyReceiver client(Slot slot, Plan plan) {
    return plan instanceof Plan.Deadline question
        ? DeadlineReplies.changed(slot, DeadlineReplies.of(question.reply(), services))
        : slot;
  }

  private boolean forward(Request request) {
    return session.proxy().forward(List.of(request.copyFrom(1)), false);
  }

  private void queue(Request request, Plan plan) {
    if (plan instanceof Plan.Rewritten rewritten && rewritten.commands().length > 1) {
      refuse(
          "ERR '"
              + request.argString(1).toLowerCase(Locale.ROOT)
              + "' can't be part of a RAFT MULTI: it is replicated as several commands");
      return;
    }
    Optional<String> error = transaction.add(request, 1);
    if (error.isPresent()) {
      refuse(error.get());
      return;
    }
    session.slot(Lane.IMMEDIATE).reply(Resp::writeQueued);
  }

  /** Commands that the session itself answers: the transaction's frame, and what needs no log. */
  private boolean control(Request request, boolean leader) {
    if (request.argIs(1, "MULTI")) {
      multi();
      return true;
    }
    if (request.argIs(1, "EXEC")) {
      return exec(leader);
    }
    if (request.argIs(1, "DISCARD")) {
      discard();
      return true;
    }
    if (transaction != null) {
      refuse(
          "ERR '"
              + request.argString(1).toLowerCase(Locale.ROOT)
              + "' can't be part of a RAFT MULTI");
      return true;
    }
    return SessionCommands.answer(session, request.copyFrom(1));
  }

  private void multi() {
    if (transaction != null) {
      session.slot(Lane.IMMEDIATE).error("ERR MULTI calls can not be nested");
      return;
    }
    transaction = new Transaction(services.config().maxEntryBytes(), services.sessions().queued());
    session.slot(Lane.IMMEDIATE).ok();
  }

  private void discard() {
    Slot slot = session.slot(Lane.IMMEDIATE);
    if (transaction == null) {
      slot.error("ERR DISCARD without MULTI");
      return;
    }
    endTransaction();
    slot.ok();
  }

  private boolean exec(boolean leader) {
    if (transaction == null) {
      session.slot(Lane.IMMEDIATE).error("ERR EXEC without MULTI");
      return true;
    }
    if (transaction.isAborted()) {
      endTransaction();
      session
          .slot(Lane.IMMEDIATE)
          .error("EXECABORT Transaction discarded because of previous errors.");
      return true;
    }
    if (!leader) {
      List<Request> block = new ArrayList<>();
      block.add(Request.of("MULTI"));
      block.addAll(transaction.commands());
      block.add(Request.of("EXEC"));
      if (!session.proxy().forward(block, true)) {
        return false;
      }
      endTransaction();
      return true;
    }
    Guard guard = services.expirer().guard(transaction.commands(), 0, session.database());
    if (guard.waits()) {
      session.holdUntil(services.expirer()::whenSettled);
      return false;
    }
    if (!session.enter(Lane.LOG)) {
      return false;
    }
    execute(services.replication().orElseThrow(), guard);
    return true;
  }

  private void execute(Replication replication, Guard guard) {
    CommandTable table = services.commands();
    List<Request> commands = transaction.commands();
    endTransaction();
    long clock = replication.sequencer().clockMillis();
    byte[][][] block = new byte[commands.size() + 2][][];
    block[0] = MULTI;
    block[block.length - 1] = EXEC;
    long bytes = 0;
    LocalTransaction replies = new LocalTransaction();
    for (int i = 0; i < commands.size(); i++) {
      Request command = commands.get(i);
      // Planned again: what is relative to the clock is relative to EXEC's.
      Plan plan = table.plan(command, 0, clock, session.database());
      if (plan instanceof Plan.Refused refused) {
        session
            .slot(Lane.IMMEDIATE)
            .error("EXECABORT Transaction discarded because of: " + refused.error());
        return;
      }
      replies.queued(
          plan instanceof Plan.Deadline question
              ? DeadlineReplies.of(question.reply(), services)
              : null);
      block[i + 1] = inBlock(command, plan);
      bytes += Sequencer.encodedBytes(block[i + 1]);
    }
    if (bytes > services.config().maxEntryBytes()) { // a relative expiry grows when made absolute
      session
          .slot(Lane.IMMEDIATE)
          .error(
              "EXECABORT Transaction discarded because it is longer than max-entry-bytes ("
                  + services.config().maxEntryBytes()
                  + ")");
      return;
    }
    services.expirer().proposed(block, session.database());
    replication
        .sequencer()
        .add(
            DeadlineReplies.changed(session.slot(Lane.LOG), replies::apply),
            session.database(),
            session.protocol(),
            guard.then(block),
            guard.before().size() + block.length - 1);
  }

  private static byte[][] inBlock(Request command, Plan plan) {
    if (plan instanceof Plan.Rewritten rewritten) {
      return rewritten.commands()[0];
    } else if (plan instanceof Plan.Deadline question) {
      return DeadlineScript.stored(question.key());
    }
    return arguments(command, 0);
  }

  private static byte[][] arguments(Request request, int first) {
    byte[][] arguments = new byte[request.argCount() - first][];
    for (int i = 0; i < arguments.length; i++) {
      arguments[i] = request.arg(first + i);
    }
    return arguments;
  }

  private void endTransaction() {
    if (transaction != null) {
      transaction.end();
      transaction = null;
    }
  }

  void close() {
    endTransaction();
    blockRefusal = null;
  }
}
