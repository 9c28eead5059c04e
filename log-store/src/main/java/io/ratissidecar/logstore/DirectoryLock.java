package io.ratissidecar.logstore;

import java.io.Closeable;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.Files;
import java.nio.file.OpenOption;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Optional;

/**
 * Keeps other processes, and other holders in this one, out of a directory. The operating system
 * drops it when the process dies.
 */
public final class DirectoryLock implements Closeable {
  private static final String FILE = "lock";

  private final Closeable held;

  private DirectoryLock(Closeable held) {
    this.held = held;
  }

  /** Takes the directory, which must exist, for this holder alone; empty when somebody has it. */
  public static Optional<DirectoryLock> tryAcquire(Path dir) throws IOException {
    return lock(dir.resolve(FILE), false, StandardOpenOption.CREATE, StandardOpenOption.WRITE);
  }

  /**
   * Takes the directory together with others who only read; empty when somebody has it alone.
   * Writes nothing: a directory in which nobody ever took the lock, such as a copy, is free.
   */
  public static Optional<DirectoryLock> tryShare(Path dir) throws IOException {
    Path file = dir.resolve(FILE);
    return Files.exists(file)
        ? lock(file, true, StandardOpenOption.READ)
        : Optional.of(new DirectoryLock(() -> {}));
  }

  private static Optional<DirectoryLock> lock(Path file, boolean shared, OpenOption... options)
      throws IOException {
    FileChannel channel = FileChannel.open(file, options);
    boolean held = false;
    try {
      held = channel.tryLock(0, Long.MAX_VALUE, shared) != null;
    } catch (OverlappingFileLockException e) {
      // This very process has it; told like any other holder.
    } finally {
      if (!held) {
        channel.close();
      }
    }
    return held ? Optional.of(new DirectoryLock(channel)) : Optional.empty();
  }

  @Override
  public void close() throws IOException {
    held.close();
  }
}
