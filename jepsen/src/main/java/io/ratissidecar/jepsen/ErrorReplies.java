package io.ratissidecar.jepsen;

import java.util.Set;

/**
 * Tells definite from indeterminate error replies. What is not known is indeterminate: to take a
 * failure for definite that is not would hide a write that happens twice.
 */
public final class ErrorReplies {
  private static final Set<String> DEFINITE =
      Set.of(
          "MOVED",
          "CLUSTERDOWN",
          "NOTLEADER",
          "NOCLUSTER",
          "TRYAGAIN",
          "EXECABORT",
          "NOAUTH",
          "WRONGTYPE",
          "LOADING",
          "ERR");

  private static final String READ_WITHOUT_QUORUM = "TIMEOUT no quorum for read";

  private ErrorReplies() {}

  /**
   * What an error reply says of the command.
   *
   * @param message without the leading minus
   */
  public static Outcome classify(String message) {
    int space = message.indexOf(' ');
    String code = space < 0 ? message : message.substring(0, space);
    boolean definite = DEFINITE.contains(code) || message.startsWith(READ_WITHOUT_QUORUM);
    return definite ? Outcome.FAIL : Outcome.INFO;
  }

  /** What the loss of the connection before the reply says. */
  public static Outcome connectionLost(Operation.Kind kind) {
    return kind == Operation.Kind.READ ? Outcome.FAIL : Outcome.INFO;
  }
}
