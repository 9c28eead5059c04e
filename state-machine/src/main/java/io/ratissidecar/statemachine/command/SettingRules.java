package io.ratissidecar.statemachine.command;

import io.ratissidecar.statemachine.resp.Request;
import java.util.HashSet;
import java.util.Locale;
import java.util.Map;
import java.util.Set;

/**
 * Which settings of one node's Redis a client may change: those that neither the data nor any reply
 * to a replicated command can depend on, and that can't cut the sidecar off. A setting that is not
 * known here might be one of the others.
 */
final class SettingRules {
  /** How values are kept in memory. */
  private static final Set<String> ENCODING =
      Set.of(
          "hash-max-listpack-entries",
          "hash-max-listpack-value",
          "hash-max-ziplist-entries",
          "hash-max-ziplist-value",
          "list-compress-depth",
          "list-max-listpack-size",
          "list-max-ziplist-size",
          "set-max-intset-entries",
          "set-max-listpack-entries",
          "set-max-listpack-value",
          "stream-node-max-bytes",
          "stream-node-max-entries", // what ~ trims is reckoned with the leader's
          "zset-max-listpack-entries",
          "zset-max-listpack-value",
          "zset-max-ziplist-entries",
          "zset-max-ziplist-value");

  /** What the node tells of itself, and to whom. */
  private static final Set<String> OBSERVATION =
      Set.of(
          "acllog-max-len",
          "busy-reply-threshold",
          "latency-monitor-threshold",
          "latency-tracking",
          "latency-tracking-info-percentiles",
          "loglevel",
          "lua-time-limit",
          "notify-keyspace-events",
          "slowlog-log-slower-than",
          "slowlog-max-len",
          "tracking-table-max-keys");

  /** What it does beside its commands. */
  private static final Set<String> HOUSEKEEPING =
      Set.of(
          "active-defrag-cycle-max",
          "active-defrag-cycle-min",
          "active-defrag-ignore-bytes",
          "active-defrag-max-scan-fields",
          "active-defrag-threshold-lower",
          "active-defrag-threshold-upper",
          "activedefrag",
          "activerehashing",
          "dynamic-hz",
          "hz",
          "lazyfree-lazy-expire",
          "lazyfree-lazy-server-del",
          "lazyfree-lazy-user-del",
          "lazyfree-lazy-user-flush");

  /**
   * The only values that are allowed: those that every node's Redis has anyway, and no saving. The
   * log is what lasts; files of Redis's own may be in the way of its snapshots.
   */
  private static final Map<String, String> ALLOWED =
      Map.of("hll-sparse-max-bytes", "3000", "maxmemory", "0", "save", "");

  private SettingRules() {}

  /** {@code CONFIG SET name value …}; Redis itself says that a value is missing. */
  static Plan configSet(Request r, int name) {
    if (isWrongAnyway(r, name)) {
      return null;
    }
    for (int i = name + 2; i < r.argCount(); i += 2) {
      String setting = r.argString(i).toLowerCase(Locale.ROOT);
      boolean harmless =
          ENCODING.contains(setting)
              || OBSERVATION.contains(setting)
              || HOUSEKEEPING.contains(setting)
              || isAllowed(r, i, setting);
      if (!harmless) {
        return new Plan.Refused(
            "ERR CONFIG SET is refused: replication may depend on '"
                + setting.replaceAll("[\\r\\n]", " ")
                + "'; change it in the configuration of local Redis, on all nodes");
      }
    }
    return null;
  }

  /** What no Redis does, so that it may say why. */
  private static boolean isWrongAnyway(Request r, int name) {
    Set<String> names = new HashSet<>();
    for (int i = name + 2; i < r.argCount(); i += 2) {
      if (!names.add(r.argString(i).toLowerCase(Locale.ROOT))) {
        return true;
      }
    }
    return names.contains("daemonize");
  }

  private static boolean isAllowed(Request r, int i, String setting) {
    String allowed = ALLOWED.get(setting);
    return allowed != null && i + 1 < r.argCount() && r.argString(i + 1).equals(allowed);
  }
}
