package io.ratissidecar.cli.log;

import java.io.Closeable;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/** A node's directory, held against a sidecar that would start meanwhile. Writes nothing. */
final class StoppedNode implements Closeable {
  private final Path log;
  private final FileChannel lock;

  private StoppedNode(Path log, FileChannel lock) {
    this.log = log;
    this.lock = lock;
  }

  /**
   * Takes the directory.
   *
   * @throws IOException when it is no node's directory, or a sidecar runs on it
   */
  static StoppedNode open(Path dir) throws IOException {
    Path log = dir.resolve("log");
    if (!Files.isDirectory(log)) {
      throw new IOException(
          dir
              + (Files.isDirectory(dir) ? " holds no log" : " is not a directory")
              + ". Give the directory that the node was started with ('start --dir').");
    }
    Path lock = dir.resolve("lock");
    if (!Files.exists(lock)) {
      return new StoppedNode(log, null); // a copy or a backup, which nobody runs on
    }
    FileChannel channel = FileChannel.open(lock, StandardOpenOption.READ);
    boolean held = false;
    try {
      // Shared, as a file opened for reading allows no other; a sidecar's own lock excludes it.
      FileLock ours = channel.tryLock(0, Long.MAX_VALUE, true);
      held = ours != null;
    } catch (OverlappingFileLockException e) {
      // Held by this very process; told like any other holder.
    } finally {
      if (!held) {
        channel.close();
      }
    }
    if (!held) {
      throw new IOException("a sidecar is running on " + dir + ". Stop it first.");
    }
    return new StoppedNode(log, channel);
  }

  /** Where the payload log is. */
  Path log() {
    return log;
  }

  @Override
  public void close() throws IOException {
    if (lock != null) {
      lock.close();
    }
  }
}
