package io.ratissidecar.cli.client;

import java.util.function.LongConsumer;

/**
 * Shows how far something is that reads or copies so many bytes; nothing in the first two seconds.
 * For one thread.
 */
public final class ByteProgress implements LongConsumer {
  private static final long FIRST_NANOS = 2_000_000_000L;

  private final Progress progress;
  private final String what;
  private final long totalBytes;
  private final long startNanos = System.nanoTime();
  private long doneBytes;

  /**
   * @param what is done, such as {@code "copying, "}
   */
  public ByteProgress(Progress progress, String what, long totalBytes) {
    this.progress = progress;
    this.what = what;
    this.totalBytes = totalBytes;
  }

  /** So many bytes more. */
  @Override
  public void accept(long bytes) {
    doneBytes += bytes;
    long nanos = System.nanoTime() - startNanos;
    if (progress.isVisible() && nanos > FIRST_NANOS) {
      progress.show(line(what, doneBytes, totalBytes, nanos));
    }
  }

  static String line(String what, long doneBytes, long totalBytes, long nanos) {
    return String.format(
        "%s%3d %% of %s, %s/s",
        what,
        100 * doneBytes / Math.max(1, totalBytes),
        Units.bytes(totalBytes),
        Units.bytes((long) (doneBytes * 1e9 / nanos)));
  }
}
