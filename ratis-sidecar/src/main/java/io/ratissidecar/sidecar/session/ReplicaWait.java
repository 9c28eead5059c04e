package io.ratissidecar.sidecar.session;

import io.ratissidecar.sidecar.raft.GroupView;
import io.ratissidecar.statemachine.resp.Request;
import io.ratissidecar.statemachine.resp.Resp;
import java.util.concurrent.TimeUnit;

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

  /** False when the request has to come again later. */
  static boolean run(Session session, GroupView group, Request request, int name) {
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
      new ReplicaWait(session, group, wanted, timeout).look();
      session.holdUntilAnswered();
    }
    return true;
  }

  private void look() {
    int holders = group.otherVotersWith(index);
    if (holders >= wanted || isOver()) {
      slot.reply(out -> Resp.writeInteger(out, holders));
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
