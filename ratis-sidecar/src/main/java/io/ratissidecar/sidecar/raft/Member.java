package io.ratissidecar.sidecar.raft;

/**
 * One node of the cluster as the Raft configuration has it.
 *
 * @param id node id; never used again after the node was removed
 * @param clientAddress {@code host:port} for clients
 * @param raftAddress {@code host:port} for Raft
 * @param voter false while the node is a learner that still catches up
 */
public record Member(int id, String clientAddress, String raftAddress, boolean voter) {
  /** Host that clients connect to. */
  public String host() {
    return clientAddress.substring(0, clientAddress.lastIndexOf(':'));
  }

  /** Port that clients connect to. */
  public int port() {
    return Integer.parseInt(clientAddress.substring(clientAddress.lastIndexOf(':') + 1));
  }
}
