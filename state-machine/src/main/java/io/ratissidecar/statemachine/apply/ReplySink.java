package io.ratissidecar.statemachine.apply;

import io.netty.buffer.ByteBuf;

/** Receives the replies to commands sent through a {@link RedisPort}, on the port's thread. */
public interface ReplySink {
  /**
   * One whole reply as Redis sent it.
   *
   * @param frame readable bytes are the reply; borrowed for the call, retain or copy to keep
   */
  void onReply(ByteBuf frame);

  /**
   * The connection ended before all replies came; whether Redis executed the commands is not known.
   */
  void onLost();
}
