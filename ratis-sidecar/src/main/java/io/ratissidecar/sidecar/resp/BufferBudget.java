package io.ratissidecar.sidecar.resp;

/**
 * Bytes that wait in buffers for all clients together: requests of which the end has not come, and
 * replies that are not read. One client is bounded by limits of its own; this bounds many of them,
 * so that they can't take the memory that everybody else, and the local Redis, need. Confined to
 * the front loop.
 */
final class BufferBudget {
  /** A client that has less than this waiting is never the one that has to go. */
  private static final long INNOCENT_BYTES = 16 * 1024;

  private final long limitBytes;
  private long totalBytes;

  BufferBudget(long limitBytes) {
    this.limitBytes = limitBytes;
  }

  long limitBytes() {
    return limitBytes;
  }

  /**
   * A client's share has changed.
   *
   * @return true when the client has to go
   */
  boolean changed(long beforeBytes, long afterBytes) {
    totalBytes += afterBytes - beforeBytes;
    return totalBytes > limitBytes && afterBytes > beforeBytes && afterBytes > INNOCENT_BYTES;
  }
}
