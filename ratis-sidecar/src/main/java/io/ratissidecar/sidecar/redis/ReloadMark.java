package io.ratissidecar.sidecar.redis;

import io.ratissidecar.logstore.DurableFiles;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;

/**
 * A file that says that the local Redis missed a committed command, or is wrong in another way, so
 * that its marker must not be believed. Set before anything else happens; it outlives the process,
 * as the marker does. Any thread.
 *
 * <p>Where Redis could not replace its own file of the data that was wrong, another one has the run
 * of Redis that was loaded: the next run begins with that data.
 */
final class ReloadMark {
  private static final String NAME = "reload-redis";
  private static final String RUN_NAME = "reload-redis-unless-run";

  private final Path file;
  private final Path runFile;
  private volatile boolean set;
  private long times;

  /**
   * @param dir the node's directory
   */
  ReloadMark(Path dir) {
    this.file = dir.resolve(NAME);
    this.runFile = dir.resolve(RUN_NAME);
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

  /** Whether what Redis holds in this run may be what was wrong before it was loaded. */
  synchronized boolean doubts(String runId) throws IOException {
    return Files.exists(runFile) && !Files.readString(runFile).equals(runId);
  }

  /**
   * Redis was emptied, and loaded.
   *
   * @param number what {@link #set} has returned before: if it was set again since, it stays
   * @param onlyRun the run of Redis that alone can be believed; empty when all that follow can
   */
  synchronized void clear(long number, Optional<String> onlyRun) throws IOException {
    if (set && number == times) {
      if (onlyRun.isPresent()) {
        DurableFiles.replace(runFile, onlyRun.get().getBytes(StandardCharsets.UTF_8));
      } else if (Files.exists(runFile)) {
        DurableFiles.delete(runFile);
      }
      DurableFiles.delete(file);
      set = false;
    }
  }
}
