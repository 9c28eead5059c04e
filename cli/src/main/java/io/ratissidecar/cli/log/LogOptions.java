package io.ratissidecar.cli.log;

import io.ratissidecar.cli.client.Json;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.Map;
import java.util.function.Supplier;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** Options of the commands that read a log and tell about it. */
final class LogOptions {
  @Spec(Spec.Target.MIXEE)
  private CommandSpec spec;

  @Option(
      names = "--dir",
      paramLabel = "DIR",
      required = true,
      description = "Directory of a node that does not run.")
  private Path dir;

  @Option(names = "--json", description = "Prints JSON, for scripts.")
  private boolean json;

  Path dir() {
    return dir;
  }

  boolean json() {
    return json;
  }

  /** Prints the result in the form that was asked for. */
  void print(Map<String, ?> result, Supplier<String> text) {
    PrintWriter out = spec.commandLine().getOut();
    out.println(json ? Json.of(result) : text.get());
    out.flush();
  }
}
