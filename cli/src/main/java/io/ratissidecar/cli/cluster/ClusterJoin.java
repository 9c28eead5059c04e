package io.ratissidecar.cli.cluster;

import io.ratissidecar.cli.client.HostPortConverter;
import io.ratissidecar.cli.client.NodeClient;
import io.ratissidecar.cli.client.NodeOptions;
import io.ratissidecar.cli.client.Progress;
import io.ratissidecar.sidecar.config.HostPort;
import io.ratissidecar.sidecar.membership.NodeStatus;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code cluster join}. */
@Command(
    name = "join",
    mixinStandardHelpOptions = true,
    sortOptions = false,
    description = {
      "Lets the node named with --node join a cluster, and waits until it votes there.",
      "It starts as a learner, catches up, and becomes a voter by itself. Repeating it is safe."
    },
    footer = {
      "",
      "Examples:",
      "  ratis-sidecar cluster join --node 10.0.0.2:6380 10.0.0.1:6380",
      "  ratis-sidecar cluster join --node 10.0.0.4:6380 10.0.0.1:6380 10.0.0.2:6380"
    })
final class ClusterJoin implements Callable<Integer> {
  @Mixin private NodeOptions options;

  @Parameters(
      paramLabel = "HOST:PORT",
      arity = "1..*",
      converter = HostPortConverter.class,
      description = "Nodes of the cluster; one that can be reached is enough.")
  private List<HostPort> members;

  @Option(
      names = "--timeout",
      paramLabel = "SECONDS",
      defaultValue = "120",
      description = "How long to wait. Default: ${DEFAULT-VALUE}.")
  private int timeoutSeconds;

  @Override
  public Integer call() throws IOException, InterruptedException {
    NodeClient client = options.client();
    String node = options.reachable();
    NodeStatus before = client.status(node);
    Progress progress = options.progress();
    if (before.role().equals("none") || before.role().equals("removed")) {
      progress.show("Waiting until the cluster has added " + before.clientAddress() + " ...");
      client.demand(node, Duration.ofSeconds(timeoutSeconds), command());
    } else {
      requireSameCluster(client, before);
    }
    NewVoter voter = new NewVoter(client, node, client.status(node).clientAddress());
    return voter.await(Duration.ofSeconds(timeoutSeconds), progress, options);
  }

  private String[] command() {
    List<String> words = new ArrayList<>(List.of("RAFT.CLUSTER", "JOIN"));
    members.forEach(member -> words.add(member.toString()));
    return words.toArray(String[]::new);
  }

  /** An earlier join may have been interrupted; then only the waiting is left to do. */
  private void requireSameCluster(NodeClient client, NodeStatus node) {
    List<String> clusters =
        members.stream()
            .flatMap(member -> client.tryStatus(member.toString()).stream())
            .map(NodeStatus::clusterId)
            .toList();
    if (!clusters.isEmpty() && !clusters.contains(node.clusterId())) {
      throw new IllegalStateException(
          "the node at "
              + node.clientAddress()
              + " is a member of another cluster, "
              + node.clusterId()
              + ". To move it, remove it there, then start it with an empty directory.");
    }
  }
}
