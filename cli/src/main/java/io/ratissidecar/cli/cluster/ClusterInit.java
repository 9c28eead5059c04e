package io.ratissidecar.cli.cluster;

import io.ratissidecar.cli.client.NodeClient;
import io.ratissidecar.cli.client.NodeOptions;
import io.ratissidecar.sidecar.membership.NodeStatus;
import io.ratissidecar.statemachine.resp.RespValue;
import java.io.IOException;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code cluster init}. */
@Command(
    name = "init",
    mixinStandardHelpOptions = true,
    sortOptions = false,
    description = {
      "Makes a new cluster with one node as its only member.",
      "The node's Redis must be empty. Do this once; other nodes then join."
    },
    footer = {
      "",
      "Examples:",
      "  ratis-sidecar cluster init",
      "  ratis-sidecar cluster init --node 10.0.0.1:6380 --id 00112233445566778899aabbccddeeff"
    })
final class ClusterInit implements Callable<Integer> {
  private static final Duration TIMEOUT = Duration.ofSeconds(130);

  @Mixin private NodeOptions options;

  @Option(
      names = "--id",
      paramLabel = "CLUSTERID",
      description =
          "Id of the cluster: 32 hexadecimal digits in lower case. Default: a random one.")
  private String id;

  @Override
  public Integer call() throws IOException {
    NodeClient client = options.client();
    String node = options.reachable();
    RespValue reply =
        id == null
            ? client.demand(node, TIMEOUT, "RAFT.CLUSTER", "INIT")
            : client.demand(node, TIMEOUT, "RAFT.CLUSTER", "INIT", id);
    String clusterId = reply.asString().replaceFirst("^OK ", "");
    NodeStatus status = client.status(node);
    options.print(
        Map.of("cluster", clusterId, "id", status.id(), "address", status.clientAddress()),
        "Cluster "
            + clusterId
            + " has been made, with node "
            + status.id()
            + " at "
            + status.clientAddress()
            + ".\nNext, for each other node: ratis-sidecar cluster join --node HOST:PORT "
            + status.clientAddress());
    return 0;
  }
}
