package io.ratissidecar.cli.log;

import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** {@code log}: the commands about the files of a stopped node. */
@Command(
    name = "log",
    mixinStandardHelpOptions = true,
    description = "Looks into the log of a stopped node; changes nothing.",
    subcommands = {LogInfo.class, LogEntries.class, LogVerify.class},
    footer = {
      "",
      "Examples:",
      "  ratis-sidecar log info --dir /var/lib/ratis-sidecar",
      "  ratis-sidecar log dump --dir /var/lib/ratis-sidecar --from 100 --to 120",
      "  ratis-sidecar log verify --dir /var/lib/ratis-sidecar"
    })
public final class LogCommand implements Runnable {
  @Spec private CommandSpec spec;

  @Override
  public void run() {
    throw new ParameterException(spec.commandLine(), "Say what to do: info, dump or verify.");
  }
}
