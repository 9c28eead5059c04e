package io.ratissidecar.statemachine.resp;

/**
 * Bytes from Redis that are not RESP. Unchecked, since Redis does not send such: the link to it is
 * out of step and has to be dropped.
 */
public final class MalformedReplyException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  MalformedReplyException(String problem) {
    super(problem);
  }
}
