package io.ratissidecar.sidecar.session;

import io.netty.buffer.ByteBuf;
import io.ratissidecar.sidecar.resp.ClientConnection;
import java.util.ArrayDeque;

/**
 * The places of one client's replies, in the order of its commands, and with them the client's
 * program order: which lane its commands are on, and when the next one has to wait. Confined to the
 * front loop.
 */
final class ReplyQueue {
  /**
   * What one client may have waiting behind an unanswered command: requests at the local Redis, and
   * replies that came out of order. Beyond it the client has to wait.
   */
  private static final long WAITING_BYTES = 1 << 20;

  private final ClientConnection client;
  private final int mostPending;
  private final ArrayDeque<Slot> slots = new ArrayDeque<>();
  private Lane lane = Lane.IMMEDIATE;
  private int laneOutstanding;
  private long waitingBytes;
  private boolean holding;
  private boolean resumeWhenDrained;
  private boolean resumeAtHalf;
  private boolean ending;
  private boolean closed;

  /**
   * @param mostPending commands without a reply beyond which the client has to wait
   */
  ReplyQueue(ClientConnection client, int mostPending) {
    this.client = client;
    this.mostPending = mostPending;
  }

  /** False when the next request has to wait for replies; it will come again. */
  boolean takesRequests() {
    if (slots.size() >= mostPending) {
      resumeAtHalf = true; // so that what is under way does not run out while more is decoded
      return false;
    }
    if ((holding || waitingBytes > WAITING_BYTES) && !awaitReplies()) {
      return false;
    }
    holding = false;
    return true;
  }

  /**
   * Takes a lane for the next command.
   *
   * @return false when earlier commands on another lane have to be answered first; the request will
   *     come again
   */
  boolean enter(Lane next) {
    if (lane != next && !awaitReplies()) {
      return false;
    }
    lane = next;
    return true;
  }

  /** True when the commands under way are on this lane, which one more may join. */
  boolean isUnderWay(Lane which) {
    return lane == which && laneOutstanding > 0;
  }

  /**
   * True when every earlier command was answered.
   *
   * @return false when some were not; the request will come again
   */
  boolean awaitReplies() {
    if (laneOutstanding > 0) {
      resumeWhenDrained = true;
      return false;
    }
    return true;
  }

  /**
   * The reply to the command that was sent just now decides how the next one is understood, which
   * therefore waits for it.
   */
  void holdUntilAnswered() {
    holding = true;
  }

  /** The next place. */
  void add(Slot slot) {
    slots.add(slot);
    if (slot.lane() != Lane.IMMEDIATE) {
      laneOutstanding++;
    }
  }

  /**
   * The next place, but before a command that waits for data, which is the last one and may take
   * for ever.
   */
  void addBehindDue(Slot slot) {
    Slot last = slots.peekLast();
    if (last != null && last.isWaiting()) {
      slots.pollLast();
      add(slot);
      slots.add(last);
    } else {
      add(slot);
    }
  }

  boolean isEmpty() {
    return slots.isEmpty();
  }

  boolean isFirst(Slot slot) {
    return slots.peek() == slot; // identity: slots have no equality of their own
  }

  /** So many bytes more, or less, wait behind an unanswered command. */
  void waiting(long bytes) {
    waitingBytes += bytes;
  }

  /** The reply to the first command, with which those go that came early. */
  void deliver(Slot slot, ByteBuf frame) {
    slots.poll();
    left(slot);
    if (!slot.isSilent()) {
      client.write(frame);
    }
    Slot next;
    while ((next = slots.peek()) != null && next.isFilled()) {
      slots.poll();
      ByteBuf early = next.takeEarly();
      if (early != null) {
        client.write(early);
        early.release();
      }
    }
    if (ending && slots.isEmpty()) {
      client.closeAfterReplies();
    }
    resumeIfAnswered();
  }

  /** A reply came before those of earlier commands. */
  void filledEarly(Slot slot) {
    left(slot);
    resumeIfAnswered();
  }

  private void left(Slot slot) {
    if (slot.lane() != Lane.IMMEDIATE) {
      laneOutstanding--;
      waiting(-slot.weight());
    }
  }

  private void resumeIfAnswered() {
    boolean drained = resumeWhenDrained && laneOutstanding == 0;
    boolean half = resumeAtHalf && slots.size() <= mostPending / 2;
    if (drained || half) {
      resumeWhenDrained = false;
      resumeAtHalf = false;
      client.resume();
    }
  }

  /** Ends the connection behind the replies that are due. */
  void end() {
    ending = true;
    if (slots.isEmpty()) {
      client.closeAfterReplies();
    }
  }

  boolean isClosed() {
    return closed;
  }

  /** Nobody is left to take replies. */
  void close() {
    closed = true;
    Slot slot;
    while ((slot = slots.poll()) != null) {
      ByteBuf early = slot.takeEarly();
      if (early != null) {
        early.release();
      }
    }
  }
}
