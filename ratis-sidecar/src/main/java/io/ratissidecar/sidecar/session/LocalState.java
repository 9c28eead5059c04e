package io.ratissidecar.sidecar.session;

import io.netty.buffer.ByteBuf;
import io.ratissidecar.statemachine.resp.Request;

/**
 * What a client's commands have made of its connection to the local Redis, as far as the sidecar
 * has to know it. As old as the connection. Confined to the front loop.
 */
final class LocalState {
  /** No database that a client can select: which one it is, is not known. */
  private static final int UNKNOWN = -1;

  private final Subscriptions subscriptions = new Subscriptions();
  private int database;
  private LocalTransaction transaction;
  private boolean selecting;
  private boolean watching;
  private boolean tracking;
  private boolean monitoring;
  private int blocked;

  Subscriptions subscriptions() {
    return subscriptions;
  }

  /** What was queued since {@code MULTI}; null outside of a transaction. */
  LocalTransaction transaction() {
    return transaction;
  }

  /** A {@code SELECT} was sent inside a transaction, and counts at {@code EXEC}. */
  void selecting() {
    selecting = true;
  }

  /** True while a transaction holds a {@code SELECT}. */
  boolean isSelecting() {
    return selecting;
  }

  /** Notes that the database is to be this one; false when it is already. */
  boolean changeDatabase(int wanted) {
    boolean changed = database != wanted;
    database = wanted;
    return changed;
  }

  /** A command was sent that may block. */
  void blocking() {
    blocked++;
  }

  /** A command that may block was answered. */
  void unblocked() {
    blocked--;
  }

  boolean mayBeBlocked() {
    return blocked > 0;
  }

  /** Notes what a command that is sent now does to the connection. */
  void sent(Request request, String name) {
    switch (name) {
      case "multi" -> {
        if (request.argCount() == 1 && transaction == null) {
          transaction = new LocalTransaction();
          selecting = false;
        }
      }
      case "watch" -> watching = true;
      case "unwatch" -> watching = false;
      case "monitor" -> monitoring |= transaction == null && request.argCount() == 1;
      case "client" -> {
        if (request.argCount() > 2 && request.argIs(1, "TRACKING")) {
          tracking = request.argIs(2, "ON");
        }
      }
      case "discard" -> {
        if (request.argCount() == 1) {
          leaveTransaction();
        }
      }
      case "exec" -> leaveTransaction();
      default -> {}
    }
  }

  private void leaveTransaction() {
    transaction = null;
    watching = false;
    if (selecting) {
      database = UNKNOWN;
    }
    selecting = false;
  }

  /** True when the client relies on something that would be lost with the connection. */
  boolean wouldBeMissed() {
    return transaction != null || watching || subscriptions.any() || monitoring || tracking;
  }

  /** Whether the frame is a message or another push, and no reply. */
  boolean isPush(ByteBuf frame, int protocol) {
    if (monitoring) {
      int start = frame.readerIndex();
      if (frame.getByte(start) == '+' && Character.isDigit(frame.getByte(start + 1))) {
        return true; // what MONITOR shows begins with the time
      }
    }
    return subscriptions.isPush(frame, protocol);
  }
}
