package io.ratissidecar.statemachine.resp;

/**
 * What one request may cost before it is refused. Announced sizes are checked before anything is
 * allocated for them.
 *
 * @param maxBulkBytes longest single argument
 * @param maxArrayElements most arguments of one request
 * @param maxInlineBytes longest inline request, and longest header line
 * @param maxRequestBytes longest whole request; clamped to 1 GiB, since offsets are ints
 */
public record RespLimits(
    int maxBulkBytes, int maxArrayElements, int maxInlineBytes, long maxRequestBytes) {
  private static final long ONE_GIB = 1L << 30;

  public RespLimits {
    if (maxBulkBytes < 0 || maxArrayElements < 1 || maxInlineBytes < 1 || maxRequestBytes < 1) {
      throw new IllegalArgumentException("limits must be positive");
    }
    maxRequestBytes = Math.min(maxRequestBytes, ONE_GIB);
  }

  /** The limits of Redis itself, with one on the whole request besides. */
  public static RespLimits defaults() {
    return new RespLimits(512 << 20, 1 << 20, 64 << 10, ONE_GIB);
  }
}
