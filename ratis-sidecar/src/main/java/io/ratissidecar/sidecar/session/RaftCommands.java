package io.ratissidecar.sidecar.session;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.ratissidecar.sidecar.raft.Failure;
import io.ratissidecar.sidecar.raft.Replication;
import io.ratissidecar.sidecar.raft.ReplyReceiver;
import io.ratissidecar.sidecar.raft.Scripts;
import io.ratissidecar.sidecar.raft.Sequencer;
import io.ratissidecar.statemachine.command.CommandTable;
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
    long clock = leader ? replication.sequencer().clockMillis() : System.currentTimeMillis();
    Plan plan = services.commands().plan(request, 1, clock, session.database());
    if (plan instanceof Plan.Session) {
      return control(request, leader);
    }
    boolean script = plan instanceof Plan.Script;
    if (plan instanceof Plan.Script named && leader && transaction == null) {
      if (!replication.applier().isServing()) {
        refuseHere(request, services.failureText(Failure.REDIS_LOST));
        return true;
      }
      plan = script(replication, request, 1, named, clock);
      if (plan == null) {
        session.holdUntil(replication.scripts()::whenKnown);
        return false;
      }
    }
    if (plan instanceof Plan.Answered answered) {
      session.slot(Lane.IMMEDIATE).reply(out -> Resp.writeBulk(out, answered.text()));
      return true;
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
    return leader ? run(replication, request, plan, script) : forward(request);
  }

  /** What becomes of a command about scripts; null when it has to come again later. */
  private Plan script(
      Replication replication, Request request, int name, Plan.Script plan, long clock) {
    return replication
        .scripts()
        .plan(
            request,
            name,
            plan.command(),
            clock,
            session.database(),
            services.commands().reservedDatabase());
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

  private boolean run(Replication replication, Request request, Plan plan, boolean script) {
    // Behind writes of the same client that are under way a read becomes part of the log as they
    // are. There it sees all of them and none that comes later, as in a RAFT MULTI. It is
    // linearizable as a write is: its entry is appended after it arrived, and is answered once it
    // is committed. So a pipeline that mixes both never stops; alone, a read costs no entry.
    boolean read = plan instanceof Plan.Read || plan instanceof Plan.ReadInstead;
    if (read && !session.isUnderWay(Lane.LOG)) {
      if (!session.enter(Lane.READ)) {
        return false;
      }
      ByteBuf command = Unpooled.buffer(request.frameEnd() - request.frameStart() + 16);
      if (plan instanceof Plan.ReadInstead instead) {
        Resp.command(command, instead.command());
      } else {
        request.writeFrom(1, command);
      }
      ReplyReceiver slot = receiver(replication, Lane.READ, script ? request : null);
      replication.reads().read(session.database(), session.protocol(), command, slot);
      return true;
    }
    if (!session.enter(Lane.LOG)) {
      return false;
    }
    ReplyReceiver slot = receiver(replication, Lane.LOG, script ? request : null);
    if (plan instanceof Plan.ReadInstead instead) {
      byte[][][] commands = {instead.command()};
      replication.sequencer().add(slot, session.database(), session.protocol(), commands, 0);
    } else if (plan instanceof Plan.Rewritten rewritten) {
      if (script && request.argIs(1, "SCRIPT")) {
        replication.scripts().flushed();
      }
      replication
          .sequencer()
          .add(
              slot,
              session.database(),
              session.protocol(),
              rewritten.commands(),
              rewritten.replyIndex());
    } else {
      replication.sequencer().add(slot, session.database(), session.protocol(), request, 1);
    }
    return true;
  }

  /**
   * The next place in the order of replies.
   *
   * @param script null if the command is not about scripts
   */
  private ReplyReceiver receiver(Replication replication, Lane lane, Request script) {
    Slot slot = session.slot(lane);
    if (script == null) {
      return slot;
    }
    return script.argIs(1, "FUNCTION")
        ? Scripts.listed(slot)
        : replication.scripts().shown(slot, false);
  }

  private boolean forward(Request request) {
    return session.proxy().forward(List.of(request.copyFrom(1)), false);
  }

  private void queue(Request request, Plan plan) {
    boolean several = plan instanceof Plan.Rewritten rewritten && !rewritten.single();
    if (several || plan instanceof Plan.Script script && script.command().name().indexOf('|') > 0) {
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
    if (!session.enter(Lane.LOG)) {
      return false;
    }
    return execute(services.replication().orElseThrow());
  }

  /** False when it has to come again later. */
  private boolean execute(Replication replication) {
    CommandTable table = services.commands();
    List<Request> commands = transaction.commands();
    boolean scripts = false;
    long clock = replication.sequencer().clockMillis();
    byte[][][] block = new byte[commands.size() + 2][][];
    block[0] = MULTI;
    block[block.length - 1] = EXEC;
    long bytes = 0;
    for (int i = 0; i < commands.size(); i++) {
      Request command = commands.get(i);
      // Planned again: what is relative to the clock is relative to EXEC's.
      Plan plan = table.plan(command, 0, clock, session.database());
      if (plan instanceof Plan.Script script) {
        scripts = true;
        plan = script(replication, command, 0, script, clock);
        if (plan == null) {
          session.holdUntil(replication.scripts()::whenKnown);
          return false;
        }
      }
      if (plan instanceof Plan.Refused refused) {
        endTransaction();
        session
            .slot(Lane.IMMEDIATE)
            .error("EXECABORT Transaction discarded because of: " + refused.error());
        return true;
      }
      block[i + 1] = inBlock(plan, command);
      bytes += Sequencer.encodedBytes(block[i + 1]);
    }
    endTransaction();
    if (bytes > services.config().maxEntryBytes()) { // a relative expiry grows when made absolute
      session
          .slot(Lane.IMMEDIATE)
          .error(
              "EXECABORT Transaction discarded because it is longer than max-entry-bytes ("
                  + services.config().maxEntryBytes()
                  + ")");
      return true;
    }
    replication
        .sequencer()
        .add(
            scripts
                ? replication.scripts().shown(session.slot(Lane.LOG), true)
                : session.slot(Lane.LOG),
            session.database(),
            session.protocol(),
            block,
            block.length - 1);
    return true;
  }

  private static byte[][] inBlock(Plan plan, Request command) {
    if (plan instanceof Plan.Rewritten rewritten) {
      return rewritten.commands()[0];
    }
    return plan instanceof Plan.ReadInstead instead ? instead.command() : arguments(command);
  }

  private static byte[][] arguments(Request request) {
    byte[][] arguments = new byte[request.argCount()][];
    for (int i = 0; i < arguments.length; i++) {
      arguments[i] = request.arg(i);
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
