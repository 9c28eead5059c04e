package io.ratissidecar.statemachine.entry;

/** A file or message was written by a newer version; the message names the version. */
public final class UnsupportedFormatException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  /** Says what has which version and which one is understood here. */
  public UnsupportedFormatException(String message) {
    super(message);
  }
}
