package io.ratissidecar.statemachine.command;

import java.util.Set;

/**
 * One command: what local Redis says of it, and what this project does with it.
 *
 * @param name lower case; a subcommand as {@code config|get}
 * @param arity number of arguments with the name (and the subcommand), negative for a minimum
 * @param flags Redis's flags, such as {@code write}
 * @param firstKey position of the first key, the name being 0; 0 for none, or none that is fixed
 * @param lastKey position of the last key; negative counts from the end
 * @param keyStep distance from key to key
 * @param raft what it does with {@code RAFT}
 * @param rule what its arguments decide besides
 * @param local what it does without {@code RAFT} in explicit mode
 * @param transparent what it does without {@code RAFT} in transparent mode
 * @param reason why it is refused; empty if neither refuses
 * @param container whether subcommands follow
 */
public record CommandSpec(
    String name,
    int arity,
    Set<String> flags,
    int firstKey,
    int lastKey,
    int keyStep,
    RaftPolicy raft,
    ArgumentRule rule,
    LocalPolicy local,
    TransparentPolicy transparent,
    String reason,
    boolean container) {
  public CommandSpec {
    flags = Set.copyOf(flags);
  }

  /** Whether so many arguments (name included) are right for it. */
  public boolean accepts(int args) {
    return arity >= 0 ? args == arity : args >= -arity;
  }

  /** Whether it may wait for data. */
  public boolean blocking() {
    return flags.contains("blocking");
  }

  /** Whether it reads or changes data. */
  public boolean data() {
    return write() || flags.contains("readonly");
  }

  /** Whether Redis counts it as a write. */
  public boolean write() {
    return flags.contains("write");
  }
}
