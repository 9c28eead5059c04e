package io.ratissidecar.sidecar.blocking;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.ratissidecar.sidecar.expiry.Expirer;
import io.ratissidecar.sidecar.expiry.Guard;
import io.ratissidecar.sidecar.raft.Replication;
import io.ratissidecar.sidecar.raft.ReplyReceiver;
import io.ratissidecar.sidecar.resp.FrontLoop;
import io.ratissidecar.statemachine.command.CommandTable;
import io.ratissidecar.statemachine.command.Plan;
import io.ratissidecar.statemachine.resp.Request;
import io.ratissidecar.statemachine.resp.Resp;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;

/** Executes what waiting clients want, as if they had just sent it. Confined to the front loop. */
final class Execution {
  private static final byte[] PING = {'P', 'I', 'N', 'G'};
  private static final long AGAIN_MILLIS = 100;

  private final FrontLoop front;
  private final Supplier<Expirer> expirer;
  private final Supplier<CommandTable> table;

  Execution(FrontLoop front, Supplier<Expirer> expirer, Supplier<CommandTable> table) {
    this.front = front;
    this.expirer = expirer;
    this.table = table;
  }

  /**
   * Has the command executed; the waiter is trying then, and the receiver hears. Where that is not
   * possible yet, it is tried again.
   *
   * @param leading this node's part in the cluster that it leads
   * @param planned a command of the waiter's
   * @param again what to do when that is not possible yet; the waiter may be over by then
   * @return the error that Redis would answer with; the receiver does not hear
   */
  Optional<String> begin(
      Replication leading, Waiter waiter, Plan planned, ReplyReceiver receiver, Runnable again) {
    int database = waiter.database();
    Plan plan = planned;
    Request request = Request.of(waiter.plan().words());
    Guard guard = expirer.get().guard(request, 0, database);
    if (guard.waits()) {
      expirer.get().whenSettled(again);
      return Optional.empty();
    }
    if (plan instanceof Plan.Open open) {
      plan =
          leading
              .scripts()
              .plan(
                  open,
                  request,
                  0,
                  leading.sequencer().clockMillis(),
                  database,
                  waiter.protocol(),
                  table.get().reservedDatabase());
      if (plan == null) {
        if (leading.applier().isServing()) {
          leading.scripts().whenKnown(again);
        } else {
          front.loop().schedule(again, AGAIN_MILLIS, TimeUnit.MILLISECONDS);
        }
        return Optional.empty();
      }
    }
    if (plan instanceof Plan.Refused refused) {
      return Optional.of(refused.error());
    }
    waiter.trying();
    byte[][][] commands = plan.logged(request, 0);
    if (plan instanceof Plan.ReadInstead && guard.isNone()) {
      ByteBuf command = Unpooled.buffer(256);
      Resp.command(command, commands[0]);
      if (LastIds.areAskedFor(waiter.plan())) {
        leading.reads().readAtOnce(database, waiter.protocol(), command, receiver);
      } else {
        leading.reads().read(database, waiter.protocol(), command, receiver);
      }
      return Optional.empty();
    }
    expirer.get().proposed(commands, database);
    byte[][][] guarded = guard.then(commands);
    leading.sequencer().add(receiver, database, waiter.protocol(), guarded, guarded.length - 1);
    return Optional.empty();
  }

  /** The receiver hears once all that is committed by now is applied, if this node still leads. */
  void confirm(Replication leading, Waiter waiter, ReplyReceiver receiver) {
    ByteBuf ping = Unpooled.buffer(16);
    Resp.command(ping, PING);
    leading.reads().read(waiter.database(), waiter.protocol(), ping, receiver);
  }
}
