package io.ratissidecar.sidecar.membership;

import java.util.Map;

/**
 * What a node says of its snapshots.
 *
 * @param index of the newest; 0 when it has none
 * @param ageSeconds how long ago that was taken, by the node's own clock
 * @param bytes of its RDB
 * @param activity what is under way, in words; empty when nothing is
 * @param problem why the last one could not be taken; empty when it could
 */
public record SnapshotState(
    long index, long ageSeconds, long bytes, String activity, String problem) {

  /** A node that has none and takes none. */
  public static final SnapshotState NONE = new SnapshotState(0, 0, 0, "", "");

  void addTo(Map<String, String> fields) {
    fields.put("snapshot-index", Long.toString(index));
    fields.put("snapshot-age", Long.toString(ageSeconds));
    fields.put("snapshot-bytes", Long.toString(bytes));
    fields.put("snapshot-activity", activity);
    fields.put("snapshot-problem", problem);
  }

  static SnapshotState of(Map<String, String> fields) {
    return new SnapshotState(
        Long.parseLong(fields.getOrDefault("snapshot-index", "0")),
        Long.parseLong(fields.getOrDefault("snapshot-age", "0")),
        Long.parseLong(fields.getOrDefault("snapshot-bytes", "0")),
        fields.getOrDefault("snapshot-activity", ""),
        fields.getOrDefault("snapshot-problem", ""));
  }
}
