package io.ratissidecar.logstore;

import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;

/**
 * What a node's payload log holds, as read from its files. Indexes and terms are 0 where there is
 * no entry.
 *
 * @param identity whose log it is; empty when there is no segment to tell
 * @param formatVersion of the segments; 0 when there is none
 * @param sizeBytes of all segment files
 * @param payloadBytes of all entries
 * @param closedCleanly whether the node closed it; false after a crash or while it runs
 * @param interruptedTruncation as {@link PayloadLog#interruptedTruncation}
 * @param segments ascending
 */
public record LogSummary(
    Optional<LogIdentity> identity,
    int formatVersion,
    long firstIndex,
    long lastIndex,
    long lastTerm,
    long entryCount,
    long sizeBytes,
    long payloadBytes,
    boolean closedCleanly,
    OptionalLong interruptedTruncation,
    List<SegmentSummary> segments) {

  /** As {@link PayloadLog#startIndex}. */
  public long startIndex() {
    return segments.isEmpty() ? 1 : segments.get(0).prevIndex() + 1;
  }

  /** Copies the list. */
  public LogSummary {
    segments = List.copyOf(segments);
  }

  /**
   * One segment file.
   *
   * @param prevTerm term of the entry before this segment
   * @param prevIndex index of the entry before this segment
   */
  public record SegmentSummary(
      Path file,
      long sizeBytes,
      long prevTerm,
      long prevIndex,
      long firstIndex,
      long lastIndex,
      long entryCount) {}
}
