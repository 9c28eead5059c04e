package io.ratissidecar.cli.cluster;

import io.ratissidecar.cli.client.NodeClient;
import io.ratissidecar.cli.client.NodeOptions;
import java.io.IOException;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Parameters;

/** {@code node remove}. */
@Command(
    name = "remove",
    mixinStandardHelpOptions = true,
    sortOptions = false,
    description = {
      "Removes a member; it may be down. A majority of the members must be up.",
      "Its id is never used again. To bring the machine back, give it an empty directory and let it join."
    },
    footer = {"", "Example:", "  ratis-sidecar node remove 3"})
final class NodeRemove implements Callable<Integer> {
  private static final Duration PATIENCE = Duration.ofSeconds(10);
  private static final Duration TIMEOUT = Duration.ofSeconds(60);

  @Mixin private NodeOptions options;

  @Parameters(paramLabel = "ID", description = "Id of the node; 'node list' shows them.")
  private int id;

  @Override
  public Integer call() throws IOException, InterruptedException {
    NodeClient client = options.client();
    client.askLeader(
        options.reachable(), PATIENCE, TIMEOUT, "RAFT.NODE", "REMOVE", Integer.toString(id));
    options.print(
        Map.of("removed", id),
        "Node "
            + id
            + " is no member any more. Its process can be stopped, its directory deleted.");
    return 0;
  }
}
