package io.ratissidecar.cli;

import picocli.CommandLine.Command;

@Command(name = "log")
final class LogCommand implements Runnable {
  @Override
  public void run() {}
}
