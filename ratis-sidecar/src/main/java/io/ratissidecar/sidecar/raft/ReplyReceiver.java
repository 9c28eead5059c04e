package io.ratissidecar.sidecar.raft;

import io.netty.buffer.ByteBuf;

/** Somebody who waits for the outcome of one command. Called once, on the front loop. */
public interface ReplyReceiver {
  /** Redis's own reply; borrowed for the call. */
  void reply(ByteBuf frame);

  /** There will be no reply. */
  void failed(Failure failure);
}
