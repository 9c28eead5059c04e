package io.ratissidecar.sidecar.membership;

import java.io.IOException;

/** What is done to a node's files while its replication is closed, before it begins anew. */
public interface RestartStep {
  /**
   * Blocks.
   *
   * @throws IOException which stops the node
   */
  void run() throws IOException;
}
