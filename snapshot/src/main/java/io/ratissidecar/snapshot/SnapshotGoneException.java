package io.ratissidecar.snapshot;

import java.io.IOException;

/** A node does not have the snapshot, or none at all: it may have replaced it by a newer one. */
public final class SnapshotGoneException extends IOException {
  private static final long serialVersionUID = 1L;

  public SnapshotGoneException(String message) {
    super(message);
  }
}
