package io.ratissidecar.sidecar.config;

import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * One node's settings, checked. See {@link Setting} for meaning, unit and range of each.
 *
 * @param bind a name or number of this machine; 0.0.0.0 also when {@code *} was set
 * @param advertise host that others are told
 * @param redisServer program of the managed Redis, empty to look for one
 * @param password what clients must send, empty when nothing is asked of them
 * @param snapshotBandwidth bytes per second, 0 for no limit
 * @param maxMemory bytes, 0 for no limit
 * @param digestInterval zero for never
 * @param digestRepair whether a node takes a majority's data when its own differs
 * @param replicatedModuleCommands names in lower case
 */
public record SidecarConfig(
    Path dir,
    int id,
    Mode mode,
    String bind,
    int port,
    String advertise,
    int raftPort,
    RedisTarget redis,
    Optional<String> redisServer,
    int managedRedisPort,
    boolean redisAppendOnly,
    String redisNotifyKeyspaceEvents,
    Optional<String> password,
    boolean followerProxy,
    int maxClients,
    int maxBulkBytes,
    int maxArrayLength,
    int queryBufferBytes,
    long outputBufferBytes,
    int maxPendingCommands,
    int maxEntryBytes,
    int batchBytes,
    int batchesInFlight,
    Duration responseTimeout,
    Duration readTimeout,
    Duration joinTimeout,
    Duration electionTimeout,
    long segmentBytes,
    long logCacheBytes,
    long snapshotLogBytes,
    long snapshotEntries,
    Duration snapshotInterval,
    long logRetainEntries,
    long snapshotBandwidth,
    String sentinelMasterName,
    long maxMemory,
    Duration digestInterval,
    boolean digestRepair,
    Set<String> replicatedModuleCommands) {
  /** What a node needs besides entries, and how often it may hold the longest one at once. */
  private static final int HEAP_BYTES = 32 << 20;

  private static final int ENTRIES_IN_HEAP = 7;

  /**
   * Reads and checks the settings.
   *
   * @param values by {@link Setting#key}; what is missing has its default
   * @throws InvalidSettingException for an unknown name or a value out of range
   */
  public static SidecarConfig of(Map<String, String> values) {
    SettingReader in = new SettingReader(values);
    String dir = in.text(Setting.DIR);
    if (dir.isEmpty()) {
      throw new InvalidSettingException("'dir' must be set: the directory for this node's files");
    }
    int port = in.integer(Setting.PORT, 1, 65535);
    int raftPort = in.integer(Setting.RAFT_PORT, 0, 65535);
    if (raftPort == 0) {
      raftPort = port + 10000;
      if (raftPort > 65535) {
        throw new InvalidSettingException(
            "'raft-port' must be set, since 'port' + 10000 = " + raftPort + " is not a port");
      }
    }
    int redisPort = in.integer(Setting.REDIS_PORT, -1, 65535);
    String bind = in.text(Setting.BIND);
    String advertise = in.text(Setting.ADVERTISE);
    if (advertise.isEmpty() && (bind.equals("0.0.0.0") || bind.equals("::") || bind.equals("*"))) {
      throw new InvalidSettingException(
          "'advertise' must be set when 'bind' is "
              + bind
              + ": other nodes need a host to connect to");
    }
    int maxEntryBytes = in.integer(Setting.MAX_ENTRY_BYTES, 1024, 256 << 20);
    return new SidecarConfig(
        Path.of(dir).toAbsolutePath().normalize(),
        in.integer(Setting.ID, 0, 65535),
        in.constant(Setting.MODE, Mode.class),
        bind.equals("*") ? "0.0.0.0" : bind,
        port,
        advertise.isEmpty() ? bind : advertise,
        raftPort,
        RedisTarget.parse(
            in.text(Setting.REDIS),
            in.optional(Setting.REDIS_USER),
            in.optional(Setting.REDIS_PASSWORD)),
        in.optional(Setting.REDIS_SERVER),
        redisPort == 0 ? port + 100 : redisPort,
        in.yesNo(Setting.REDIS_APPENDONLY),
        in.letters(Setting.REDIS_NOTIFY_KEYSPACE_EVENTS, "KEg$lshzxetdmnA"),
        in.optional(Setting.PASSWORD),
        in.yesNo(Setting.FOLLOWER_PROXY),
        in.integer(Setting.MAX_CLIENTS, 1, 1_000_000),
        in.integer(Setting.MAX_BULK_BYTES, 1024, 512 << 20),
        in.integer(Setting.MAX_ARRAY_LENGTH, 16, 1 << 20),
        in.integer(Setting.QUERY_BUFFER_BYTES, 4096, 1 << 30),
        in.number(Setting.OUTPUT_BUFFER_BYTES, 65536, Long.MAX_VALUE),
        in.integer(Setting.MAX_PENDING_COMMANDS, 1, 1 << 20),
        maxEntryBytes,
        in.integer(Setting.BATCH_BYTES, 1024, maxEntryBytes),
        in.integer(Setting.BATCHES_IN_FLIGHT, 1, 1024),
        in.millis(Setting.RESPONSE_TIMEOUT_MILLIS, 100, 600_000),
        in.millis(Setting.READ_TIMEOUT_MILLIS, 100, 600_000),
        in.millis(Setting.JOIN_TIMEOUT_MILLIS, 1000, 3_600_000),
        in.millis(Setting.ELECTION_TIMEOUT_MILLIS, 100, 60_000),
        in.number(Setting.SEGMENT_BYTES, 1 << 20, 1L << 30),
        in.number(Setting.LOG_CACHE_BYTES, 1 << 20, 1L << 32),
        in.number(Setting.SNAPSHOT_LOG_BYTES, 1 << 16, 1L << 40),
        in.number(Setting.SNAPSHOT_ENTRIES, 1, 1L << 30),
        Duration.ofSeconds(in.number(Setting.SNAPSHOT_INTERVAL_SECONDS, 0, 366L * 86400)),
        in.number(Setting.LOG_RETAIN_ENTRIES, 0, 1L << 30),
        in.number(Setting.SNAPSHOT_BANDWIDTH, 0, 1L << 40),
        in.text(Setting.SENTINEL_MASTER_NAME),
        in.number(Setting.MAXMEMORY, 0, 1L << 50),
        Duration.ofSeconds(in.number(Setting.DIGEST_INTERVAL_SECONDS, 0, 366L * 86400)),
        in.yesNo(Setting.DIGEST_REPAIR),
        in.words(Setting.REPLICATE_MODULE_COMMANDS));
  }

  /**
   * Checks that Java may use enough memory for the longest command: every node, and the leader most
   * of all, holds it several times on its way. Measured with commands of 33 MB: a leader ends with
   * a heap of 224 MB, and lives with 256 MB.
   *
   * @param heapBytes what Java may use at the most
   * @throws InvalidSettingException if that is too little
   */
  public void checkHeap(long heapBytes) {
    long needed = HEAP_BYTES + (long) ENTRIES_IN_HEAP * maxEntryBytes;
    if (heapBytes < needed) {
      throw new InvalidSettingException(
          String.format(
              "'max-entry-bytes' %d needs a Java heap of %d MB, this one has %d MB:"
                  + " start Java with -Xmx%dm (RATIS_SIDECAR_JAVA_OPTS), or set it lower",
              maxEntryBytes, megabytes(needed), heapBytes >> 20, megabytes(needed)));
    }
  }

  /** Rounded up, with what Java keeps of a heap for itself. */
  private static long megabytes(long bytes) {
    return (bytes + bytes / 16 >> 20) + 1;
  }

  /** {@code host:port} that clients and other nodes are told. */
  public String clientAddress() {
    return advertise + ":" + port;
  }

  /** {@code host:port} that other nodes' Raft connects to. */
  public String raftAddress() {
    return advertise + ":" + raftPort;
  }
}
