package io.ratissidecar.cli.cluster;

import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** {@code cluster}: the commands about a cluster as a whole. */
@Command(
    name = "cluster",
    mixinStandardHelpOptions = true,
    description = "Makes a cluster, lets nodes join it, and tells how it is.",
    subcommands = {ClusterInit.class, ClusterJoin.class, ClusterStatus.class},
    footer = {
      "",
      "From nothing to three nodes:",
      "  ratis-sidecar start --dir /data/a --port 6380     (each in a terminal or service of its own)",
      "  ratis-sidecar start --dir /data/b --port 6381",
      "  ratis-sidecar start --dir /data/c --port 6382",
      "  ratis-sidecar cluster init --node 127.0.0.1:6380",
      "  ratis-sidecar cluster join --node 127.0.0.1:6381 127.0.0.1:6380",
      "  ratis-sidecar cluster join --node 127.0.0.1:6382 127.0.0.1:6380",
      "  ratis-sidecar cluster status"
    })
public final class ClusterCommand implements Runnable {
  @Spec private CommandSpec spec;

  @Override
  public void run() {
    throw new ParameterException(spec.commandLine(), "Say what to do: init, join or status.");
  }
}
