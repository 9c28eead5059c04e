package io.ratissidecar.sidecar.session;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.ratissidecar.sidecar.blocking.BlockedClients;
import io.ratissidecar.sidecar.blocking.Waiter;
import io.ratissidecar.sidecar.expiry.Guard;
import io.ratissidecar.sidecar.raft.Failure;
import io.ratissidecar.sidecar.raft.Replication;
import io.ratissidecar.sidecar.raft.ReplyReceiver;
import io.ratissidecar.sidecar.raft.Scripts;
import io.ratissidecar.sidecar.raft.Sequencer;
import io.ratissidecar.statemachine.command.CommandSpec;
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
import java.util.OptionalInt;

/**
 * Commands that are replicated, {@code RAFT <command>} or in transparent mode {@code <command>}:
 * checked here, then sent to the log, read linearizably, forwarded, or redirected.
 */
final class RaftCommands {
  private static final byte[][] MULTI = {"MULTI".getBytes(StandardCharsets.US_ASCII)};
  private static final byte[][] EXEC = {"EXEC".getBytes(StandardCharsets.US_ASCII)};

  private final Session session;
  private final Services services;
  private final WatchedKeys watched;
  private Transaction transaction;

  /** The last command that waited; null for none. */
  private Waiter waiter;

  /** Why a {@code MULTI} was refused, as long as the rest of its block may follow; else null. */
  private String blockRefusal;

  RaftCommands(Session session) {
    this.session = session;
    this.services = session.services();
    this.watched = new WatchedKeys(session);
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
    return transaction != null;
  }

  /**
   * False when the request has to come again later.
   *
   * @param name the argument that is the command's name: 1 behind {@code RAFT}, else 0
   */
  boolean handle(Request request, int name) {
    if (request.argCount() <= name) {
      refuse("ERR wrong number of arguments for 'raft' command");
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
    Replication replication = services.replication().orElseThrow();
    boolean leader = replication.raft().group().isLeaderReady();
    if (!leader && !canForward()) {
      refuseHere(request, name, services.failureText(Failure.NOT_LEADER));
      return true;
    }
    if (leader && replication.sequencer().isFull()) {
      if (!replication.applier().isServing()) {
        refuseHere(request, name, services.failureText(Failure.REDIS_LOST));
        return true;
      }
      session.services().sessions().countThrottled();
      session.holdUntil(replication.sequencer()::whenRoom);
      return false;
    }
    long clock = leader ? replication.sequencer().clockMillis() : services.clockMillis();
    Plan plan = services.commands().plan(request, name, clock, session.database());
    if (plan instanceof Plan.Session) {
      return control(request, name, leader);
    }
    boolean script = plan instanceof Plan.Script;
    if (plan instanceof Plan.Script named && leader && transaction == null) {
      if (!replication.applier().isServing()) {
        refuseHere(request, name, services.failureText(Failure.REDIS_LOST));
        return true;
      }
      plan = script(replication, request, name, named, clock, session.database());
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
      CommandSpec spec = services.commands().find(request, name);
      boolean local = name == 0 && !services.commands().isReplicated(request);
      if (transaction != null && (local || spec != null && spec.noTransaction())) {
        refuseInTransaction(request, name); // without RAFT it would be no more welcome
      } else {
        refuse(refused.error());
      }
      return true;
    }
    if (request.frameEnd() - request.frameStart() > services.config().maxEntryBytes()) {
      refuse(
          "ERR command is longer than max-entry-bytes (" + services.config().maxEntryBytes() + ")");
      return true;
    }
    if (transaction != null) {
      queue(request, name, plan);
      return true;
    }
    return leader ? run(replication, request, name, plan, script) : forward(request, name, plan);
  }

  /** What becomes of a command about scripts; null when it has to come again later. */
  private Plan script(
      Replication replication,
      Request request,
      int name,
      Plan.Script plan,
      long clock,
      int database) {
    return replication
        .scripts()
        .plan(
            request, name, plan.command(), clock, database, services.commands().reservedDatabase());
  }

  private boolean canForward() {
    return services.config().followerProxy()
        && !session.isFromPeer()
        && services.remoteLeader().isPresent();
  }

  /** This node can't take any command. As in Redis, a refused EXEC ends the transaction. */
  private void refuseHere(Request request, int name, String error) {
    refuse(error);
    if (request.argIs(name, "EXEC") || request.argIs(name, "DISCARD")) {
      endTransaction();
      forgetWatched();
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

  private void refuse(String error) {
    if (transaction != null) {
      transaction.abort();
    }
    session.slot(Lane.IMMEDIATE).error(error);
  }

  private boolean run(
      Replication replication, Request request, int name, Plan plan, boolean script) {
    if (plan instanceof Plan.Blocking blocking) {
      return block(blocking);
    }
    Guard guard = services.expirer().guard(request, name, session.database());
    if (guard.waits()) {
      session.holdUntil(services.expirer()::whenSettled);
      return false;
    }
    // Behind writes of the same client that are under way a read becomes part of the log as they
    // are. There it sees all of them and none that comes later, as in a RAFT MULTI. It is
    // linearizable as a write is: its entry is appended after it arrived, and is answered once it
    // is committed. So a pipeline that mixes both never stops; alone, a read costs no entry. Nor is
    // one without an entry when a key's deadline has passed.
    boolean read =
        plan instanceof Plan.Read
            || plan instanceof Plan.Deadline
            || plan instanceof Plan.ReadInstead;
    if (read && guard.isNone() && !session.isUnderWay(Lane.LOG)) {
      return read(replication, request, name, plan, script);
    }
    if (!session.enter(Lane.LOG)) {
      return false;
    }
    Sequencer sequencer = replication.sequencer();
    ReplyReceiver client = client(replication, Lane.LOG, request, name, plan, script);
    if (guard.isNone() && plan.isAsItIs()) {
      services.expirer().proposed(request, name, session.database());
      sequencer.add(client, session.database(), session.protocol(), request, name);
      return true;
    }
    byte[][][] commands;
    int wanted = 0;
    if (plan instanceof Plan.Rewritten rewritten) {
      commands = rewritten.commands();
      wanted = rewritten.replyIndex();
      if (script && request.argIs(name, "SCRIPT")) {
        replication.scripts().flushed();
      }
    } else if (plan instanceof Plan.ReadInstead instead) {
      commands = new byte[][][] {instead.command()};
    } else if (plan instanceof Plan.Deadline question) {
      commands = new byte[][][] {DeadlineScript.stored(question.key())};
    } else {
      commands = new byte[][][] {arguments(request, name)};
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
  private boolean read(
      Replication replication, Request request, int name, Plan plan, boolean script) {
    if (!session.enter(Lane.READ)) {
      return false;
    }
    ByteBuf command = Unpooled.buffer(request.frameEnd() - request.frameStart() + 16);
    if (plan instanceof Plan.Deadline question) {
      Resp.command(command, services.commands().deadlineQuestion(question.key()));
    } else if (plan instanceof Plan.ReadInstead instead) {
      Resp.command(command, instead.command());
    } else {
      request.writeFrom(name, command);
    }
    replication
        .reads()
        .read(
            session.database(),
            session.protocol(),
            command,
            client(replication, Lane.READ, request, name, plan, script));
    return true;
  }

  /** The next place in the order of replies, and what makes the client's reply of Redis's. */
  private ReplyReceiver client(
      Replication replication, Lane lane, Request request, int name, Plan plan, boolean script) {
    Slot slot = session.slot(lane);
    if (plan instanceof Plan.Deadline question) {
      return DeadlineReplies.changed(slot, DeadlineReplies.of(question.reply(), services));
    }
    if (!script) {
      return slot;
    }
    return request.argIs(name, "FUNCTION")
        ? Scripts.listed(slot)
        : replication.scripts().shown(slot, false);
  }

  /** Nothing of the client's is taken until it has its reply. */
  private boolean block(Plan.Blocking plan) {
    if (!session.enter(Lane.LOG)) {
      return false;
    }
    waiter = new Waiter(session.slot(Lane.LOG), session.database(), session.protocol(), plan);
    session.holdUntilAnswered();
    services.blocked().add(waiter);
    return true;
  }

  /** As {@link BlockedClients#unblock}. */
  boolean unblock(boolean withError) {
    return waiter != null && services.blocked().unblock(waiter, withError);
  }

  private boolean forward(Request request, int name, Plan plan) {
    List<Request> command = List.of(request.copyFrom(name));
    return plan instanceof Plan.Blocking blocking
        ? session.proxy().forwardBlocking(command, blocking.timeoutMillis())
        : session.proxy().forward(command, false);
  }

  private void queue(Request request, int name, Plan plan) {
    boolean several = plan instanceof Plan.Rewritten rewritten && !rewritten.single();
    if (several || plan instanceof Plan.Script script && script.command().name().indexOf('|') > 0) {
      refuse(
          "ERR '"
              + request.argString(name).toLowerCase(Locale.ROOT)
              + "' can't be part of a MULTI: it is replicated as several commands");
      return;
    }
    Optional<String> error = transaction.add(request, name);
    if (error.isPresent()) {
      refuse(error.get());
      return;
    }
    session.slot(Lane.IMMEDIATE).reply(Resp::writeQueued);
  }

  /** Commands that the session itself answers: the transaction's frame, and what needs no log. */
  private boolean control(Request request, int name, boolean leader) {
    if (request.argIs(name, "MULTI")) {
      multi();
      return true;
    }
    if (request.argIs(name, "EXEC")) {
      return exec(leader);
    }
    if (request.argIs(name, "DISCARD")) {
      discard();
      return true;
    }
    if (request.argIs(name, "WATCH")) {
      return watch(request, name, leader);
    }
    if (request.argIs(name, "UNWATCH") && transaction == null) {
      forgetWatched();
      session.slot(Lane.IMMEDIATE).ok();
      return true;
    }
    boolean endsAll = request.argIs(name, "RESET") || request.argIs(name, "QUIT");
    if (transaction == null || endsAll) {
      return SessionCommands.answer(session, request.copyFrom(name));
    }
    if (request.argIs(name, "SELECT")) {
      select(request, name);
    } else if (request.argIs(name, "PING")
        || request.argIs(name, "ECHO")
        || request.argIs(name, "UNWATCH")) {
      queue(request, name, Plan.VERBATIM); // Redis answers them in their place
    } else {
      refuseInTransaction(request, name);
    }
    return true;
  }

  private boolean watch(Request request, int name, boolean leader) {
    if (transaction != null) {
      session.slot(Lane.IMMEDIATE).error("ERR WATCH inside MULTI is not allowed");
      return true;
    }
    return leader ? watched.watch(request, name) : session.proxy().watch(request.copyFrom(name));
  }

  /** Here or at the leader that it forwards to. */
  private void forgetWatched() {
    watched.forget();
    session.proxy().forgetWatched();
  }

  /** True when keys are watched where this transaction can't be executed any more. */
  private boolean hasLostWatched(boolean leader) {
    return leader
        ? session.proxy().isWatching()
        : watched.any() || session.proxy().hasLostWatched();
  }

  private void refuseInTransaction(Request request, int name) {
    CommandSpec spec = services.commands().find(request, name);
    if (spec != null && spec.noTransaction()) {
      refuse("ERR Command not allowed inside a transaction");
      return;
    }
    refuse(
        "ERR '" + request.argString(name).toLowerCase(Locale.ROOT) + "' can't be part of a MULTI");
  }

  /** Within a transaction: it counts for what follows it there, and afterwards. */
  private void select(Request request, int name) {
    Optional<String> error = SessionCommands.selectError(session, request, name);
    if (error.isPresent()) {
      refuse(error.get());
    } else {
      transaction.select((int) request.argLong(name + 1));
      queue(request, name, Plan.VERBATIM);
    }
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
    forgetWatched();
    slot.ok();
  }

  private boolean exec(boolean leader) {
    if (transaction == null) {
      session.slot(Lane.IMMEDIATE).error("ERR EXEC without MULTI");
      return true;
    }
    if (transaction.isAborted()) {
      endTransaction();
      forgetWatched();
      session
          .slot(Lane.IMMEDIATE)
          .error("EXECABORT Transaction discarded because of previous errors.");
      return true;
    }
    if (hasLostWatched(leader)) {
      endTransaction();
      forgetWatched();
      notExecuted(session.slot(Lane.IMMEDIATE));
      return true;
    }
    if (!leader) {
      List<Request> block = new ArrayList<>();
      block.add(Request.of("MULTI"));
      block.addAll(transaction.commands());
      block.add(Request.of("EXEC"));
      OptionalInt selected = transaction.selected();
      if (!session
          .proxy()
          .forwardTransaction(block, () -> selected.ifPresent(session::selectDatabase))) {
        return false;
      }
      if (selected.isPresent()) {
        session.holdUntilAnswered(); // what is selected then decides where the next one goes
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
    return execute(services.replication().orElseThrow(), guard);
  }

  /** False when it has to come again later. */
  private boolean execute(Replication replication, Guard guard) {
    CommandTable table = services.commands();
    List<Request> commands = transaction.commands();
    int before = session.database();
    int database = before;
    OptionalInt selected = transaction.selected();
    boolean scripts = false;
    long clock = replication.sequencer().clockMillis();
    byte[][][] block = new byte[commands.size() + 2][][];
    block[0] = MULTI;
    block[block.length - 1] = EXEC;
    long bytes = 0;
    LocalTransaction replies = new LocalTransaction();
    for (int i = 0; i < commands.size(); i++) {
      Request command = commands.get(i);
      // Planned again: what is relative to the clock is relative to EXEC's.
      Plan plan = table.plan(command, 0, clock, database);
      if (command.argIs(0, "SELECT")) {
        database = (int) command.argLong(1);
      }
      if (plan instanceof Plan.Script script) {
        if (!replication.applier().isServing()) {
          endTransaction();
          forgetWatched();
          session.slot(Lane.IMMEDIATE).error(services.failureText(Failure.REDIS_LOST));
          return true;
        }
        scripts = true;
        plan = script(replication, command, 0, script, clock, database);
        if (plan == null) {
          session.holdUntil(replication.scripts()::whenKnown);
          return false;
        }
      }
      if (plan instanceof Plan.Refused refused) {
        endTransaction();
        forgetWatched();
        session
            .slot(Lane.IMMEDIATE)
            .error("EXECABORT Transaction discarded because of: " + refused.error());
        return true;
      }
      replies.queued(
          plan instanceof Plan.Deadline question
              ? DeadlineReplies.of(question.reply(), services)
              : null);
      block[i + 1] = inBlock(command, plan);
      bytes += Sequencer.encodedBytes(block[i + 1]);
    }
    endTransaction();
    if (bytes > services.config().maxEntryBytes()) { // a relative expiry grows when made absolute
      forgetWatched();
      session
          .slot(Lane.IMMEDIATE)
          .error(
              "EXECABORT Transaction discarded because it is longer than max-entry-bytes ("
                  + services.config().maxEntryBytes()
                  + ")");
      return true;
    }
    selected.ifPresent(session::selectDatabase);
    services.expirer().proposed(block, before);
    Slot slot = session.slot(Lane.LOG);
    ReplyReceiver changed = DeadlineReplies.changed(slot, replies::apply);
    ReplyReceiver client = scripts ? replication.scripts().shown(changed, true) : changed;
    byte[][][] guarded = guard.then(block);
    if (watched.any()) {
      Sequencer.Condition unchanged =
          verdict ->
              watched.check(
                  same -> {
                    if (!same) {
                      session.selectDatabase(before); // nothing of it has happened
                      notExecuted(slot);
                    }
                    verdict.accept(same);
                  });
      session.holdUntilAnswered(); // a WATCH that follows is about the next transaction
      // What has ended by its time counts as changed: it ends now, before the condition is asked.
      Guard ended = services.expirer().guard(watched.keys(), before);
      if (!ended.isNone()) {
        replication
            .sequencer()
            .add(
                NobodyWaits.INSTANCE,
                before,
                session.protocol(),
                ended.before().toArray(byte[][][]::new),
                0);
      }
      replication
          .sequencer()
          .addConditional(
              client, before, session.protocol(), guarded, guarded.length - 1, unchanged);
    } else {
      replication.sequencer().add(client, before, session.protocol(), guarded, guarded.length - 1);
    }
    return true;
  }

  /** For commands of the sidecar's own. */
  private enum NobodyWaits implements ReplyReceiver {
    INSTANCE;

    @Override
    public void reply(ByteBuf frame) {
      // Nobody has asked.
    }

    @Override
    public void failed(Failure failure) {
      // What stands behind it in the log fails as well.
    }
  }

  private void notExecuted(Slot slot) {
    int protocol = session.protocol();
    slot.reply(out -> Resp.writeNullArray(out, protocol));
  }

  private static byte[][] inBlock(Request command, Plan plan) {
    if (plan instanceof Plan.Rewritten rewritten) {
      return rewritten.commands()[0];
    } else if (plan instanceof Plan.Deadline question) {
      return DeadlineScript.stored(question.key());
    } else if (plan instanceof Plan.Blocking blocking) {
      return blocking.attempt();
    } else if (plan instanceof Plan.ReadInstead instead) {
      return instead.command();
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
    watched.close();
    if (waiter != null) {
      services.blocked().remove(waiter);
      waiter = null;
    }
    blockRefusal = null;
  }
}
