package io.ratissidecar.logstore;

/**
 * Sizes of a payload log. They may change between one open and the next.
 *
 * @param segmentBytes a segment is closed before it would grow beyond this; an entry that is larger
 *     gets a segment of its own
 * @param recentBytes memory for the newest entries; 0 keeps none
 * @param preallocateBytes the active segment grows in steps of this many zero bytes, so that most
 *     flushes overwrite and need no change of size or extents (measured on ext4: 37 instead of 62
 *     microseconds); 0 turns it off
 */
public record LogOptions(long segmentBytes, long recentBytes, int preallocateBytes) {
  private static final long MIB = 1 << 20;

  /** Offsets within a segment are ints. */
  static final long MAX_SEGMENT_BYTES = 1L << 30;

  /** Checks the limits. */
  public LogOptions {
    if (segmentBytes < 1024 || segmentBytes > MAX_SEGMENT_BYTES) {
      throw new IllegalArgumentException(
          "segmentBytes " + segmentBytes + " is not in 1024.." + MAX_SEGMENT_BYTES);
    }
    if (recentBytes < 0 || preallocateBytes < 0 || preallocateBytes > 64 * MIB) {
      throw new IllegalArgumentException(
          "recentBytes " + recentBytes + " or preallocateBytes " + preallocateBytes + " is absurd");
    }
  }

  /** Segments of 64 MiB, 16 MiB of recent entries, growth by 1 MiB. */
  public static LogOptions defaults() {
    return new LogOptions(64 * MIB, 16 * MIB, (int) MIB);
  }
}
