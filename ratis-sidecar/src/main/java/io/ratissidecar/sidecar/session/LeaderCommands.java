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
import io.ratissidecar.statemachine.command.Plan;
import io.ratissidecar.statemachine.resp.Request;
import io.ratissidecar.statemachine.resp.Resp;

/** One client's replicated commands outside of transactions, executed by the leader. */
final class LeaderCommands {
  private final Session session;
  private final Services services;

  /** The last command that waited; null for none. */
  private Waiter waiter;

  LeaderCommands(Session session) {
    this.session = session;
    this.services = session.services();
  }

  /** Executes what was planned; false when the request has to come again later. */
  boolean run(Replication replication, Request request, int name, Plan planned) {
    Plan plan = planned;
    if (plan instanceof Plan.Pop pop) {
      plan = replication.candidates().choose(pop, session.database());
      if (plan == null) {
        session.holdUntil(replication.candidates()::whenRead);
        return false;
      }
    }
    if (plan instanceof Plan.Open open) {
      plan =
          replication
              .scripts()
              .plan(
                  open,
                  request,
                  name,
                  replication.sequencer().clockMillis(),
                  session.database(),
                  session.protocol(),
                  services.commands().reservedDatabase());
      if (plan == null) {
        if (!replication.applier().isServing()) {
          return refuse(services.failureText(Failure.REDIS_LOST));
        }
        session.holdUntil(replication.scripts()::whenKnown);
        return false;
      }
    }
    if (plan instanceof Plan.Answered answered) {
      session.slot(Lane.IMMEDIATE).reply(out -> Resp.writeBulk(out, answered.text()));
      return true;
    }
    if (plan instanceof Plan.Refused refused) {
      return refuse(refused.error());
    }
    if (plan instanceof Plan.Blocking blocking) {
      return block(blocking);
    }
    Guard guard = services.expirer().guard(request, name, session.database());
    if (guard.waits()) {
      if (!replication.applier().isServing()) {
        return refuse(services.failureText(Failure.REDIS_LOST));
      }
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
      return read(replication, request, name, planned, plan);
    }
    if (!session.enter(Lane.LOG)) {
      return false;
    }
    Sequencer sequencer = replication.sequencer();
    ReplyReceiver client = client(replication, Lane.LOG, request, name, planned, plan);
    if (guard.isNone() && plan.isAsItIs()) {
      services.expirer().proposed(request, name, session.database());
      sequencer.add(client, session.database(), session.protocol(), request, name);
      if (!read) {
        services.blocked().proposed(request, name, session.database());
      }
      return true;
    }
    if (planned instanceof Plan.Script
        && request.argIs(name, "SCRIPT")
        && plan instanceof Plan.Rewritten) {
      replication.scripts().flushed();
    }
    byte[][][] commands = plan.logged(request, name);
    services.expirer().proposed(commands, session.database());
    sequencer.add(
        client,
        session.database(),
        session.protocol(),
        guard.then(commands),
        guard.before().size() + plan.replyIndex());
    if (!read) {
      services.blocked().proposed(request, name, session.database());
    }
    return true;
  }

  private boolean refuse(String error) {
    session.slot(Lane.IMMEDIATE).error(error);
    return true;
  }

  /** A linearizable read without an entry. */
  private boolean read(
      Replication replication, Request request, int name, Plan planned, Plan plan) {
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
            client(replication, Lane.READ, request, name, planned, plan));
    return true;
  }

  /** The next place in the order of replies, and what makes the client's reply of Redis's. */
  private ReplyReceiver client(
      Replication replication, Lane lane, Request request, int name, Plan planned, Plan plan) {
    Slot slot = session.slot(lane);
    if (plan instanceof Plan.Deadline question) {
      return DeadlineReplies.changed(slot, DeadlineReplies.of(question.reply(), services));
    }
    if (NullArrays.areIn(planned, session.protocol())) {
      return DeadlineReplies.changed(slot, NullArrays::write);
    }
    if (DeliveryTimes.areIn(request, name)) {
      return DeadlineReplies.changed(
          slot, (reply, out) -> DeliveryTimes.write(reply, out, services.clockMillis()));
    }
    if (!(planned instanceof Plan.Script)) {
      return slot;
    }
    if (!request.argIs(name, "FUNCTION")) {
      return replication.scripts().shown(slot, false);
    }
    return request.argIs(name + 1, "DUMP") ? Scripts.dumped(slot) : Scripts.listed(slot);
  }

  /** Nothing of the client's is taken until it has its reply. */
  private boolean block(Plan.Blocking plan) {
    Lane lane = plan.kind() == Plan.Waiting.TO_READ ? Lane.READ : Lane.LOG;
    if (!session.enter(lane)) {
      return false;
    }
    waiter = new Waiter(session.slot(lane).waits(), session.database(), session.protocol(), plan);
    session.holdUntilAnswered();
    services.blocked().add(waiter);
    return true;
  }

  /** As {@link BlockedClients#unblock}. */
  boolean unblock(boolean withError) {
    return waiter != null && services.blocked().unblock(waiter, withError);
  }

  /** The client sends no more. When it waits, it does so no longer. */
  void inputEnded() {
    if (waiter != null) {
      services.blocked().timeOut(waiter);
    }
  }

  void close() {
    if (waiter != null) {
      services.blocked().remove(waiter);
      waiter = null;
    }
  }
}
