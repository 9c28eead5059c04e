package io.ratissidecar.sidecar.session;

import io.netty.buffer.ByteBuf;
import io.ratissidecar.sidecar.expiry.Guard;
import io.ratissidecar.sidecar.quota.MemoryQuota;
import io.ratissidecar.sidecar.raft.Candidates;
import io.ratissidecar.sidecar.raft.Failure;
import io.ratissidecar.sidecar.raft.Replication;
import io.ratissidecar.sidecar.raft.ReplyReceiver;
import io.ratissidecar.sidecar.raft.Sequencer;
import io.ratissidecar.statemachine.command.CommandTable;
import io.ratissidecar.statemachine.command.Plan;
import io.ratissidecar.statemachine.resp.Request;
import io.ratissidecar.statemachine.resp.Resp;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;
import java.util.function.Consumer;

/**
 * One client's replicated transaction: what it watches, {@code MULTI}, the commands that are
 * queued, and {@code EXEC}, on the leader or forwarded to it. Confined to the front loop.
 */
final class ClientTransaction {
  private static final byte[][] MULTI = {"MULTI".getBytes(StandardCharsets.US_ASCII)};
  private static final byte[][] EXEC = {"EXEC".getBytes(StandardCharsets.US_ASCII)};

  private static final byte[] ECHO = "ECHO".getBytes(StandardCharsets.US_ASCII);

  /** Of the commands about scripts. What others say or do would have to be changed after EXEC. */
  private static final Set<String> QUEUEABLE =
      Set.of(
          "eval",
          "eval_ro",
          "evalsha",
          "evalsha_ro",
          "fcall",
          "fcall_ro",
          "function|load",
          "function|restore",
          "script|exists",
          "script|load");

  private final Session session;
  private final Services services;
  private final WatchedKeys watched;
  private QueuedCommands queued;

  /** The queued commands that pop from sets, by their place. */
  private final Map<Integer, Popping> popping = new LinkedHashMap<>();

  /** One that pops, with the database that it is in. */
  private record Popping(int database, Plan.Pop plan) {}

  ClientTransaction(Session session) {
    this.session = session;
    this.services = session.services();
    this.watched = new WatchedKeys(session);
  }

  /** True between {@code MULTI} and its end. */
  boolean isOpen() {
    return queued != null;
  }

  /** How many commands are queued; -1 when none is open. */
  int size() {
    return isOpen() ? queued.commands().size() : -1;
  }

  /** Answers with an error; a transaction that is open can't be executed any more. */
  void refuse(String error) {
    if (isOpen()) {
      queued.abort();
    }
    session.slot(Lane.IMMEDIATE).error(error);
  }

  /** The command can't stand in a transaction. */
  void refuseMember(Request request, int name) {
    if (services.commands().refusesTransaction(request, name)) {
      refuse("ERR Command not allowed inside a transaction");
      return;
    }
    refuse(
        "ERR '" + request.argString(name).toLowerCase(Locale.ROOT) + "' can't be part of a MULTI");
  }

  /** Handles {@code MULTI}. */
  void begin() {
    if (isOpen()) {
      session.slot(Lane.IMMEDIATE).error("ERR MULTI calls can not be nested");
      return;
    }
    queued = new QueuedCommands(services.config().maxEntryBytes(), services.sessions().queued());
    session.slot(Lane.IMMEDIATE).ok();
  }

  /** Queues a command. */
  void queue(Request request, int name, Plan plan) {
    if (plan instanceof Plan.Script script && !QUEUEABLE.contains(script.command().name())) {
      refuseMember(request, name);
      return;
    }
    Optional<String> error = queued.add(request, name);
    if (error.isPresent()) {
      refuse(error.get());
      return;
    }
    if (plan instanceof Plan.Pop pop) {
      int database = queued.selected().orElse(session.database());
      popping.put(queued.commands().size() - 1, new Popping(database, pop));
    }
    session.slot(Lane.IMMEDIATE).reply(Resp::writeQueued);
  }

  /** Queues a {@code SELECT}: it counts for what follows it there, and afterwards. */
  void select(Request request, int name) {
    Optional<String> error = SessionCommands.selectError(session, request, name);
    if (error.isPresent()) {
      refuse(error.get());
    } else {
      queued.select((int) request.argLong(name + 1));
      queue(request, name, Plan.VERBATIM);
    }
  }

  /** Handles {@code DISCARD}. */
  void discard() {
    Slot slot = session.slot(Lane.IMMEDIATE);
    if (isOpen()) {
      end();
      slot.ok();
    } else {
      slot.error("ERR DISCARD without MULTI");
    }
  }

  /** Handles {@code WATCH}; false when the request has to come again later. */
  boolean watch(Request request, int name, boolean leader) {
    if (isOpen()) {
      session.slot(Lane.IMMEDIATE).error("ERR WATCH inside MULTI is not allowed");
      return true;
    }
    return leader ? watched.watch(request, name) : session.proxy().watch(request.copyFrom(name));
  }

  /** Watches no more, here or at the leader that it forwards to. */
  void forgetWatched() {
    watched.forget();
    session.proxy().forgetWatched();
  }

  /** True when keys are watched where this transaction can't be executed any more. */
  private boolean hasLostWatched(boolean leader) {
    return leader
        ? session.proxy().isWatching()
        : watched.any() || session.proxy().hasLostWatched();
  }

  /** Handles {@code EXEC}; false when the request has to come again later. */
  boolean exec(boolean leader) {
    if (!isOpen()) {
      session.slot(Lane.IMMEDIATE).error("ERR EXEC without MULTI");
      return true;
    }
    if (queued.isAborted()) {
      return giveUp("EXECABORT Transaction discarded because of previous errors.");
    }
    if (hasLostWatched(leader)) {
      end();
      notExecuted(session.slot(Lane.IMMEDIATE));
      return true;
    }
    return leader ? execute(services.replication().orElseThrow()) : forward();
  }

  private boolean forward() {
    List<Request> block = new ArrayList<>();
    block.add(Request.of("MULTI"));
    block.addAll(queued.commands());
    block.add(Request.of("EXEC"));
    OptionalInt selected = queued.selected();
    if (!session
        .proxy()
        .forwardTransaction(block, () -> selected.ifPresent(session::selectDatabase))) {
      return false;
    }
    if (selected.isPresent()) {
      session.holdUntilAnswered(); // what is selected then decides where the next one goes
    }
    endQueue();
    return true;
  }

  /** On the leader. */
  private boolean execute(Replication replication) {
    int database = session.database();
    CommandTable table = services.commands();
    if (queued.commands().stream().anyMatch(c -> services.quota().denies(table.find(c, 0)))) {
      return giveUp("EXECABORT Transaction discarded because of: " + MemoryQuota.EXCEEDED);
    }
    Guard guard = services.expirer().guard(queued.commands(), 0, database);
    if (guard.waits()) {
      if (!replication.applier().isServing()) {
        return giveUp(services.failureText(Failure.REDIS_LOST));
      }
      session.holdUntil(services.expirer()::whenSettled);
      return false;
    }
    if (!session.enter(Lane.LOG)) {
      return false;
    }
    if (!choose(replication.candidates())) {
      session.holdUntil(replication.candidates()::whenRead);
      return false;
    }
    Block block = new Block(replication);
    if (block.incomplete) {
      session.holdUntil(replication.scripts()::whenKnown);
      return false;
    }
    if (block.error != null) {
      return giveUp(block.error);
    }
    OptionalInt selected = queued.selected();
    endQueue();
    services.expirer().proposed(block.commands, database);
    Slot slot = session.slot(Lane.LOG);
    ReplyReceiver changed = DeadlineReplies.changed(slot, block.replies::apply);
    ReplyReceiver shown = block.scripts ? replication.scripts().shown(changed, true) : changed;
    ReplyReceiver client = new Executed(shown, selected);
    if (selected.isPresent() || watched.any()) {
      session.holdUntilAnswered(); // what follows is about another database or transaction
    }
    byte[][][] guarded = guard.then(block.commands);
    if (watched.any()) {
      // What has ended by its time counts as changed: it ends now, before the condition is asked.
      Guard ended = services.expirer().guard(watched.keys(), database);
      if (!ended.isNone()) {
        replication
            .sequencer()
            .add(
                NobodyWaits.INSTANCE,
                database,
                session.protocol(),
                ended.before().toArray(byte[][][]::new),
                0);
      }
      replication
          .sequencer()
          .addConditional(
              client,
              database,
              session.protocol(),
              guarded,
              guarded.length - 1,
              verdict -> check(slot, verdict));
    } else {
      replication
          .sequencer()
          .add(client, database, session.protocol(), guarded, guarded.length - 1);
    }
    services.blocked().proposed(block.commands, database);
    return true;
  }

  /** Finds candidates for the commands that pop; false when some are still to come. */
  private boolean choose(Candidates candidates) {
    boolean all = true;
    for (Map.Entry<Integer, Popping> entry : popping.entrySet()) {
      Popping pop = entry.getValue();
      if (pop.plan().candidates() == null) {
        Plan.Pop chosen = candidates.choose(pop.plan(), pop.database());
        if (chosen == null) {
          all = false;
        } else {
          entry.setValue(new Popping(pop.database(), chosen));
        }
      }
    }
    return all;
  }

  private void check(Slot slot, Consumer<Boolean> verdict) {
    watched.check(
        same -> {
          if (!same) {
            notExecuted(slot);
          }
          verdict.accept(same);
        });
  }

  /** The commands of the log for those that are queued, planned with the clock of {@code EXEC}. */
  private final class Block {
    private final byte[][][] commands;
    private final LocalTransaction replies = new LocalTransaction();
    private boolean scripts;

    /** What is changed in the reply to the command that was planned last; null for nothing. */
    private LocalRedisLane.Transform change;

    private boolean incomplete;
    private String error;

    Block(Replication replication) {
      List<Request> requests = queued.commands();
      List<byte[][]> block = new ArrayList<>();
      block.add(MULTI);
      int database = session.database();
      long clock = replication.sequencer().clockMillis();
      long bytes = 0;
      for (int i = 0; i < requests.size(); i++) {
        Request request = requests.get(i);
        Plan plan = plan(replication, request, i, clock, database);
        if (plan == null) {
          break;
        }
        if (request.argIs(0, "SELECT")) {
          database = (int) request.argLong(1);
        }
        byte[][][] logged = plan.logged(request, 0);
        for (int k = 0; k < logged.length; k++) {
          if (k == plan.replyIndex()) {
            replies.queued(change);
          } else {
            replies.leftOut();
          }
          block.add(logged[k]);
          bytes += Sequencer.encodedBytes(logged[k]);
        }
      }
      block.add(EXEC);
      commands = block.toArray(byte[][][]::new);
      if (bytes > services.config().maxEntryBytes()) { // a relative expiry grows, made absolute
        error =
            "EXECABORT Transaction discarded because it is longer than max-entry-bytes ("
                + services.config().maxEntryBytes()
                + ")";
      }
    }

    /** Null when there is no block, for an error or because scripts are not known yet. */
    private Plan plan(
        Replication replication, Request request, int place, long clock, int database) {
      CommandTable table = services.commands();
      Popping pop = popping.get(place);
      Plan plan = pop != null ? pop.plan() : table.plan(request, 0, clock, database);
      change = null;
      if (plan instanceof Plan.Deadline question) {
        change = DeadlineReplies.of(question.reply(), services);
      } else if (NullArrays.areIn(plan, session.protocol())) {
        change = NullArrays::write;
      } else if (DeliveryTimes.areIn(request, 0)) {
        change = (reply, out) -> DeliveryTimes.write(reply, out, services.clockMillis());
      }
      if (plan instanceof Plan.Blocking blocking) {
        plan = blocking.attempt();
      }
      if (plan instanceof Plan.Open open) {
        scripts |= plan instanceof Plan.Script;
        plan =
            replication
                .scripts()
                .plan(
                    open,
                    request,
                    0,
                    clock,
                    database,
                    session.protocol(),
                    table.reservedDatabase());
        if (plan == null && !replication.applier().isServing()) {
          error = services.failureText(Failure.REDIS_LOST);
          return null;
        }
        incomplete = plan == null;
      }
      if (plan instanceof Plan.Answered answered) {
        byte[] text = answered.text().getBytes(StandardCharsets.US_ASCII);
        return Plan.Rewritten.single(new byte[][] {ECHO, text}); // Redis answers in its place
      }
      if (plan instanceof Plan.Refused refused) {
        error = "EXECABORT Transaction discarded because of: " + refused.error();
        return null;
      }
      return plan;
    }
  }

  /** What an executed transaction leaves behind in the session. */
  private final class Executed implements ReplyReceiver {
    private final ReplyReceiver client;
    private final OptionalInt selected;

    Executed(ReplyReceiver client, OptionalInt selected) {
      this.client = client;
      this.selected = selected;
    }

    @Override
    public void reply(ByteBuf frame) {
      if (frame.getByte(frame.readerIndex()) == '*') { // not an error
        selected.ifPresent(session::selectDatabase);
      }
      client.reply(frame);
    }

    @Override
    public void failed(Failure failure) {
      watched.forget(); // it may have been given up before it was asked
      client.failed(failure);
    }
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

  /** Nothing of it happens, and the client has to begin anew. */
  private boolean giveUp(String error) {
    end();
    session.slot(Lane.IMMEDIATE).error(error);
    return true;
  }

  /** Forgets what is queued and watched. */
  void end() {
    endQueue();
    forgetWatched();
  }

  private void endQueue() {
    if (isOpen()) {
      queued.end();
      queued = null;
      popping.clear();
    }
  }

  void close() {
    endQueue();
    watched.close();
  }
}
