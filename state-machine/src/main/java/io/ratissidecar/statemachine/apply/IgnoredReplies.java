package io.ratissidecar.statemachine.apply;

import io.netty.buffer.ByteBuf;

/** For commands whose reply nobody needs. */
public enum IgnoredReplies implements ReplySink {
  INSTANCE;

  @Override
  public void onReply(ByteBuf frame) {}

  @Override
  public void onLost() {}
}
