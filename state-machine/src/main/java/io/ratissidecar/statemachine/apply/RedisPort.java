package io.ratissidecar.statemachine.apply;

import io.netty.buffer.ByteBuf;

/**
 * The local Redis as seen from here: commands go out in order, replies come back in the same order.
 * Confined to one thread; calls never block.
 */
public interface RedisPort {
  /**
   * Sends commands.
   *
   * @param commands whole RESP commands; ownership passes to the port
   * @param replies how many replies they cause
   * @param sink gets exactly that many replies, or {@link ReplySink#onLost} once
   */
  void send(ByteBuf commands, int replies, ReplySink sink);

  /** Makes later replies come in RESP2 or RESP3; costs one {@code HELLO} when that is a change. */
  void useProtocol(int version);
}
