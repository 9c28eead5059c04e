package io.ratissidecar.sidecar.raft;

import io.ratissidecar.sidecar.config.SidecarConfig;
import java.io.File;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.apache.ratis.RaftConfigKeys;
import org.apache.ratis.conf.RaftProperties;
import org.apache.ratis.netty.NettyConfigKeys;
import org.apache.ratis.server.RaftServerConfigKeys;
import org.apache.ratis.util.SizeInBytes;
import org.apache.ratis.util.TimeDuration;

/** Every Ratis option that this project relies on, each set here with its reason. */
final class RatisSettings {
  private static final int MIB = 1 << 20;

  private RatisSettings() {}

  static RaftProperties of(SidecarConfig config) {
    RaftProperties p = new RaftProperties();
    storage(p, config);
    log(p, config);
    appender(p, config);
    timing(p, config);
    rpc(p, config);
    unused(p);
    return p;
  }

  /**
   * No entry is longer: a batch holds less than {@code batch-bytes} when the last command, of
   * {@code max-entry-bytes} at most, joins it; the rest is for what stands around the commands. A
   * leader that proposes a longer one loses its leadership.
   */
  static int entryLimitBytes(SidecarConfig config) {
    return config.maxEntryBytes() + config.batchBytes() + MIB;
  }

  private static void storage(RaftProperties p, SidecarConfig config) {
    // Both default to /tmp.
    File raft = config.dir().resolve("raft").toFile();
    RaftServerConfigKeys.setStorageDir(p, List.of(raft));
    RaftServerConfigKeys.setRemovedGroupsDir(p, config.dir().resolve("removed-groups").toFile());
  }

  private static void log(RaftProperties p, SidecarConfig config) {
    // The payload is elsewhere, so these segments hold headers only, some 10,000 in each: a purge
    // removes whole segments.
    RaftServerConfigKeys.Log.setSegmentSizeMax(p, SizeInBytes.valueOf(MIB));
    RaftServerConfigKeys.Log.setPreallocatedSize(p, SizeInBytes.valueOf(MIB));
    // Commit indexes as log entries would double the number of entries; followers learn them from
    // the next message.
    RaftServerConfigKeys.Log.setLogMetadataEnabled(p, false);
    // The payload must be on disk before the header that promises it.
    RaftServerConfigKeys.Log.StateMachineData.setSync(p, true);
    // The log store keeps recent payloads in bounded memory; without this Ratis keeps every payload
    // of the open segment.
    RaftServerConfigKeys.Log.StateMachineData.setCachingEnabled(p, true);
    RaftServerConfigKeys.Log.Appender.setBufferByteLimit(
        p, SizeInBytes.valueOf(entryLimitBytes(config)));
    // An append must fit whole into the write buffer.
    RaftServerConfigKeys.Log.setWriteBufferSize(
        p, SizeInBytes.valueOf(entryLimitBytes(config) + 64));
    // Never hand out data that may be damaged: the other policies cut acknowledged entries
    // silently.
    RaftServerConfigKeys.Log.setCorruptionPolicy(
        p, RaftServerConfigKeys.Log.CorruptionPolicy.EXCEPTION);
    // Both acknowledge before the disk does, or hide its errors.
    RaftServerConfigKeys.Log.setUnsafeFlushEnabled(p, false);
    RaftServerConfigKeys.Log.setAsyncFlushEnabled(p, false);
    RaftServerConfigKeys.Log.setSegmentCacheNumMax(p, 2);
    RaftServerConfigKeys.Log.setSegmentCacheSizeMax(p, SizeInBytes.valueOf(16 * MIB));
    // When to take a snapshot, and how far to purge behind it, is not Ratis's to decide: it counts
    // entries, not bytes.
    RaftServerConfigKeys.Log.setPurgeGap(p, 1);
    RaftServerConfigKeys.Log.setPurgePreservationLogNum(p, 0);
    RaftServerConfigKeys.Snapshot.setAutoTriggerEnabled(p, false);
    RaftServerConfigKeys.Snapshot.setTriggerWhenStopEnabled(p, false);
    RaftServerConfigKeys.Snapshot.setTriggerWhenRemoveEnabled(p, false);
  }

  private static void appender(RaftProperties p, SidecarConfig config) {
    // Measured: composing costs about half a millisecond per write.
    RaftServerConfigKeys.Log.setAppendEntriesComposeEnabled(p, false);
    // The default waits a millisecond between two messages to a follower.
    RaftServerConfigKeys.Log.Appender.setWaitTimeMin(p, TimeDuration.ZERO);
    // A follower that needs entries which are gone is told so, and fetches a snapshot by itself.
    RaftServerConfigKeys.Log.Appender.setInstallSnapshotEnabled(p, false);
    RaftServerConfigKeys.Write.setByteLimit(p, SizeInBytes.valueOf(4L * entryLimitBytes(config)));
  }

  private static void timing(RaftProperties p, SidecarConfig config) {
    // A wide window: two followers seldom stand at once, and pre-vote makes it harmless when one
    // stands for nothing. The upper end is also how long a leader may be out of touch, and machines
    // pause: it must not be short.
    long max = config.electionTimeout().toMillis();
    long min = max / 2;
    // The default of 150 to 300 ms loses leaders on a loaded machine with two cores.
    RaftServerConfigKeys.Rpc.setTimeoutMin(p, millis(min));
    RaftServerConfigKeys.Rpc.setTimeoutMax(p, millis(max));
    // A dead follower is tried again this often; the default of 25 ms keeps a core busy.
    RaftServerConfigKeys.Rpc.setSleepTime(p, millis(100));
    RaftServerConfigKeys.Rpc.setFirstElectionTimeoutMin(p, millis(min));
    RaftServerConfigKeys.Rpc.setFirstElectionTimeoutMax(p, millis(max));
    RaftServerConfigKeys.Rpc.setRequestTimeout(p, millis(Math.max(3000, 4 * max)));
    // A leader that can't reach a majority stops being one after this.
    RaftServerConfigKeys.LeaderElection.setLeaderStepDownWaitTime(p, millis(max));
    // Keeps a node that was away from unseating a healthy leader; linearizable reads count on it
    // too.
    RaftServerConfigKeys.LeaderElection.setPreVote(p, true);
    // Without a word from a newcomer for so long, adding it has failed; meanwhile no other change
    // of members is possible.
    RaftServerConfigKeys.setStagingTimeout(p, TimeDuration.valueOf(10, TimeUnit.SECONDS));
    // Batches are proposed once and never retried, so there is nothing to remember for long.
    RaftServerConfigKeys.RetryCache.setExpiryTime(p, TimeDuration.valueOf(2, TimeUnit.SECONDS));
    RaftServerConfigKeys.RetryCache.setStatisticsExpiryTime(
        p, TimeDuration.valueOf(60, TimeUnit.SECONDS));
    RaftServerConfigKeys.Read.ReadAfterWriteConsistent.setWriteIndexCacheExpiryTime(
        p, TimeDuration.valueOf(2, TimeUnit.SECONDS));
    RaftServerConfigKeys.Notification.setNoLeaderTimeout(p, millis(10 * max));
  }

  private static void rpc(RaftProperties p, SidecarConfig config) {
    // Netty is the fastest of those that come with Ratis, see docs/adr/0005.
    RaftConfigKeys.Rpc.setType(p, new NotifyingRpcType());
    NettyConfigKeys.Server.setHost(p, config.bind());
    NettyConfigKeys.Server.setPort(p, config.raftPort());
  }

  private static void unused(RaftProperties p) {
    // Clients never come through Ratis's own client protocol; its pools stay as small as they can
    // be.
    RaftServerConfigKeys.ThreadPool.setClientSize(p, 1);
    RaftServerConfigKeys.DataStream.setAsyncRequestThreadPoolSize(p, 1);
    RaftServerConfigKeys.DataStream.setAsyncWriteThreadPoolSize(p, 1);
    // Lease reads can overlap a second leader under a one-way partition; reads are confirmed by
    // ReadGate instead.
    RaftServerConfigKeys.Read.setLeaderLeaseEnabled(p, false);
  }

  private static TimeDuration millis(long millis) {
    return TimeDuration.valueOf(millis, TimeUnit.MILLISECONDS);
  }
}
