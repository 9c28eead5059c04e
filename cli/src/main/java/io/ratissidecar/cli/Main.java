package io.ratissidecar.cli;

import io.ratissidecar.cli.cluster.ClusterCommand;
import io.ratissidecar.cli.cluster.NodeCommand;
import io.ratissidecar.cli.demo.DemoCommand;
import io.ratissidecar.cli.importing.ImportCommand;
import io.ratissidecar.cli.log.LogCommand;
import io.ratissidecar.cli.snapshot.SnapshotCommand;
import io.ratissidecar.sidecar.Sidecar;
import java.io.PrintWriter;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** Entry point of {@code ratis-sidecar}. */
@Command(
    name = "ratis-sidecar",
    description = "A Raft replication sidecar for Redis.",
    mixinStandardHelpOptions = true,
    subcommands = {
      StartCommand.class,
      ClusterCommand.class,
      NodeCommand.class,
      DemoCommand.class,
      SnapshotCommand.class,
      LogCommand.class,
      ImportCommand.class,
      VersionCommand.class
    },
    footer = {
      "",
      "Try it: 'ratis-sidecar demo' starts three nodes on this machine.",
      "Exit codes: 0 success, 1 the command failed, 2 wrong usage, 3 no node could be reached."
    })
public final class Main implements Runnable {
  @Spec private CommandSpec spec;

  private Main() {}

  public static void main(String[] arguments) {
    System.exit(commandLine().execute(arguments));
  }

  static CommandLine commandLine() {
    CommandLine commandLine =
        new CommandLine(new Main())
            .setParameterExceptionHandler(Main::wrongUsage)
            .setExecutionExceptionHandler(
                (error, command, parsed) -> {
                  command.getErr().println("ratis-sidecar: " + Failures.message(error));
                  return Failures.exitCode(error);
                });
    setVersion(commandLine);
    return commandLine;
  }

  private static void setVersion(CommandLine commandLine) {
    commandLine.getCommandSpec().versionProvider(new Version());
    commandLine.getSubcommands().values().forEach(Main::setVersion);
  }

  /** What is wrong, and where to read on; the whole help would hide it. */
  private static int wrongUsage(ParameterException e, String[] arguments) {
    CommandLine command = e.getCommandLine();
    PrintWriter err = command.getErr();
    err.println("ratis-sidecar: " + e.getMessage());
    if (!CommandLine.UnmatchedArgumentException.printSuggestions(e, err)) {
      err.print(command.getHelp().fullSynopsis());
    }
    err.println("'" + command.getCommandSpec().qualifiedName() + " --help' tells more.");
    return command.getCommandSpec().exitCodeOnInvalidInput();
  }

  @Override
  public void run() {
    throw new ParameterException(spec.commandLine(), "Say what to do.");
  }

  /** Tells the version to {@code --version}. */
  static final class Version implements CommandLine.IVersionProvider {
    @Override
    public String[] getVersion() {
      return new String[] {"ratis-sidecar " + Sidecar.VERSION};
    }
  }
}
