package io.ratissidecar.cli.cluster;

import io.ratissidecar.cli.client.HostPortConverter;
import io.ratissidecar.cli.client.NodeClient;
import io.ratissidecar.cli.client.NodeOptions;
import io.ratissidecar.sidecar.config.HostPort;
import java.io.IOException;
import java.time.Duration;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code node add}. */
@Command(
    name = "add",
    mixinStandardHelpOptions = true,
    sortOptions = false,
    description = {
      "Adds a running node that is in no cluster yet, and waits until it votes.",
      "The same as 'cluster join', asked from the cluster's side. Repeating it is safe."
    },
    footer = {
      "",
      "Examples:",
      "  ratis-sidecar node add 10.0.0.4:6380",
      "  ratis-sidecar node add --node 10.0.0.1:6380 10.0.0.4:6380 --id 4"
    })
final class NodeAdd implements Callable<Integer> {
  private static final Duration PATIENCE = Duration.ofSeconds(10);

  @Mixin private NodeOptions options;

  @Parameters(
      paramLabel = "HOST:PORT",
      converter = HostPortConverter.class,
      description = "Address of the new node, as the other nodes reach it.")
  private HostPort address;

  @Option(
      names = "--id",
      paramLabel = "N",
      defaultValue = "0",
      description = "Id of the new node, 1 to 65535. Default: the next free one.")
  private int id;

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
    Duration timeout = Duration.ofSeconds(timeoutSeconds);
    client.askLeader(
        node, PATIENCE, timeout, "RAFT.NODE", "ADD", Integer.toString(id), address.toString());
    return new NewVoter(client, node, address.toString())
        .await(timeout, options.progress(), options);
  }
}
