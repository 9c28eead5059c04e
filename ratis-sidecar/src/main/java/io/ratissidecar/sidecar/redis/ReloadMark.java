package io.ratissidecar.sidecar.redis;

import io.ratissidecar.logstore.DurableFiles;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * A file that says that the local Redis missed a committed command, so that its marker must not be
 * believed. Set before anything else happens; it outlives the process, as the marker does. Any
 * thread.
 */
final class ReloadMark {
  private static final String NAME = "reload-redis";

  private final Path file;
  private volatile boolean set;

  /**
   * @param dir the node's directory
   */
  ReloadMark(Path dir) {
    this.file = dir.resolve(NAME);
    this.set = Files.exists(file);
  }

  boolean isSet() {
    return set;
  }

  /** Durable when this returns. */
  void set() throws IOException {
    set = true;
    DurableFiles.replace(file, new byte[0]);
  }

  /** Redis was emptied. */
  void clear() throws IOException {
    if (set) {
      DurableFiles.delete(file);
      set = false;
    }
  }
}
