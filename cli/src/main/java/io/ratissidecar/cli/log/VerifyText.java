package io.ratissidecar.cli.log;

import io.ratissidecar.logstore.LogReport;
import io.ratissidecar.logstore.LogReport.Damage;
import io.ratissidecar.sidecar.raft.RaftLogVerifier;
import io.ratissidecar.snapshot.Snapshot;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;

/** What was found in both logs of a node, for people and for scripts. */
final class VerifyText {
  private final LogReport payload;
  private final RaftLogVerifier.Result raft;
  private final List<Snapshot> snapshots;
  private final List<Damage> damages;

  /**
   * @param snapshots the newest first
   */
  VerifyText(LogReport payload, RaftLogVerifier.Result raft, List<Snapshot> snapshots) {
    this.payload = payload;
    this.raft = raft;
    this.snapshots = snapshots;
    this.damages = Stream.concat(payload.damages().stream(), raft.damages().stream()).toList();
  }

  /** Whether a node can go on with these files and still has every entry. */
  boolean sound() {
    return damages.isEmpty() && !lacksRaftLog();
  }

  /** Behind a snapshot that has just come from another node there is nothing in it yet. */
  private boolean lacksRaftLog() {
    return payload.summary().lastIndex() > snapshotIndex() && raft.entries() == 0;
  }

  private long snapshotIndex() {
    return snapshots.isEmpty() ? 0 : snapshots.get(0).manifest().index();
  }

  String verdict() {
    List<Damage> torn =
        Stream.of(payload.tornTail(), raft.tornEnd()).flatMap(Optional::stream).toList();
    return ReportText.verdict(damages, torn, soundness() + nextStart());
  }

  /** What the node does about its logs before it goes on. */
  private String nextStart() {
    StringBuilder text = new StringBuilder();
    if (raft.purged() > 0) {
      text.append(
          ReportText.format(
              "\nThe next start deletes %,d of Raft's segments, which an interrupted purge has left.",
              raft.purged()));
    }
    if (raft.superseded()) {
      text.append(
          ReportText.format(
              "\nThe next start drops the log and goes on behind the snapshot of entry %,d, which"
                  + " has come from another node.",
              snapshotIndex()));
    } else if (payload.summary().startIndex() > 1) {
      text.append(
          ReportText.format("\nIt goes on from the snapshot of entry %,d.", snapshotIndex()));
    }
    return text.toString();
  }

  private String soundness() {
    long entries = payload.summary().entryCount();
    return lacksRaftLog()
        ? ReportText.format(
            "The payload log is sound: %,d entries were read and checked. But there is no Raft log"
                + " beside it, without which a node would cut them all. Do not start the node; restore"
                + " the whole directory, or remove the node and join it again under a new id.",
            entries)
        : ReportText.format(
            "The log is sound: %,d entries were read and checked, and %,d of Raft's own log.",
            entries, raft.entries());
  }

  Map<String, Object> json() {
    Map<String, Object> json = new ReportText(payload, snapshots).json();
    json.put("sound", sound());
    json.put("damages", damages.stream().map(ReportText::json).toList());
    json.put("raft_entries", raft.entries());
    json.put("raft_torn_end", raft.tornEnd().map(ReportText::json));
    json.put("raft_purged_segments", raft.purged());
    json.put("superseded", raft.superseded());
    return json;
  }
}
