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
  /**
   * The form of a member in files and messages: {@code
   * id@client-address@raft-address@voter|learner}.
   */
  public String format() {
    return id + "@" + clientAddress + "@" + raftAddress + "@" + (voter ? "voter" : "learner");
  }

  /**
   * Reads {@link #format}.
   *
   * @throws IllegalArgumentException for anything else
   */
  public static Member parse(String text) {
    String[] parts = text.split("@", -1);
    if (parts.length != 4) {
      throw new IllegalArgumentException("'" + text + "' is not a member");
    }
    return new Member(Integer.parseInt(parts[0]), parts[1], parts[2], parts[3].equals("voter"));
  }

  /** Host that clients connect to. */
  public String host() {
    return clientAddress.substring(0, clientAddress.lastIndexOf(':'));
  }

  /** Port that clients connect to. */
  public int port() {
    return Integer.parseInt(clientAddress.substring(clientAddress.lastIndexOf(':') + 1));
  }
}
