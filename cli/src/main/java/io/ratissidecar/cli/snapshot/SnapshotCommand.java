package io.ratissidecar.cli.snapshot;

import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** {@code snapshot}: the commands about a node's snapshots. */
@Command(
    name = "snapshot",
    mixinStandardHelpOptions = true,
    description = {
      "Lists, takes, checks and exports snapshots, which are all data of the cluster at one entry of the log.",
      "Nodes take them by themselves; see the settings 'snapshot-*' of 'start'."
    },
    subcommands = {
      SnapshotList.class,
      SnapshotTake.class,
      SnapshotVerify.class,
      SnapshotExport.class
    },
    footer = {
      "",
      "Examples:",
      "  ratis-sidecar snapshot take",
      "  ratis-sidecar snapshot export --to backup.rdb",
      "  ratis-sidecar snapshot verify --dir /var/lib/ratis-sidecar"
    })
public final class SnapshotCommand implements Runnable {
  @Spec private CommandSpec spec;

  @Override
  public void run() {
    throw new ParameterException(
        spec.commandLine(), "Say what to do: list, take, verify or export.");
  }
}
