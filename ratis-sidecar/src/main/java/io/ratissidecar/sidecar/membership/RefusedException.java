package io.ratissidecar.sidecar.membership;

import java.util.concurrent.CompletableFuture;

/** A change of the cluster was refused; the message is the error reply, with its code. */
final class RefusedException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  RefusedException(String error) {
    super(error, null, false, false);
  }

  /** A future that has failed so. */
  static <T> CompletableFuture<T> refused(String error) {
    return CompletableFuture.failedFuture(new RefusedException(error));
  }
}
