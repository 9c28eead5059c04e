package io.ratissidecar.it;

/**
 * What a node takes, and by how much its maximum may be higher later than it was at first. Nodes
 * change roles and are killed, so that no two stretches of time are quite the same.
 */
enum Measure {
  /** But for logs for people, which nobody cuts, and what the test itself puts there. */
  FILES("files", true, 1.3, 48),
  /** While a node fetches a snapshot, half a minute of log more. */
  LOG("log", true, 1.3, 48),
  /** The index of the log, which is a part of it. */
  LOG_INDEX("log index", true, 1.5, 2),
  RAFT("raft", true, 1.3, 4),
  SNAPSHOTS("snapshots", true, 1.3, 24),
  REDIS_FILES("redis files", true, 1.3, 4),
  REDIS_MEMORY("redis memory", true, 1.3, 8),
  /**
   * Where processors are short, the collector comes later, and takes 80 MB more of the heap that it
   * may have, without more that is alive.
   */
  RESIDENT("resident", true, 1.25, 96),
  /**
   * Java's heap right after a collection. A leader that has much in flight holds 20 MB more, and
   * the collector counts up to 10 MB of gaps that it leaves.
   */
  LIVE_HEAP("live heap", true, 1.3, 40),
  DESCRIPTORS("descriptors", false, 1.2, 20),
  /** A leader, and a node that takes or fetches a snapshot, has about ten more than others. */
  THREADS("threads", false, 1.2, 14);

  private static final long MEGABYTE = 1_000_000;

  private final String title;
  private final boolean bytes;
  private final double factor;
  private final long slack;

  Measure(String title, boolean bytes, double factor, long slack) {
    this.title = title;
    this.bytes = bytes;
    this.factor = factor;
    this.slack = slack;
  }

  /** The highest that the later maximum may be. */
  long limit(long earlier) {
    return Math.max((long) (earlier * factor), earlier + (bytes ? slack * MEGABYTE : slack));
  }

  /** The value with name and unit. */
  String format(long value) {
    return bytes
        ? String.format("%s %.2f MB", title, value / (double) MEGABYTE)
        : title + " " + value;
  }
}
