package io.ratissidecar.cli.importing;

/** How far an import is. One thread writes it; any may read. */
final class ImportStatus {
  /** What goes on. */
  enum Phase {
    WAITING,
    LOADING,
    FOLLOWING
  }

  private volatile Phase phase = Phase.WAITING;
  private volatile long keysExpected;
  private volatile long loadingNanos;
  private volatile long keys;
  private volatile long bytes;
  private volatile long commands;
  private volatile long offset;
  private volatile long lastCommandNanos;
  private volatile long behindBytes = -1;

  void loading(long keysInSource, long nowNanos) {
    keysExpected = keysInSource;
    loadingNanos = nowNanos;
    phase = Phase.LOADING;
  }

  void following(long fromOffset, long nowNanos) {
    offset = fromOffset;
    lastCommandNanos = nowNanos;
    phase = Phase.FOLLOWING;
  }

  @SuppressWarnings("NonAtomicOperationOnVolatileField") // one thread writes
  void keyDone(int length) {
    keys++;
    bytes += length;
  }

  @SuppressWarnings("NonAtomicOperationOnVolatileField") // one thread writes
  void commandsDone(int count, long nowNanos) {
    commands += count;
    lastCommandNanos = nowNanos;
  }

  /** Everything before this offset of the source's stream has been run. */
  void reached(long newOffset) {
    offset = newOffset;
  }

  /** How far the source is, as it said itself just now. */
  void sourceAt(long sourceOffset) {
    behindBytes = Math.max(0, sourceOffset - offset);
  }

  Phase phase() {
    return phase;
  }

  long keys() {
    return keys;
  }

  long bytes() {
    return bytes;
  }

  long commands() {
    return commands;
  }

  long offset() {
    return offset;
  }

  /** One line for people. */
  String describe(long nowNanos) {
    return switch (phase) {
      case WAITING -> "Waiting for the source to begin ...";
      case LOADING -> {
        long percent = keysExpected == 0 ? 0 : Math.min(99, 100 * keys / keysExpected);
        double seconds = Math.max(1, nowNanos - loadingNanos) / 1e9;
        yield String.format(
            "Loading: %d %% of %,d keys, %,.0f keys/s", percent, keysExpected, keys / seconds);
      }
      case FOLLOWING -> {
        long idleSeconds = (nowNanos - lastCommandNanos) / 1_000_000_000;
        String behind = behindBytes < 0 ? "" : String.format(", %,d bytes behind", behindBytes);
        String idle = idleSeconds < 2 ? "" : ", idle for " + idleSeconds + " s";
        yield String.format("Following: %,d commands%s%s", commands, behind, idle);
      }
    };
  }
}
