package io.ratissidecar.cli.cluster;

import io.ratissidecar.cli.client.Colour;
import io.ratissidecar.cli.client.NodeClient;
import io.ratissidecar.cli.client.NodeOptions;
import io.ratissidecar.cli.client.Table;
import io.ratissidecar.sidecar.membership.NodeStatus;
import io.ratissidecar.sidecar.membership.SnapshotState;
import java.io.IOException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Help.Ansi;
import picocli.CommandLine.Mixin;

/** {@code cluster status}. */
@Command(
    name = "status",
    mixinStandardHelpOptions = true,
    sortOptions = false,
    description = {
      "Asks every member how it is, shows a line for each, and says in words what is wrong.",
      "commit: how far the node knows the log to be committed; applied: how far its Redis has it;"
          + " lag: entries that its Redis is behind the leader;",
      "snapshot: entry, size and age of its newest one, or what is under way."
    },
    footer = {
      "",
      "Examples:",
      "  ratis-sidecar cluster status",
      "  ratis-sidecar cluster status --node 10.0.0.1:6380,10.0.0.2:6380 --json",
      "",
      "Exit codes: 0 all is well, 1 something is wrong, 3 no node could be reached."
    })
final class ClusterStatus implements Callable<Integer> {
  @Mixin private NodeOptions options;

  @Override
  public Integer call() throws IOException {
    NodeClient client = options.client();
    ClusterView view = ClusterView.gather(client, options.reachable());
    Diagnosis diagnosis = Diagnosis.of(view.nodes());
    options.print(json(view, diagnosis), text(view, diagnosis, Ansi.AUTO));
    return diagnosis.healthy() ? 0 : 1;
  }

  static String text(ClusterView view, Diagnosis diagnosis, Ansi ansi) {
    Table table =
        new Table(
            "id",
            "role",
            "term",
            "commit",
            "applied",
            "lag",
            "snapshot",
            "address",
            "Redis",
            "state");
    for (NodeReport node : view.nodes()) {
      table.row(style(node), cells(node, view.nodes()));
    }
    List<String> lines = new ArrayList<>(table.lines(ansi));
    lines.add("");
    diagnosis.problems().forEach(p -> lines.add(Colour.paint(ansi, "red", "Problem: ") + p));
    if (diagnosis.healthy()) {
      lines.add(Colour.paint(ansi, "green", "All is well."));
    }
    diagnosis.notes().forEach(n -> lines.add("Note: " + n));
    return String.join("\n", lines);
  }

  private static String style(NodeReport node) {
    return !node.isThere() ? "red" : node.leads() ? "green" : "";
  }

  private static String[] cells(NodeReport node, List<NodeReport> all) {
    String id = Integer.toString(node.id());
    if (!node.isThere()) {
      return new String[] {id, "not there", "-", "-", "-", "-", "-", node.address(), "-", "-"};
    }
    NodeStatus status = node.status().orElseThrow();
    return new String[] {
      id,
      status.role(),
      Long.toString(status.term()),
      Long.toString(status.commitIndex()),
      Long.toString(status.appliedIndex()),
      Long.toString(Diagnosis.lag(node, all)),
      SnapshotText.of(status.snapshot()),
      node.address(),
      status.redisAddress(),
      status.redis()
    };
  }

  static Map<String, Object> json(ClusterView view, Diagnosis diagnosis) {
    Map<String, Object> json = new LinkedHashMap<>();
    json.put("cluster", view.clusterId());
    json.put("healthy", diagnosis.healthy());
    json.put("leader", Diagnosis.leader(view.nodes()).map(NodeReport::id));
    json.put("problems", diagnosis.problems());
    json.put("notes", diagnosis.notes());
    json.put("nodes", view.nodes().stream().map(n -> json(n, view.nodes())).toList());
    return json;
  }

  private static Map<String, Object> json(SnapshotState snapshot) {
    Map<String, Object> json = new LinkedHashMap<>();
    json.put("index", snapshot.index());
    json.put("age_seconds", snapshot.ageSeconds());
    json.put("bytes", snapshot.bytes());
    json.put("activity", snapshot.activity());
    json.put("problem", snapshot.problem());
    return json;
  }

  private static Map<String, Object> json(NodeReport node, List<NodeReport> all) {
    Map<String, Object> json = new LinkedHashMap<>();
    json.put("id", node.id());
    json.put("address", node.address());
    json.put("voter", node.voter());
    json.put("reachable", node.isThere());
    if (!node.isThere()) {
      json.put("problem", node.problem());
      return json;
    }
    NodeStatus status = node.status().orElseThrow();
    json.put("role", status.role());
    json.put("term", status.term());
    json.put("commit_index", status.commitIndex());
    json.put("applied_index", status.appliedIndex());
    json.put("lag", Diagnosis.lag(node, all));
    json.put("serving", status.serving());
    json.put("redis_address", status.redisAddress());
    json.put("redis", status.redis());
    json.put("snapshot", json(status.snapshot()));
    return json;
  }
}
