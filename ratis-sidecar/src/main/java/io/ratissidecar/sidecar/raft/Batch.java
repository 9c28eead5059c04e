package io.ratissidecar.sidecar.raft;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.ratissidecar.statemachine.apply.EntryReplies;
import io.ratissidecar.statemachine.entry.EntryType;
import io.ratissidecar.statemachine.resp.Resp;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;

/**
 * Commands of many clients that become one entry, and the clients that wait for their replies.
 * Written on the front loop; immutable from the moment it is proposed, but for {@link #appendedAt}.
 */
public final class Batch implements EntryReplies {
  /**
   * One client's share: of {@code replies} replies, number {@code wanted} (from 0) is the client's.
   */
  private record Share(ReplyReceiver client, int replies, int wanted) {}

  private final List<Share> shares = new ArrayList<>();
  private final List<Run> runs = new ArrayList<>();
  private final EntryType type;
  private final long createdNanos;
  private ByteBuf payload = Unpooled.buffer(1024);
  private int database = -1;
  private int runProtocol;
  private int runReplies;
  private int extraReplies;
  private int nextShare;
  private int nextReply;
  private long leaderTimeMillis;
  private boolean closed;
  private Sequencer.Condition condition;
  // Written under Ratis's log lock on the thread that proposes, which is the front loop.
  private long term;
  private long index;

  Batch(EntryType type, long createdNanos) {
    this.type = type;
    this.createdNanos = createdNanos;
  }

  /** It goes on its way at this time of the log's clock. */
  void proposedAt(long millis) {
    leaderTimeMillis = millis;
  }

  /** The log's clock when it was proposed: nothing in it was planned later. */
  public long leaderTimeMillis() {
    return leaderTimeMillis;
  }

  /** What has to agree before it is proposed; null for nothing. */
  Sequencer.Condition condition() {
    return condition;
  }

  void condition(Sequencer.Condition newCondition) {
    condition = newCondition;
  }

  EntryType type() {
    return type;
  }

  long createdNanos() {
    return createdNanos;
  }

  /** How many requests of clients it carries. */
  int requests() {
    return shares.size();
  }

  /** Length of the payload; 0 once it was released. */
  int bytes() {
    return payload.readableBytes();
  }

  /**
   * Makes the payload stand in the database and the replies come in the protocol of the client that
   * is added next.
   */
  ByteBuf begin(int inDatabase, int protocol) {
    if (protocol != runProtocol) {
      endRun();
      runProtocol = protocol;
    }
    if (database != inDatabase) {
      Resp.command(payload, "SELECT", Integer.toString(inDatabase));
      database = inDatabase;
      extraReplies = 1;
      runReplies++;
    }
    return payload;
  }

  /** Says what was just written behind {@link #begin}. */
  void end(ReplyReceiver client, int replies, int wanted) {
    shares.add(new Share(client, replies + extraReplies, wanted + extraReplies));
    runReplies += replies;
    extraReplies = 0;
  }

  /** What was written selected databases of its own. */
  void forgetDatabase() {
    database = -1;
  }

  private void endRun() {
    if (runReplies > 0) {
      runs.add(new Run(payload.writerIndex(), runReplies, runProtocol));
      runReplies = 0;
    }
  }

  ByteBuffer seal() {
    endRun();
    if (payload.writerIndex() < payload.capacity() / 2) {
      payload = Unpooled.copiedBuffer(payload); // the log keeps it for long
    }
    return payload.nioBuffer();
  }

  /** The payload is needed here no more; what is waited for, and the shape of replies, remain. */
  void releasePayload() {
    payload = Unpooled.EMPTY_BUFFER;
  }

  void appendedAt(long atTerm, long atIndex) {
    term = atTerm;
    index = atIndex;
  }

  /**
   * Place in the log, 0 while it has none; then nothing of the batch can have happened anywhere.
   */
  long index() {
    return index;
  }

  long term() {
    return term;
  }

  @Override
  public List<Run> runs() {
    return runs;
  }

  @Override
  public void onReply(ByteBuf frame) {
    if (closed) {
      return;
    }
    Share share = shares.get(nextShare);
    if (nextReply == share.wanted) {
      share.client.reply(frame);
    }
    nextReply++;
    if (nextReply == share.replies) {
      nextShare++;
      nextReply = 0;
    }
  }

  /**
   * The connection to Redis was lost in the middle; the entry will be sent again from its first
   * command.
   */
  void expectAgain() {
    nextShare = 0;
    nextReply = 0;
  }

  @Override
  public void onApplied() {
    closed = true;
  }

  /** Tells every client that has no answer yet; an answered one ignores it. */
  void fail(Failure failure) {
    if (!closed) {
      closed = true;
      for (Share share : shares) {
        share.client.failed(failure);
      }
    }
  }
}
