package io.ratissidecar.cli.snapshot;

import io.ratissidecar.cli.client.NodeClient;
import io.ratissidecar.cli.client.NodeOptions;
import io.ratissidecar.cli.client.Units;
import java.io.IOException;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;

/** {@code snapshot take}. */
@Command(
    name = "take",
    mixinStandardHelpOptions = true,
    sortOptions = false,
    description = {
      "Has a node take a snapshot now, and waits for it. Any node can, followers too.",
      "Writes go on meanwhile, but for the moment in which its Redis forks."
    },
    footer = {"", "Example:", "  ratis-sidecar snapshot take --node 10.0.0.2:6380"})
final class SnapshotTake implements Callable<Integer> {
  @Mixin private NodeOptions options;

  @Override
  public Integer call() throws IOException {
    NodeClient client = options.client();
    String node = options.reachable();
    SnapshotLine taken = take(client, node, options);
    options.print(
        taken.json(),
        "Snapshot of entry "
            + taken.index()
            + " ("
            + Units.bytes(taken.bytes())
            + ") at node "
            + node
            + ": "
            + taken.path());
    return 0;
  }

  static SnapshotLine take(NodeClient client, String node, NodeOptions options) throws IOException {
    NodeActivity activity = new NodeActivity(client, node, options.progress());
    return SnapshotLine.parse(
        activity.during(() -> client.demand(node, NodeActivity.LONG, "RAFT.SNAPSHOT")));
  }
}
