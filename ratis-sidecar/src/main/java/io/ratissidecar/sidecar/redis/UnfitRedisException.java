package io.ratissidecar.sidecar.redis;

/** The local Redis can't be used as it is; the message says why and what to do. */
final class UnfitRedisException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  UnfitRedisException(String message) {
    super(message);
  }
}
