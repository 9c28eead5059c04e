package io.ratissidecar.sidecar.redis;

import io.ratissidecar.logstore.DurableFiles;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * A file that says that the local Redis missed a committed command, or is wrong in another way, so
 * that its marker must not be believed. Set before anything else happens; it outlives the process,
 * as the marker does. Any thread.
 */
final class ReloadMark {
  private static final String NAME = "reload-redis";

  private final Path file;
  private volatile boolean set;
  private long times;

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

  /**
   * Durable when this returns.
   *
   * @return a number for {@link #clear}
   */
  synchronized long set() throws IOException {
    set = true;
    DurableFiles.replace(file, new byte[0]);
    return ++times;
  }

  /**
   * Redis was emptied, and loaded.
   *
   * @param number what {@link #set} has returned before: if it was set again since, it stays
   */
  synchronized void clear(long number) throws IOException {
    if (set && number == times) {
      DurableFiles.delete(file);
      set = false;
    }
  }
}
