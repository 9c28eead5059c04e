package io.ratissidecar.it;

import java.io.IOException;

/** How another node comes to lead. */
enum LeaderChange {
  KILL,
  HAND_OVER;

  void run(TestCluster cluster) throws IOException {
    if (this == KILL) {
      cluster.leader().killBoth();
    } else {
      cluster.transferLeadership(cluster.followers().get(0));
    }
  }
}
