package io.ratissidecar.cli;

import io.ratissidecar.cli.cluster.ClusterCommand;
import io.ratissidecar.cli.cluster.NodeCommand;
import io.ratissidecar.cli.demo.DemoCommand;
import io.ratissidecar.cli.importing.ImportCommand;
import io.ratissidecar.cli.log.LogCommand;
import io.ratissidecar.cli.snapshot.SnapshotCommand;
import io.ratissidecar.sidecar.Sidecar;
import java.io.PrintWriter;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Supplier;
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
    footer = {
      "",
      "Try it: 'ratis-sidecar demo' starts three nodes on this machine.",
      "Exit codes: 0 success, 1 the command failed, 2 wrong usage, 3 no node could be reached."
    })
public final class Main implements Runnable {
  @Spec private CommandSpec spec;

  private Main() {}

  public static void main(String[] arguments) {
    System.exit(commandLine(arguments).execute(arguments));
  }

  /** By name, in the order of the help. */
  static Map<String, Supplier<Object>> subcommands() {
    Map<String, Supplier<Object>> all = new LinkedHashMap<>();
    all.put("start", StartCommand::new);
    all.put("cluster", ClusterCommand::new);
    all.put("node", NodeCommand::new);
    all.put("demo", DemoCommand::new);
    all.put("snapshot", SnapshotCommand::new);
    all.put("log", LogCommand::new);
    all.put("import", ImportCommand::new);
    all.put("version", VersionCommand::new);
    return all;
  }

  /**
   * Knows no more than the subcommand that comes first, if one does: to look through the classes of
   * all of them takes another 0.3 s of a slow processor.
   */
  static CommandLine commandLine(String... arguments) {
    CommandLine commandLine = new CommandLine(new Main());
    Map<String, Supplier<Object>> subcommands = subcommands();
    if (arguments.length > 0 && subcommands.containsKey(arguments[0])) {
      subcommands.keySet().retainAll(List.of(arguments[0]));
    }
    subcommands.values().forEach(subcommand -> commandLine.addSubcommand(subcommand.get()));
    commandLine
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
