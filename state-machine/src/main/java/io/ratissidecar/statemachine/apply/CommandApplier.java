package io.ratissidecar.statemachine.apply;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.ratissidecar.statemachine.entry.Entry;
import io.ratissidecar.statemachine.resp.Resp;
import java.nio.charset.StandardCharsets;
import java.util.List;

/**
 * Applies committed entries to one connection of the local Redis, in log order, and asks it for
 * reads in between. Nothing waits: entries and reads are pipelined, and their order on the
 * connection is what makes a read see every entry that was sent before it.
 *
 * <p>One instance lives as long as its connection. Confined to the port's thread. Invariant: {@code
 * lastSent} only grows.
 */
public final class CommandApplier {
  /** What an applier tells its owner. */
  public interface Listener {
    /** Redis has acknowledged everything up to and including this index. */
    void onApplied(long index);

    /**
     * Redis refused a committed command for a reason of its own. The state is not that of the log
     * any more; the owner must drop the connection and reload.
     */
    void onNodeLocalError(long index, String error);
  }

  private final RedisPort port;
  private final int reservedDatabase;
  private final String clusterId;
  private final Listener listener;
  private int database = -1;
  private long lastSent;

  /**
   * @param port a fresh connection
   * @param reservedDatabase where the markers live
   * @param clusterId goes into the marker
   * @param appliedIndex the index whose state the Redis behind the port holds
   */
  public CommandApplier(
      RedisPort port,
      int reservedDatabase,
      String clusterId,
      long appliedIndex,
      Listener listener) {
    this.port = port;
    this.reservedDatabase = reservedDatabase;
    this.clusterId = clusterId;
    this.lastSent = appliedIndex;
    this.listener = listener;
  }

  /** Index of the last entry sent. */
  public long lastSent() {
    return lastSent;
  }

  /**
   * Sends one entry.
   *
   * @param replies who waits for the replies; null when nobody does
   * @throws IllegalStateException when the entry is not behind the last one
   */
  public void apply(Entry entry, EntryReplies replies) {
    long index = entry.index();
    if (index <= lastSent) {
      throw new IllegalStateException("entry " + index + " after " + lastSent);
    }
    lastSent = index; // gaps are normal: Ratis uses indexes of its own
    ByteBuf begin = Unpooled.buffer(96);
    int selects = selectReserved(begin);
    Resp.command(begin, "SET", AppliedMarker.BEGIN_KEY, Long.toString(index));
    port.send(begin, 1 + selects, new MarkerSink(index, false));
    sendPayload(entry, replies);
    database = -1; // the payload selects on its own
    ByteBuf end = Unpooled.buffer(160);
    selects = selectReserved(end);
    Resp.command(
        end,
        "SET",
        AppliedMarker.APPLIED_KEY,
        AppliedMarker.appliedValue(index, entry.term(), clusterId));
    port.send(end, 1 + selects, new EndSink(index, 1 + selects, replies));
  }

  /** Sends a read for one database; it sees every entry sent before it. */
  public void read(int inDatabase, int protocol, ByteBuf command, ReplySink sink) {
    port.useProtocol(protocol);
    if (database != inDatabase) {
      ByteBuf select = Unpooled.buffer(32);
      Resp.command(select, "SELECT", Integer.toString(inDatabase));
      port.send(select, 1, IgnoredReplies.INSTANCE);
      database = inDatabase;
    }
    port.send(command, 1, sink);
  }

  private void sendPayload(Entry entry, EntryReplies replies) {
    ByteBuf payload = Unpooled.wrappedBuffer(entry.payload());
    if (replies == null) {
      int commands = PayloadCommands.count(entry.payload());
      port.send(payload, commands, new PayloadSink(entry.index(), null));
      return;
    }
    List<EntryReplies.Run> runs = replies.runs();
    int start = 0;
    for (EntryReplies.Run run : runs) {
      port.useProtocol(run.protocol());
      port.send(
          payload.retainedSlice(start, run.endOffset() - start),
          run.replies(),
          new PayloadSink(entry.index(), replies));
      start = run.endOffset();
    }
    payload.release();
  }

  private int selectReserved(ByteBuf out) {
    if (database == reservedDatabase) {
      return 0;
    }
    Resp.command(out, "SELECT", Integer.toString(reservedDatabase));
    database = reservedDatabase;
    return 1;
  }

  private void check(long index, ByteBuf frame) {
    if (NodeLocalError.is(frame)) {
      listener.onNodeLocalError(index, frame.toString(StandardCharsets.UTF_8).strip());
    }
  }

  /** Hands the replies of an entry's commands on. */
  private final class PayloadSink implements ReplySink {
    private final long index;
    private final EntryReplies replies;

    PayloadSink(long index, EntryReplies replies) {
      this.index = index;
      this.replies = replies;
    }

    @Override
    public void onReply(ByteBuf frame) {
      check(index, frame);
      if (replies != null) {
        replies.onReply(frame);
      }
    }

    @Override
    public void
        onLost() {} // the owner hears of the connection's end, and every entry is sent again or
    // known to be applied
  }

  /** Checks that a marker could be written. */
  private class MarkerSink implements ReplySink {
    private final long index;
    private final boolean end;

    MarkerSink(long index, boolean end) {
      this.index = index;
      this.end = end;
    }

    @Override
    public void onReply(ByteBuf frame) {
      if (frame.getByte(frame.readerIndex()) == '-') {
        // A marker is a plain SET or SELECT: any error is this node's own.
        listener.onNodeLocalError(
            index,
            (end ? "end" : "begin") + " marker: " + frame.toString(StandardCharsets.UTF_8).strip());
      }
    }

    @Override
    public void onLost() {}
  }

  /** Tells of the entry's end. */
  private final class EndSink extends MarkerSink {
    private final long index;
    private final EntryReplies replies;
    private int remaining;

    EndSink(long index, int remaining, EntryReplies replies) {
      super(index, true);
      this.index = index;
      this.remaining = remaining;
      this.replies = replies;
    }

    @Override
    public void onReply(ByteBuf frame) {
      super.onReply(frame);
      remaining--;
      if (remaining == 0) {
        if (replies != null) {
          replies.onApplied();
        }
        listener.onApplied(index);
      }
    }
  }
}
