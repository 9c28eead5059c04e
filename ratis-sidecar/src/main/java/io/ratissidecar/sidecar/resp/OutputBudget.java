package io.ratissidecar.sidecar.resp;

/**
 * Bytes of replies that wait for clients, all together. One slow client is bounded by its own
 * limit; this bounds many of them, so that they can't take the memory that everybody else's replies
 * need. Confined to the front loop.
 */
final class OutputBudget {
  /** A client that has less than this waiting is never the one that has to go. */
  private static final long INNOCENT_BYTES = 1 << 20;

  private final long limitBytes;
  private long totalBytes;

  OutputBudget(long limitBytes) {
    this.limitBytes = limitBytes;
  }

  /**
   * A client's share has changed.
   *
   * @return true when the client has to go
   */
  boolean changed(long beforeBytes, long afterBytes) {
    totalBytes += afterBytes - beforeBytes;
    return totalBytes > limitBytes && afterBytes > INNOCENT_BYTES;
  }
}
