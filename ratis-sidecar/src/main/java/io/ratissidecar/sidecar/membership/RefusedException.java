package io.ratissidecar.sidecar.membership;

/** A change of the cluster was refused; the message is the error reply, with its code. */
final class RefusedException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  RefusedException(String error) {
    super(error, null, false, false);
  }
}
