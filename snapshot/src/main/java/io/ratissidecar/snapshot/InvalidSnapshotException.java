package io.ratissidecar.snapshot;

import java.io.IOException;

/** A snapshot, or an RDB, is damaged, incomplete, or not what it was said to be. */
public final class InvalidSnapshotException extends IOException {
  private static final long serialVersionUID = 1L;

  public InvalidSnapshotException(String message) {
    super(message);
  }
}
