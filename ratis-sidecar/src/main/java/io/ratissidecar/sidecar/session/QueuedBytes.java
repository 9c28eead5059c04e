package io.ratissidecar.sidecar.session;

/**
 * What all clients together have queued in transactions. One transaction has a limit of its own;
 * this bounds many of them, which nobody may ever execute. Confined to the front loop.
 */
final class QueuedBytes {
  /** An eighth of the memory that start scripts give to Java. */
  private static final long LIMIT_BYTES = 32L << 20;

  private long queued;

  /** False, and nothing taken, when there is no room. */
  boolean take(long bytes) {
    if (queued + bytes > LIMIT_BYTES) {
      return false;
    }
    queued += bytes;
    return true;
  }

  void give(long bytes) {
    queued -= bytes;
  }
}
