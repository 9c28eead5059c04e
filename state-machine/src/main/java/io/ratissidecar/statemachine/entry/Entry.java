package io.ratissidecar.statemachine.entry;

import java.nio.ByteBuffer;

/**
 * One entry of the replicated log.
 *
 * @param term the term of the leader that proposed it
 * @param index its place in the log, from 1 upwards; indexes that Ratis uses for itself are missing
 * @param header what applying it may depend on besides the payload
 * @param payload RESP commands, starting with a {@code SELECT}; read-only
 */
public record Entry(long term, long index, EntryHeader header, ByteBuffer payload) {
  public Entry {
    payload = payload.asReadOnlyBuffer();
  }

  /**
   * A view of the payload with a position of its own, so that readers on other threads do not meet.
   */
  @Override
  public ByteBuffer payload() {
    return payload.duplicate();
  }
}
