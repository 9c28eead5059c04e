package io.ratissidecar.statemachine.apply;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.ratissidecar.statemachine.entry.Entry;
import io.ratissidecar.statemachine.entry.EntryType;
import io.ratissidecar.statemachine.resp.Resp;
import java.nio.ByteBuffer;
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
     * any more; the owner must drop the connection and reload. Nothing comes after this.
     */
    void onNodeLocalError(long index, String error);

    /**
     * Redis is not set up like the other nodes', so that a committed command can't have here the
     * effect that it has there. The owner must stop the node: loading anew would not help. Nothing
     * comes after this.
     */
    void onUnfit(long index, String error);
  }

  private final RedisPort port;
  private final int reservedDatabase;
  private final String clusterId;
  private final Listener listener;
  private int database = -1;
  private long lastSent;

  /** Redis missed a command; whatever it answers behind that is of a state that never was. */
  private boolean broken;

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
    checkDatabases(entry);
    if (broken) {
      return; // the entry is sent again, on another connection or never
    }
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

  /**
   * The cluster's own entries select the database that its leader keeps them in. With another
   * number of databases here, commands of clients would meet the markers.
   */
  private void checkDatabases(Entry entry) {
    if (entry.header().type() == EntryType.COMMANDS || broken) {
      return;
    }
    int selected = PayloadCommands.selectedBy(entry.payload());
    if (selected != reservedDatabase) {
      broken = true;
      listener.onUnfit(
          entry.index(),
          "the cluster has "
              + (selected + 1)
              + " databases, this Redis has "
              + (reservedDatabase + 1));
    }
  }

  private void sendPayload(Entry entry, EntryReplies replies) {
    ByteBuf payload = Unpooled.wrappedBuffer(entry.payload());
    PayloadSink sink = new PayloadSink(entry, replies);
    if (replies == null) {
      port.send(payload, PayloadCommands.count(entry.payload()), sink);
      return;
    }
    List<EntryReplies.Run> runs = replies.runs();
    int start = 0;
    for (EntryReplies.Run run : runs) {
      port.useProtocol(run.protocol());
      port.send(payload.retainedSlice(start, run.endOffset() - start), run.replies(), sink);
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

  private void failed(long index, NodeLocalError error, String text) {
    broken = true;
    if (error == NodeLocalError.LASTING) {
      listener.onUnfit(index, text);
    } else {
      listener.onNodeLocalError(index, text);
    }
  }

  private static String text(ByteBuf frame) {
    return frame.toString(StandardCharsets.UTF_8).strip();
  }

  /** Hands the replies of an entry's commands on. */
  private final class PayloadSink implements ReplySink {
    private final Entry entry;
    private final EntryReplies replies;
    private final ByteBuffer walk;
    private int answered;
    private int walked;

    PayloadSink(Entry entry, EntryReplies replies) {
      this.entry = entry;
      this.walk = entry.payload();
      this.replies = replies;
    }

    @Override
    public void onReply(ByteBuf frame) {
      if (broken) {
        return;
      }
      answered++;
      if (NodeLocalError.isError(frame)) {
        NodeLocalError error = nodeLocal(frame);
        if (error != null) {
          failed(entry.index(), error, text(frame));
          return;
        }
      }
      if (replies != null) {
        replies.onReply(frame);
      }
    }

    /** Walks on from the last error, so that many of them cost one walk. */
    private NodeLocalError nodeLocal(ByteBuf frame) {
      for (; walked < answered - 1; walked++) {
        PayloadCommands.skip(walk);
      }
      if (PayloadCommands.selectedBy(walk) >= 0) {
        return NodeLocalError.ofSelect(frame);
      }
      return PayloadCommands.callsScript(walk)
          ? NodeLocalError.ofScript(frame)
          : NodeLocalError.of(frame);
    }

    @Override
    public void onLost() {
      // The owner hears of the end, and sends every entry again that was not applied.
    }
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
      if (!broken && NodeLocalError.isError(frame)) {
        // A marker is a plain SET or SELECT: any error is this node's own.
        failed(index, NodeLocalError.PASSING, (end ? "end" : "begin") + " marker: " + text(frame));
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
      if (remaining == 0 && !broken) {
        if (replies != null) {
          replies.onApplied();
        }
        listener.onApplied(index);
      }
    }
  }
}
