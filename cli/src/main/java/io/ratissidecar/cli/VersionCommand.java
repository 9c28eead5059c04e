package io.ratissidecar.cli;

import io.ratissidecar.sidecar.Sidecar;
import java.io.PrintWriter;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

/** {@code version}. */
@Command(
    name = "version",
    mixinStandardHelpOptions = true,
    description = "Prints the version of this program and of Java.")
final class VersionCommand implements Runnable {
  @Spec private CommandSpec spec;

  @Override
  public void run() {
    PrintWriter out = spec.commandLine().getOut();
    out.println("ratis-sidecar " + Sidecar.VERSION);
    out.println("Java " + Runtime.version() + " (" + System.getProperty("java.vendor") + ")");
  }
}
