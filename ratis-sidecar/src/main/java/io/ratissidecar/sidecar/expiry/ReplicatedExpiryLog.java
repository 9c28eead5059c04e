package io.ratissidecar.sidecar.expiry;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.ratissidecar.sidecar.raft.Failure;
import io.ratissidecar.sidecar.raft.Replication;
import io.ratissidecar.sidecar.raft.ReplyReceiver;
import io.ratissidecar.statemachine.resp.Resp;

/** That of the node's group. */
public record ReplicatedExpiryLog(Replication replication) implements ExpiryLog {
  private static final int PROTOCOL = 2;

  /** What is due is proposed again until it is gone. */
  private enum Nobody implements ReplyReceiver {
    WAITS;

    @Override
    public void reply(ByteBuf frame) {}

    @Override
    public void failed(Failure failure) {}
  }

  @Override
  public boolean isLeaderReady() {
    return replication.raft().group().isLeaderReady();
  }

  @Override
  public long term() {
    return replication.raft().group().term();
  }

  @Override
  public long lastIndex() {
    return replication.raft().group().lastIndex();
  }

  @Override
  public long appliedIndex() {
    return replication.applier().appliedIndex();
  }

  @Override
  public long clockMillis() {
    return replication.raft().clock().millis();
  }

  @Override
  public boolean isFull() {
    return replication.sequencer().isFull();
  }

  @Override
  public void propose(int database, byte[][] command) {
    replication.sequencer().add(Nobody.WAITS, database, PROTOCOL, new byte[][][] {command}, 0);
  }

  @Override
  public void ask(int database, byte[][] command, ReplyReceiver receiver) {
    ByteBuf bytes = Unpooled.buffer(64);
    Resp.command(bytes, command);
    replication.applier().read(database, PROTOCOL, bytes, receiver);
  }
}
