package io.ratissidecar.statemachine.resp;

/**
 * A client broke the protocol. The message is in Redis's words without the leading {@code ERR}; the
 * connection can't be used any more, since the next request's start is not known.
 */
public final class ProtocolException extends Exception {
  private static final long serialVersionUID = 1L;

  ProtocolException(String problem) {
    super("Protocol error: " + problem);
  }
}
