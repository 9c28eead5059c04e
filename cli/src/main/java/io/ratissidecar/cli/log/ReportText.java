package io.ratissidecar.cli.log;

import io.ratissidecar.cli.client.Table;
import io.ratissidecar.logstore.LogReport;
import io.ratissidecar.logstore.LogReport.Damage;
import io.ratissidecar.logstore.LogSummary;
import io.ratissidecar.logstore.LogSummary.SegmentSummary;
import io.ratissidecar.snapshot.Snapshot;
import io.ratissidecar.snapshot.SnapshotManifest;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import picocli.CommandLine.Help.Ansi;

/** A report about a log, for people and for scripts. */
final class ReportText {
  private final LogReport report;
  private final LogSummary summary;
  private final List<Snapshot> snapshots;

  /**
   * @param snapshots the newest first
   */
  ReportText(LogReport report, List<Snapshot> snapshots) {
    this.report = report;
    this.summary = report.summary();
    this.snapshots = snapshots;
  }

  /** What is there. */
  String summary(Ansi ansi) {
    List<String> lines = new ArrayList<>();
    lines.add("cluster   " + summary.identity().map(id -> id.clusterId()).orElse("none"));
    lines.add(
        "node      " + summary.identity().map(id -> Integer.toString(id.nodeId())).orElse("none"));
    lines.add("format    version " + summary.formatVersion());
    lines.add(
        summary.entryCount() == 0
            ? "entries   none"
            : format(
                "entries   %,d, index %,d to %,d, last term %,d",
                summary.entryCount(),
                summary.firstIndex(),
                summary.lastIndex(),
                summary.lastTerm()));
    if (summary.startIndex() > 1) {
      lines.add(format("cut       before index %,d", summary.startIndex()));
    }
    lines.add(
        format(
            "size      %,d bytes, of them %,d of commands; segment files: %d",
            summary.sizeBytes(), summary.payloadBytes(), summary.segments().size()));
    lines.add(
        "closed    " + (summary.closedCleanly() ? "cleanly" : "not cleanly: a crash, or kill -9"));
    summary
        .interruptedTruncation()
        .ifPresent(
            i -> lines.add("truncated from index " + i + ", to be finished at the next start"));
    if (!summary.segments().isEmpty()) {
      lines.add("");
      lines.addAll(segments(ansi));
    }
    if (!snapshots.isEmpty()) {
      lines.add("");
      lines.addAll(snapshots(ansi));
    }
    return String.join("\n", lines);
  }

  private List<String> snapshots(Ansi ansi) {
    Table table = new Table("snapshot of entry", "term", "time", "bytes");
    for (Snapshot snapshot : snapshots) {
      SnapshotManifest m = snapshot.manifest();
      table.row(
          "",
          Long.toString(m.index()),
          Long.toString(m.term()),
          m.time().toString(),
          Long.toString(m.rdbBytes()));
    }
    return table.lines(ansi);
  }

  private List<String> segments(Ansi ansi) {
    Table table = new Table("file", "first", "last", "entries", "bytes");
    for (SegmentSummary s : summary.segments()) {
      table.row(
          "",
          s.file().getFileName().toString(),
          Long.toString(s.firstIndex()),
          Long.toString(s.lastIndex()),
          Long.toString(s.entryCount()),
          Long.toString(s.sizeBytes()));
    }
    return table.lines(ansi);
  }

  /** What is wrong, and what that means; {@code soundness} says what was found sound. */
  static String verdict(List<Damage> damages, List<Damage> tornEnds, String soundness) {
    List<String> lines = new ArrayList<>();
    damages.forEach(d -> lines.add("damage: " + describe(d)));
    tornEnds.forEach(
        d ->
            lines.add(
                "torn end: "
                    + describe(d)
                    + " (harmless: never acknowledged, cut at the next start)"));
    if (damages.isEmpty()) {
      lines.add(soundness);
    } else {
      int count = damages.size();
      lines.add("The log is damaged in " + (count == 1 ? "one place" : count + " places") + ".");
      lines.add(
          "The node can't go on with it. Remove the node from its cluster and let it join again"
              + " with an empty directory and under a new id, or restore the directory from a backup.");
    }
    return String.join("\n", lines);
  }

  /** The verdict on the payload log alone. */
  String verdict() {
    return verdict(
        report.damages(), report.tornTail().stream().toList(), "The payload log is sound.");
  }

  private static String describe(Damage d) {
    return d.file() + " at byte " + d.offset() + ", index " + d.index() + " or later: " + d.what();
  }

  Map<String, Object> json() {
    Map<String, Object> json = new LinkedHashMap<>();
    json.put("sound", report.sound());
    json.put("cluster", summary.identity().map(id -> id.clusterId()));
    json.put("node", summary.identity().map(id -> id.nodeId()));
    json.put("format_version", summary.formatVersion());
    json.put("start_index", summary.startIndex());
    json.put("first_index", summary.firstIndex());
    json.put("last_index", summary.lastIndex());
    json.put("last_term", summary.lastTerm());
    json.put("entries", summary.entryCount());
    json.put("size_bytes", summary.sizeBytes());
    json.put("payload_bytes", summary.payloadBytes());
    json.put("closed_cleanly", summary.closedCleanly());
    json.put(
        "truncated_from",
        summary.interruptedTruncation().isPresent()
            ? summary.interruptedTruncation().getAsLong()
            : null);
    json.put("segments", summary.segments().stream().map(ReportText::json).toList());
    json.put("snapshots", snapshots.stream().map(s -> json(s.manifest())).toList());
    json.put("damages", report.damages().stream().map(ReportText::json).toList());
    json.put("torn_end", report.tornTail().map(ReportText::json));
    return json;
  }

  private static Map<String, Object> json(SegmentSummary segment) {
    Map<String, Object> json = new LinkedHashMap<>();
    json.put("file", segment.file().getFileName());
    json.put("first_index", segment.firstIndex());
    json.put("last_index", segment.lastIndex());
    json.put("entries", segment.entryCount());
    json.put("size_bytes", segment.sizeBytes());
    return json;
  }

  private static Map<String, Object> json(SnapshotManifest manifest) {
    Map<String, Object> json = new LinkedHashMap<>();
    json.put("index", manifest.index());
    json.put("term", manifest.term());
    json.put("time", manifest.time());
    json.put("bytes", manifest.rdbBytes());
    return json;
  }

  static Map<String, Object> json(Damage damage) {
    Map<String, Object> json = new LinkedHashMap<>();
    json.put("file", damage.file());
    json.put("offset", damage.offset());
    json.put("index", damage.index());
    json.put("what", damage.what());
    return json;
  }

  static String format(String format, Object... values) {
    return String.format(Locale.ROOT, format, values);
  }
}
