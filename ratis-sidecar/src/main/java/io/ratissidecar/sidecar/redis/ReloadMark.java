package io.ratissidecar.sidecar.redis;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

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
    try (FileChannel channel =
        FileChannel.open(file, StandardOpenOption.CREATE, StandardOpenOption.WRITE)) {
      channel.force(true);
    }
    syncDirectory();
  }

  /** Redis was emptied. */
  void clear() throws IOException {
    if (set) {
      Files.deleteIfExists(file);
      syncDirectory();
      set = false;
    }
  }

  private void syncDirectory() throws IOException {
    try (FileChannel directory = FileChannel.open(file.getParent(), StandardOpenOption.READ)) {
      directory.force(true);
    }
  }
}
