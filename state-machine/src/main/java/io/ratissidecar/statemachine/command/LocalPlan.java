package io.ratissidecar.statemachine.command;

/** What becomes of one command without {@code RAFT} in explicit mode. */
public sealed interface LocalPlan {
  /** To this node's local Redis, byte for byte. */
  LocalPlan PASS = Pass.INSTANCE;

  /** To local Redis. */
  enum Pass implements LocalPlan {
    INSTANCE
  }

  /** Local Redis is asked for a deadline, and the user's reply made of it. */
  record Deadline(byte[] key, DeadlineReply reply) implements LocalPlan {}

  /** The session answers. */
  record Session(CommandSpec command) implements LocalPlan {}

  /**
   * An error is the answer, and nothing else happens.
   *
   * @param error with its code, without the dash: {@code ERR …}
   */
  record Refused(String error) implements LocalPlan {}
}
