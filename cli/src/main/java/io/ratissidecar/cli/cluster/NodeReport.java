package io.ratissidecar.cli.cluster;

import io.ratissidecar.sidecar.membership.NodeStatus;
import java.util.Optional;

/**
 * A member, and what it said when it was asked.
 *
 * @param clusterId of the cluster whose member it should be
 * @param status empty when it did not answer
 * @param problem why it did not answer, in words; empty when it did
 */
record NodeReport(
    int id,
    String address,
    boolean voter,
    String clusterId,
    Optional<NodeStatus> status,
    String problem) {

  /** True when the member that is meant has answered, and not another node at its address. */
  boolean isThere() {
    return status.isPresent()
        && status.get().id() == id
        && status.get().clusterId().equals(clusterId)
        && !status.get().role().equals("removed");
  }

  boolean leads() {
    return isThere() && status.get().role().equals("leader");
  }
}
