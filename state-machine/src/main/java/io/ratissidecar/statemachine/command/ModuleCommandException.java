package io.ratissidecar.statemachine.command;

/** A command that the operator vouches for is none that can be replicated. */
public final class ModuleCommandException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  ModuleCommandException(String message) {
    super(message);
  }
}
