package io.ratissidecar.sidecar.session;

import io.ratissidecar.sidecar.blocking.BlockedClients;
import io.ratissidecar.sidecar.raft.GroupView;
import io.ratissidecar.statemachine.resp.Request;
import io.ratissidecar.statemachine.resp.Resp;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;

/**
 * {@code WAIT}: how many other voters hold what the client has written. What was acknowledged is on
 * the disks of a majority already, so only who wants more than that has to wait. On the leader;
 * confined to the front loop.
 */
final class ReplicaWait {
  /** Followers tell how far they are with every message. */
  private static final long LOOK_MILLIS = 20;

  private final Session session;
  private final GroupView group;
  private final Slot slot;
  private final long wanted;
  private final long index;
  private final long timeoutNanos;
  private final long beganNanos;
  private boolean ended;

  private ReplicaWait(Session session, GroupView group, long wanted, long timeoutMillis) {
    this.session = session;
    this.group = group;
    this.slot = session.slot(Lane.ADMIN).waits();
    this.wanted = wanted;
    this.index = group.commitIndex(); // all that the client has been told of is below
    this.timeoutNanos = TimeUnit.MILLISECONDS.toNanos(timeoutMillis);
    this.beganNanos = session.services().nanoTime();
  }

  /** How long the command may wait, 0 for ever. One that does not say so does not wait long. */
  static long timeoutMillis(Request request, int name) {
    long millis = request.argCount() == name + 3 ? request.argLong(name + 2) : Request.NOT_A_NUMBER;
    return millis == Request.NOT_A_NUMBER ? 1 : Math.max(0, millis);
  }

  /**
   * False when the request has to come again later.
   *
   * @param begun hears of one that may have to be ended before its time
   */
  static boolean run(
      Session session, GroupView group, Request request, int name, Consumer<ReplicaWait> begun) {
    if (request.argCount() != name + 3) {
      session.slot(Lane.IMMEDIATE).error("ERR wrong number of arguments for 'wait' command");
      return true;
    }
    if (!session.enter(Lane.ADMIN)) {
      return false; // earlier writes are to be answered first
    }
    long wanted = request.argLong(name + 1);
    long timeout = request.argLong(name + 2);
    if (wanted == Request.NOT_A_NUMBER) {
      session.slot(Lane.IMMEDIATE).error("ERR value is not an integer or out of range");
    } else if (timeout == Request.NOT_A_NUMBER) {
      session.slot(Lane.IMMEDIATE).error("ERR timeout is not an integer or out of range");
    } else if (timeout < 0) {
      session.slot(Lane.IMMEDIATE).error("ERR timeout is negative");
    } else {
      ReplicaWait wait = new ReplicaWait(session, group, wanted, timeout);
      begun.accept(wait);
      wait.look();
      session.holdUntilAnswered();
    }
    return true;
  }

  /**
   * Answers with what there is by now: the client sends no more, or another one wants it to go on.
   *
   * @return false when it was over already
   */
  boolean end() {
    boolean ends = !ended;
    if (ends) {
      ended = true;
      int holders = group.otherVotersWith(index);
      slot.reply(out -> Resp.writeInteger(out, holders));
    }
    return ends;
  }

  /** As {@link #end}, with the error of {@code CLIENT UNBLOCK}. */
  boolean endWithError() {
    boolean ends = !ended;
    if (ends) {
      ended = true;
      slot.error(BlockedClients.UNBLOCKED);
    }
    return ends;
  }

  private void look() {
    if (ended) {
      return;
    }
    if (group.otherVotersWith(index) >= wanted || isOver()) {
      end();
    } else {
      session.services().front().loop().schedule(this::look, LOOK_MILLIS, TimeUnit.MILLISECONDS);
    }
  }

  /** Who does not lead hears no more of the others. */
  private boolean isOver() {
    long passed = session.services().nanoTime() - beganNanos;
    return session.isClosed() || !group.isLeader() || timeoutNanos > 0 && passed >= timeoutNanos;
  }
}
