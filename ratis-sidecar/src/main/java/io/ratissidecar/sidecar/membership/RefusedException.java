package io.ratissidecar.sidecar.membership;

import java.util.concurrent.CompletableFuture;

/** What an operator asked for was refused; the message is the error reply, with its code. */
public final class RefusedException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  public RefusedException(String error) {
    super(error, null, false, false);
  }

  /** A future that has failed so. */
  public static <T> CompletableFuture<T> refused(String error) {
    return CompletableFuture.failedFuture(new RefusedException(error));
  }
}
