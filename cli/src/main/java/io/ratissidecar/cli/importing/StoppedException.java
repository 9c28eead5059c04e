package io.ratissidecar.cli.importing;

import java.io.IOException;

/** The user has told the import to stop. */
final class StoppedException extends IOException {
  private static final long serialVersionUID = 1L;

  StoppedException() {
    super("stopped");
  }
}
