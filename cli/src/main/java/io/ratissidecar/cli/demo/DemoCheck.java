package io.ratissidecar.cli.demo;

import java.util.function.Consumer;

/** stub */
final class DemoCheck {
  DemoCheck(DemoCluster cluster, Consumer<String> say) {}

  void run() throws DemoFailure, InterruptedException {}
}
