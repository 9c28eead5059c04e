package io.ratissidecar.sidecar.membership;

/**
 * The words of {@code RAFT.PEER}, the messages between sidecars that are not Raft's. All but {@code
 * PROXY} carry the version of this protocol and the cluster that they are about.
 */
final class PeerProtocol {
  /** Written in every message; a newer one is refused by name. */
  static final String VERSION = "1";

  static final String COMMAND = "RAFT.PEER";

  /** → the node's current term. */
  static final String TERM = "TERM";

  /** → {@link NodeStatus}. */
  static final String STATUS = "STATUS";

  /** To a node in no cluster → its incarnation, wished id, cluster id, Raft address, databases. */
  static final String DESCRIBE = "DESCRIBE";

  /** Id, members: the node starts as a learner of the cluster. */
  static final String ATTACH = "ATTACH";

  /**
   * Id: to the leader → 1 when the id is a member, 0 when it is not. Only a leader that a majority
   * has just confirmed answers.
   */
  static final String MEMBER = "MEMBER";

  /** The cluster may have removed the node: time for it to ask {@link #MEMBER}. */
  static final String DETACH = "DETACH";

  /** This connection forwards commands of clients. */
  static final String PROXY = "PROXY";

  private PeerProtocol() {}
}
