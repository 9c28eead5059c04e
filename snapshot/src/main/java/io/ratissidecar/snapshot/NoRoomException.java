package io.ratissidecar.snapshot;

import java.io.IOException;
import java.nio.file.Path;

/** A snapshot does not fit on the disk beside what the log may need. */
public final class NoRoomException extends IOException {
  private static final long serialVersionUID = 1L;

  NoRoomException(Path dir, long usableBytes, long leftBytes, long neededBytes) {
    super(
        String.format(
            "the disk of %s has %d MiB free, of which %d MiB are left to the log; the snapshot needs"
                + " %d MiB more. Make room",
            dir, usableBytes >> 20, leftBytes >> 20, Math.max(1, neededBytes >> 20)));
  }
}
