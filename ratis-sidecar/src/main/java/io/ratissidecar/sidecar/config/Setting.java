package io.ratissidecar.sidecar.config;

import java.util.Locale;

/**
 * The settings, as data: command-line flag ({@code --name}), environment ({@code
 * RATIS_SIDECAR_NAME}) and line of a properties file ({@code name=}) are all made from this list.
 */
public enum Setting {
  DIR("dir", "", "Directory of this node's files. Required."),
  ID("id", "0", "Node id, 1 to 65535; 0 lets the cluster choose one."),
  MODE(
      "mode",
      "explicit",
      "explicit: RAFT <command> is replicated; transparent: every command on data is."),
  BIND("bind", "127.0.0.1", "Address that clients and other nodes connect to."),
  PORT("port", "6380", "Port for clients, 1 to 65535."),
  ADVERTISE(
      "advertise", "", "Host that other nodes and clients are told; default: the bind address."),
  RAFT_PORT("raft-port", "0", "Port for Raft; 0: client port + 10000."),
  REDIS(
      "redis",
      "managed",
      "Local Redis: 'managed' (started and kept alive by the sidecar), host:port, or unix:/path."),
  REDIS_USER("redis-user", "", "User name for an external Redis."),
  REDIS_PASSWORD("redis-password", "", "Password for the local Redis."),
  REDIS_SERVER(
      "redis-server",
      "",
      "Program of the managed Redis, or 'bundled'; default: redis-server or valkey-server from PATH, else the bundled one."),
  REDIS_PORT(
      "redis-port", "0", "Loopback port of the managed Redis; 0: client port + 100; -1: none."),
  REDIS_APPENDONLY(
      "redis-appendonly",
      "no",
      "yes: the managed Redis also keeps an append-only file, for a quicker restart."),
  REDIS_NOTIFY_KEYSPACE_EVENTS(
      "redis-notify-keyspace-events",
      "",
      "Events of keys that the managed Redis publishes, in the letters of its notify-keyspace-events, such as Ex. What CONFIG SET changes is forgotten when that Redis ends."),
  PASSWORD("password", "", "Password that clients and other nodes must send with AUTH."),
  FOLLOWER_PROXY(
      "follower-proxy", "no", "yes: followers forward RAFT commands; no: they answer -MOVED."),
  MAX_CLIENTS("max-clients", "10000", "Client connections at the most."),
  MAX_BULK_BYTES("max-bulk-bytes", "33554432", "Longest argument, bytes."),
  MAX_ARRAY_LENGTH("max-array-length", "1048576", "Most arguments of one command."),
  QUERY_BUFFER_BYTES("query-buffer-bytes", "67108864", "Longest request, bytes."),
  OUTPUT_BUFFER_BYTES(
      "output-buffer-bytes",
      "33554432",
      "Replies that may wait for one client, bytes; a client beyond it is disconnected."),
  MAX_PENDING_COMMANDS(
      "max-pending-commands",
      "1024",
      "Commands of one client that may be under way; beyond it the sidecar stops reading from that client."),
  MAX_ENTRY_BYTES("max-entry-bytes", "16777216", "Longest RAFT command or transaction, bytes."),
  BATCH_BYTES("batch-bytes", "1048576", "Size at which a batch takes no more commands, bytes."),
  BATCHES_IN_FLIGHT(
      "batches-in-flight",
      "2",
      "Batches that may be proposed and not yet committed when they are full; others go one by one."),
  RESPONSE_TIMEOUT_MILLIS(
      "response-timeout-millis",
      "10000",
      "How long a client waits for the result of a write before it is told that it is not known."),
  READ_TIMEOUT_MILLIS(
      "read-timeout-millis",
      "3000",
      "How long a read waits for a majority to confirm the leader, and then for Redis."),
  JOIN_TIMEOUT_MILLIS("join-timeout-millis", "120000", "How long a join is tried."),
  ELECTION_TIMEOUT_MILLIS(
      "election-timeout-millis",
      "700",
      "Silence of the leader after which a follower stands for election, at the most; half of this at the least."),
  SEGMENT_BYTES("segment-bytes", "67108864", "Size of one file of the payload log."),
  LOG_CACHE_BYTES("log-cache-bytes", "16777216", "Recent entries kept in memory, bytes."),
  SNAPSHOT_LOG_BYTES(
      "snapshot-log-bytes",
      "268435456",
      "A snapshot is taken when the log has grown by this much since the last one, bytes."),
  SNAPSHOT_ENTRIES(
      "snapshot-entries",
      "200000",
      "A snapshot is taken when the log has grown by so many entries since the last one."),
  SNAPSHOT_INTERVAL_SECONDS(
      "snapshot-interval-seconds",
      "0",
      "A snapshot is taken when the last one is older than this and anything has changed, seconds; 0: never for that."),
  LOG_RETAIN_ENTRIES(
      "log-retain-entries",
      "10000",
      "Entries that stay in the log below the newest snapshot, for followers that are behind; no more than 'snapshot-log-bytes' of them."),
  SNAPSHOT_BANDWIDTH(
      "snapshot-bandwidth",
      "0",
      "What this node takes of another one's snapshot at the most, bytes per second; 0: no limit."),
  SENTINEL_MASTER_NAME(
      "sentinel-master-name",
      "mymaster",
      "How clients that find the master through sentinels call this cluster."),
  MAXMEMORY(
      "maxmemory",
      "0",
      "Memory that the leader's Redis may use, bytes; beyond it the leader refuses commands that may need more, as Redis does with OOM. 0: no limit. The same on all nodes."),
  DIGEST_INTERVAL_SECONDS(
      "digest-interval-seconds",
      "86400",
      "So often the nodes compare their data, each from a snapshot that it takes for that, seconds; 0: only when asked to by RAFT.DIGEST."),
  DIGEST_REPAIR(
      "digest-repair",
      "no",
      "yes: a node whose data differs from that of a majority replaces it by theirs; no: it says so, and is left to people."),
  REPLICATE_MODULE_COMMANDS(
      "replicate-module-commands",
      "",
      "Commands of modules that are replicated, such as BF.ADD,BF.EXISTS; you promise that each does the same on every node: no clock, no random number, no own setting, no time to live, no waiting. The same on all nodes, and the modules too.");

  /** How the names of all our environment variables begin. */
  public static final String ENVIRONMENT_PREFIX = "RATIS_SIDECAR_";

  private final String key;
  private final String defaultValue;
  private final String help;

  Setting(String key, String defaultValue, String help) {
    this.key = key;
    this.defaultValue = defaultValue;
    this.help = help;
  }

  /** The name in flags and properties files. */
  public String key() {
    return key;
  }

  /** The value when nobody sets it; empty means none. */
  public String defaultValue() {
    return defaultValue;
  }

  /** Meaning, unit and range, in one sentence. */
  public String help() {
    return help;
  }

  /** The name of the environment variable. */
  public String environmentVariable() {
    return ENVIRONMENT_PREFIX + key.replace('-', '_').toUpperCase(Locale.ROOT);
  }
}
