package io.ratissidecar.cli;

import picocli.CommandLine.Command;

@Command(name = "node")
final class NodeCommand implements Runnable {
  @Override
  public void run() {}
}
