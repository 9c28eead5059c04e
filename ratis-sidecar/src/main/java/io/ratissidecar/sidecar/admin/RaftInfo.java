package io.ratissidecar.sidecar.admin;

import io.ratissidecar.logstore.LogStatistics;
import io.ratissidecar.logstore.PayloadLog;
import io.ratissidecar.sidecar.digest.Comparison;
import io.ratissidecar.sidecar.digest.Digests;
import io.ratissidecar.sidecar.membership.LinkReport;
import io.ratissidecar.sidecar.membership.Membership;
import io.ratissidecar.sidecar.raft.Member;
import io.ratissidecar.sidecar.raft.RaftNode;
import io.ratissidecar.sidecar.raft.Replication;
import io.ratissidecar.sidecar.session.SessionRegistry;
import io.ratissidecar.sidecar.snapshot.SnapshotReport;
import io.ratissidecar.sidecar.snapshot.Snapshots;
import io.ratissidecar.snapshot.SnapshotManifest;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;

/** The text of {@code INFO raft}. */
public final class RaftInfo {
  private final Membership membership;
  private final Snapshots snapshots;
  private final Digests digests;
  private final SessionRegistry sessions;
  private final String version;

  public RaftInfo(
      Membership membership,
      Snapshots snapshots,
      Digests digests,
      SessionRegistry sessions,
      String version) {
    this.membership = membership;
    this.snapshots = snapshots;
    this.digests = digests;
    this.sessions = sessions;
    this.version = version;
  }

  /** One field a line, in the form of Redis's own {@code INFO}. */
  public String text() {
    StringBuilder out = new StringBuilder("# Raft\r\n");
    field(out, "raft_version", version);
    Optional<Replication> replication = membership.replication();
    field(out, "raft_dbid", membership.clusterId());
    field(out, "raft_node_id", membership.nodeId());
    field(
        out,
        "raft_state",
        replication.isPresent()
            ? "up"
            : membership.status().role().equals("removed") ? "removed" : "uninitialized");
    replication.ifPresent(r -> cluster(out, r));
    field(out, "raft_num_sessions", sessions.count());
    field(out, "raft_proxy_reqs", sessions.commandsProxied());
    field(out, "raft_proxy_failed_reqs", sessions.proxyFailures());
    field(out, "raft_proxy_outstanding_reqs", sessions.proxyOutstanding());
    field(out, "raft_exec_throttled", sessions.commandsThrottled());
    field(out, "raft_local_redis", membership.status().redis());
    return out.toString();
  }

  private void cluster(StringBuilder out, Replication replication) {
    RaftNode raft = replication.raft();
    List<Member> members = raft.group().members();
    field(out, "raft_role", raft.group().role());
    field(
        out,
        "raft_is_voting",
        raft.group().member(membership.nodeId()).map(m -> m.voter() ? "yes" : "no").orElse("no"));
    field(out, "raft_voted_for", raft.group().votedFor() == 0 ? -1 : raft.group().votedFor());
    field(out, "raft_leader_id", raft.group().leader().map(Member::id).orElse(-1));
    field(out, "raft_current_term", raft.group().term());
    field(out, "raft_num_nodes", members.size());
    field(out, "raft_num_voting_nodes", members.stream().filter(Member::voter).count());
    Map<Integer, Long> silence = raft.group().silenceMillis();
    int i = 1;
    for (Member member : members) {
      field(out, "raft_node" + i++, node(member, silence.get(member.id())));
    }
    PayloadLog log = raft.payload();
    field(out, "raft_log_entries", log.entryCount());
    field(out, "raft_current_index", raft.group().lastIndex());
    field(out, "raft_commit_index", raft.group().commitIndex());
    field(out, "raft_last_applied_index", replication.applier().appliedIndex());
    field(out, "raft_file_size", log.sizeBytes());
    LogStatistics statistics = log.statistics();
    field(out, "raft_cache_memory_size", statistics.recentBytes());
    field(out, "raft_cache_entries", statistics.recentEntries());
    field(out, "raft_fsync_count", statistics.syncs());
    field(out, "raft_fsync_max_microseconds", statistics.longestSyncMicros());
    field(out, "raft_fsync_avg_microseconds", statistics.averageSyncMicros());
    snapshots(out, snapshots.report());
    Optional<Comparison> last = digests.last();
    field(out, "raft_digest_idx", last.map(Comparison::index).orElse(0L));
    field(
        out,
        "raft_digest_verdict",
        last.map(c -> c.verdict().name().toLowerCase(Locale.ROOT)).orElse("none"));
    field(out, "raft_digest_alarm", digests.isAlarm() ? 1 : 0);
  }

  private static void snapshots(StringBuilder out, SnapshotReport report) {
    Optional<SnapshotManifest> latest = report.latest();
    field(out, "raft_snapshot_last_idx", latest.map(SnapshotManifest::index).orElse(0L));
    field(out, "raft_snapshot_last_term", latest.map(SnapshotManifest::term).orElse(0L));
    field(out, "raft_snapshot_size", latest.map(SnapshotManifest::rdbBytes).orElse(0L));
    field(out, "raft_snapshot_time_secs", latest.map(m -> m.time().getEpochSecond()).orElse(0L));
    field(out, "raft_snapshots_created", report.created());
    field(out, "raft_snapshots_received", report.received());
    field(out, "raft_snapshots_failed", report.failed());
    field(out, "raft_snapshot_in_progress", report.inProgress() ? "yes" : "no");
    field(out, "raft_snapshot_last_duration_ms", report.lastNanos() / 1_000_000);
    field(out, "raft_snapshot_last_pause_microseconds", report.lastPauseNanos() / 1000);
  }

  /**
   * @param silenceMillis since its last answer to this node; null unless this node leads
   */
  private String node(Member member, Long silenceMillis) {
    StringBuilder out = new StringBuilder();
    out.append("id=").append(member.id());
    if (member.id() != membership.nodeId()) {
      out.append(",state=").append(membership.link(member).state());
    }
    out.append(",voting=").append(member.voter() ? "yes" : "no");
    out.append(",addr=").append(member.host()).append(",port=").append(member.port());
    if (silenceMillis != null) {
      out.append(",last_conn_secs=").append(silenceMillis / 1000);
    }
    if (member.id() != membership.nodeId()) {
      LinkReport link = membership.link(member);
      out.append(",conn_errors=").append(link.failed()).append(",conn_oks=").append(link.opened());
    }
    return out.toString();
  }

  private static void field(StringBuilder out, String name, Object value) {
    out.append(name).append(':').append(value).append("\r\n");
  }
}
