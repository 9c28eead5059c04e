package io.ratissidecar.cli.cluster;

import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** {@code node}: the commands about single members. */
@Command(
    name = "node",
    mixinStandardHelpOptions = true,
    description = "Adds, removes and lists members, and hands leadership over.",
    subcommands = {NodeAdd.class, NodeRemove.class, NodeList.class, NodeTransfer.class},
    footer = {
      "",
      "Any node may be asked: the command goes to the leader.",
      "",
      "Examples:",
      "  ratis-sidecar node list",
      "  ratis-sidecar node remove 3",
      "  ratis-sidecar node transfer 2"
    })
public final class NodeCommand implements Runnable {
  @Spec private CommandSpec spec;

  @Override
  public void run() {
    throw new ParameterException(
        spec.commandLine(), "Say what to do: add, remove, list or transfer.");
  }
}
