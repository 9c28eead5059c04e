package io.ratissidecar.cli.cluster;

import io.ratissidecar.cli.client.NodeClient;
import io.ratissidecar.cli.client.NodeOptions;
import io.ratissidecar.cli.client.Progress;
import io.ratissidecar.sidecar.membership.NodeStatus;
import io.ratissidecar.statemachine.resp.RespValue;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
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
      "The node's Redis must be empty. Do this once; other nodes then join.",
      "With --from the cluster begins with the data of an RDB, of any Redis or of another cluster's"
          + " snapshot."
    },
    footer = {
      "",
      "Examples:",
      "  ratis-sidecar cluster init",
      "  ratis-sidecar cluster init --node 10.0.0.1:6380 --id 00112233445566778899aabbccddeeff",
      "  ratis-sidecar cluster init --from /var/lib/redis/dump.rdb"
    })
final class ClusterInit implements Callable<Integer> {
  private static final Duration TIMEOUT = Duration.ofSeconds(130);

  /** The node itself gives up when loading takes longer than such a file would. */
  private static final Duration LOADING_TIMEOUT = Duration.ofHours(24);

  private static final long SHOW_AFTER_MILLIS = 2000;

  @Mixin private NodeOptions options;

  @Option(
      names = "--id",
      paramLabel = "CLUSTERID",
      description =
          "Id of the cluster: 32 hexadecimal digits in lower case. Default: a random one.")
  private String id;

  @Option(
      names = "--from",
      paramLabel = "FILE",
      description = {
        "RDB that the cluster's data is taken from. The node reads it: the file must be on the node's"
            + " machine, and readable for the node's user."
      })
  private Path from;

  @Override
  public Integer call() throws IOException, InterruptedException {
    NodeClient client = options.client();
    String node = options.reachable();
    RespValue reply =
        from == null
            ? client.demand(node, TIMEOUT, command())
            : load(client, node, options.progress());
    String clusterId = reply.asString().replaceFirst("^OK ", "");
    NodeStatus status = client.status(node);
    options.print(
        Map.of("cluster", clusterId, "id", status.id(), "address", status.clientAddress()),
        "Cluster "
            + clusterId
            + " has been made"
            + (from == null ? "" : " of " + path())
            + ", with node "
            + status.id()
            + " at "
            + status.clientAddress()
            + ".\nNext, for each other node: ratis-sidecar cluster join --node HOST:PORT "
            + status.clientAddress());
    return 0;
  }

  private String[] command() {
    List<String> words = new ArrayList<>(List.of("RAFT.CLUSTER", "INIT"));
    if (id != null) {
      words.add(id);
    }
    if (from != null) {
      words.addAll(List.of("FROM", path().toString()));
    }
    return words.toArray(String[]::new);
  }

  /** The node has another working directory than the user. */
  private Path path() {
    return from.toAbsolutePath().normalize();
  }

  /** Waits for the node, and shows what it says of itself once that takes a while. */
  private RespValue load(NodeClient client, String node, Progress progress)
      throws IOException, InterruptedException {
    FutureTask<RespValue> reply =
        new FutureTask<>(() -> client.demand(node, LOADING_TIMEOUT, command()));
    Thread asking = new Thread(reply, "init");
    asking.setDaemon(true);
    asking.start();
    try {
      while (true) {
        try {
          return reply.get(SHOW_AFTER_MILLIS, TimeUnit.MILLISECONDS);
        } catch (TimeoutException e) {
          progress.show(client.tryStatus(node).map(this::describe).orElse("The node is busy"));
        }
      }
    } catch (ExecutionException e) {
      if (e.getCause() instanceof IOException lost) {
        throw lost;
      }
      throw e.getCause() instanceof RuntimeException refused
          ? refused
          : new IllegalStateException(e.getCause());
    } finally {
      progress.clear();
    }
  }

  private String describe(NodeStatus status) {
    String activity = status.snapshot().activity();
    return path() + ": " + (activity.isEmpty() ? "waiting for the node to lead" : activity);
  }
}
