package io.ratissidecar.sidecar.membership;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;

/**
 * The words of {@code RAFT.PEER}, the messages between sidecars that are not Raft's. Each carries
 * the version of this protocol and the cluster that it is about, which is empty where none is
 * meant.
 */
public final class PeerProtocol {
  /** Written in every message; a newer one is refused by name. */
  static final int VERSION = 1;

  private static final String COMMAND = "RAFT.PEER";

  /** → the node's current term. */
  static final String TERM = "TERM";

  /**
   * → the log's clock, milliseconds; refused by a node that does not know it, as it has heard
   * nothing since it was started.
   */
  static final String CLOCK = "CLOCK";

  /** → {@link NodeStatus}. */
  public static final String STATUS = "STATUS";

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

  /** This connection forwards commands of clients: they are never forwarded again. */
  public static final String PROXY = "PROXY";

  /**
   * Nothing: the newest snapshot; or index, term: that of the entry → its manifest, or {@link
   * #NO_SNAPSHOT}.
   */
  public static final String SNAPSHOT = "SNAPSHOT";

  /**
   * Index, term, offset, length: a part of the RDB of the snapshot of the entry → its bytes, fewer
   * at the end of the RDB or when so many are not sent at once, or {@link #NO_SNAPSHOT}.
   */
  public static final String CHUNK = "CHUNK";

  /**
   * Index, term: what came of the RDB of the snapshot of the entry was damaged. The node checks
   * what it has.
   */
  public static final String DOUBT = "DOUBT";

  /**
   * Index: that of an entry that asked for it → version of the RDB and digest of the data behind
   * that entry; {@code none} when there will be none; an empty array when it is not there yet.
   */
  static final String DIGEST = "DIGEST";

  /** The code of the error that says that a snapshot is not there (any more). */
  public static final String NO_SNAPSHOT = "NOSNAPSHOT";

  private PeerProtocol() {}

  /**
   * A message as a command.
   *
   * @param arguments those of the word
   */
  public static String[] message(String word, String clusterId, String... arguments) {
    List<String> command = new ArrayList<>();
    Collections.addAll(command, COMMAND, word, Integer.toString(VERSION), clusterId);
    Collections.addAll(command, arguments);
    return command.toArray(String[]::new);
  }
}
