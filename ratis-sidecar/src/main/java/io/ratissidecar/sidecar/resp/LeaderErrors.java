package io.ratissidecar.sidecar.resp;

import java.util.Optional;

/**
 * The errors that say where the leader is, or that there is none at the moment: as nodes write
 * them, and as other nodes and the command line read them.
 */
public final class LeaderErrors {
  /** There is no leader, or it may not serve yet; nothing happened. */
  public static final String NO_LEADER = "CLUSTERDOWN No Raft leader";

  private static final String MOVED = "MOVED ";

  private LeaderErrors() {}

  /** Another node leads; nothing happened. */
  public static String moved(String leaderAddress) {
    return MOVED + "0 " + leaderAddress;
  }

  /** The leader's address in an error that {@link #moved} made; empty for any other error. */
  public static Optional<String> movedTo(String error) {
    return error.startsWith(MOVED)
        ? Optional.of(error.substring(error.lastIndexOf(' ') + 1))
        : Optional.empty();
  }

  /** True when the same command may do a little later: nobody leads, or a change is under way. */
  public static boolean mayPass(String error) {
    return error.startsWith("CLUSTERDOWN ") || error.startsWith("TRYAGAIN ");
  }
}
