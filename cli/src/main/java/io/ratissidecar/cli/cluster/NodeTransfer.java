package io.ratissidecar.cli.cluster;

import io.ratissidecar.cli.client.NodeClient;
import io.ratissidecar.cli.client.NodeOptions;
import io.ratissidecar.cli.client.Poll;
import io.ratissidecar.sidecar.membership.NodeStatus;
import java.io.IOException;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Parameters;

/** {@code node transfer}. */
@Command(
    name = "transfer",
    mixinStandardHelpOptions = true,
    sortOptions = false,
    description = {
      "Hands leadership to another voter, for example before the leader's machine is serviced.",
      "Without an id it goes to the voter whose Redis is furthest."
    },
    footer = {"", "Examples:", "  ratis-sidecar node transfer", "  ratis-sidecar node transfer 2"})
final class NodeTransfer implements Callable<Integer> {
  private static final Duration PATIENCE = Duration.ofSeconds(10);
  private static final Duration TIMEOUT = Duration.ofSeconds(30);
  private static final long POLL_MILLIS = 50;

  @Mixin private NodeOptions options;

  @Parameters(paramLabel = "ID", arity = "0..1", description = "Id of the node that is to lead.")
  private Integer id;

  @Override
  public Integer call() throws IOException, InterruptedException {
    NodeClient client = options.client();
    String node = options.reachable();
    int former = client.status(node).leaderId();
    if (id == null) {
      client.askLeader(node, PATIENCE, TIMEOUT, "RAFT.TRANSFER_LEADER");
    } else {
      client.askLeader(node, PATIENCE, TIMEOUT, "RAFT.TRANSFER_LEADER", Integer.toString(id));
    }
    NodeStatus after =
        Poll.until(
                PATIENCE, POLL_MILLIS, () -> client.tryStatus(node).filter(s -> leads(s, former)))
            .orElseThrow(
                () ->
                    new IllegalStateException(
                        "leadership was handed over, but "
                            + node
                            + " has not heard of the new leader yet"));
    // It has been elected; what is sent to it before it is ready would be refused.
    client.askLeader(node, PATIENCE, TIMEOUT, "RAFT", "EXISTS", "ratis-sidecar");
    options.print(
        Map.of("leader", after.leaderId(), "term", after.term()),
        "Node " + after.leaderId() + " leads now (term " + after.term() + ").");
    return 0;
  }

  private boolean leads(NodeStatus status, int former) {
    return Optional.ofNullable(id)
        .map(wanted -> status.leaderId() == wanted)
        .orElse(status.leaderId() != 0 && status.leaderId() != former);
  }
}
