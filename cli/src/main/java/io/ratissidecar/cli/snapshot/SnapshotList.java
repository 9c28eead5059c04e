package io.ratissidecar.cli.snapshot;

import io.ratissidecar.cli.client.NodeOptions;
import io.ratissidecar.cli.client.Table;
import java.io.IOException;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Help.Ansi;
import picocli.CommandLine.Mixin;

/** {@code snapshot list}. */
@Command(
    name = "list",
    mixinStandardHelpOptions = true,
    sortOptions = false,
    description = "Lists the snapshots that a node has, the newest first.",
    footer = {"", "Example:", "  ratis-sidecar snapshot list --node 10.0.0.1:6380"})
final class SnapshotList implements Callable<Integer> {
  private static final Duration TIMEOUT = Duration.ofSeconds(5);

  @Mixin private NodeOptions options;

  @Override
  public Integer call() throws IOException {
    List<SnapshotLine> all =
        options
            .client()
            .demand(options.reachable(), TIMEOUT, "RAFT.SNAPSHOT", "LIST")
            .asList()
            .stream()
            .map(SnapshotLine::parse)
            .toList();
    options.print(Map.of("snapshots", all.stream().map(SnapshotLine::json).toList()), text(all));
    return 0;
  }

  private static String text(List<SnapshotLine> all) {
    if (all.isEmpty()) {
      return "The node has no snapshot yet. Take one: ratis-sidecar snapshot take";
    }
    Table table = new Table("entry", "term", "size", "taken", "Redis", "file");
    Instant now = Instant.now();
    all.forEach(line -> table.row("", line.cells(now)));
    return String.join("\n", table.lines(Ansi.AUTO));
  }
}
