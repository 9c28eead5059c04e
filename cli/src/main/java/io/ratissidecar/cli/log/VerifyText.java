package io.ratissidecar.cli.log;

import io.ratissidecar.logstore.LogReport;
import io.ratissidecar.logstore.LogReport.Damage;
import io.ratissidecar.sidecar.raft.RaftLogVerifier;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;

/** What was found in both logs of a node, for people and for scripts. */
final class VerifyText {
  private final LogReport payload;
  private final RaftLogVerifier.Result raft;
  private final List<Damage> damages;

  VerifyText(LogReport payload, RaftLogVerifier.Result raft) {
    this.payload = payload;
    this.raft = raft;
    this.damages = Stream.concat(payload.damages().stream(), raft.damages().stream()).toList();
  }

  /** Whether a node can go on with these files and still has every entry. */
  boolean sound() {
    return damages.isEmpty() && !lacksRaftLog();
  }

  private boolean lacksRaftLog() {
    return payload.summary().entryCount() > 0 && raft.entries() == 0;
  }

  String verdict() {
    List<Damage> torn =
        Stream.of(payload.tornTail(), raft.tornEnd()).flatMap(Optional::stream).toList();
    return ReportText.verdict(damages, torn, soundness());
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
    Map<String, Object> json = new ReportText(payload).json();
    json.put("sound", sound());
    json.put("damages", damages.stream().map(ReportText::json).toList());
    json.put("raft_entries", raft.entries());
    json.put("raft_torn_end", raft.tornEnd().map(ReportText::json));
    return json;
  }
}
