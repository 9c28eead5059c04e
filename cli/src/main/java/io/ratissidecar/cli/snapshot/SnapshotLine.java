package io.ratissidecar.cli.snapshot;

import io.ratissidecar.cli.client.Units;
import io.ratissidecar.statemachine.resp.RespValue;
import java.time.Duration;
import java.time.Instant;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * A snapshot as a node describes it.
 *
 * @param index the entry whose state it is
 * @param path of the RDB on the node's machine
 */
record SnapshotLine(
    long index,
    long term,
    Instant time,
    long bytes,
    String sha256,
    String redisVersion,
    String path) {

  /**
   * Reads names and values; unknown names are ignored.
   *
   * @throws IllegalArgumentException when it is something else
   */
  static SnapshotLine parse(RespValue reply) {
    List<RespValue> items = reply.asList();
    Map<String, String> fields = new LinkedHashMap<>();
    for (int i = 0; i + 1 < items.size(); i += 2) {
      fields.put(items.get(i).asString(), items.get(i + 1).asString());
    }
    return new SnapshotLine(
        Long.parseLong(fields.getOrDefault("index", "0")),
        Long.parseLong(fields.getOrDefault("term", "0")),
        Instant.parse(fields.getOrDefault("time", Instant.EPOCH.toString())),
        Long.parseLong(fields.getOrDefault("bytes", "0")),
        fields.getOrDefault("sha256", ""),
        fields.getOrDefault("redis-version", ""),
        fields.getOrDefault("path", ""));
  }

  Map<String, Object> json() {
    Map<String, Object> json = new LinkedHashMap<>();
    json.put("index", index);
    json.put("term", term);
    json.put("time", time.toString());
    json.put("bytes", bytes);
    json.put("sha256", sha256);
    json.put("redis_version", redisVersion);
    json.put("path", path);
    return json;
  }

  /** Cells of a table. */
  String[] cells(Instant now) {
    return new String[] {
      Long.toString(index),
      Long.toString(term),
      Units.bytes(bytes),
      Units.age(Math.max(0, Duration.between(time, now).toSeconds())) + " ago",
      redisVersion,
      path
    };
  }
}
