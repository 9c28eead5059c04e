package io.ratissidecar.cli;

import picocli.CommandLine.Command;

@Command(name = "cluster")
final class ClusterCommand implements Runnable {
  @Override
  public void run() {}
}
