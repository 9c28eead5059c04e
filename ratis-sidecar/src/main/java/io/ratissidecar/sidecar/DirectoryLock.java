package io.ratissidecar.sidecar;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/**
 * Keeps a second process away from a node's directory. The operating system drops it when the
 * process dies.
 */
final class DirectoryLock implements AutoCloseable {
  private final FileChannel file;

  private DirectoryLock(FileChannel file) {
    this.file = file;
  }

  static DirectoryLock acquire(Path dir) throws IOException {
    Files.createDirectories(dir);
    FileChannel file =
        FileChannel.open(dir.resolve("lock"), StandardOpenOption.CREATE, StandardOpenOption.WRITE);
    try {
      FileLock lock = file.tryLock();
      if (lock != null) {
        return new DirectoryLock(file);
      }
    } catch (OverlappingFileLockException e) {
      // The same process holds it; told like any other holder.
    }
    file.close();
    throw new IOException("another sidecar is running with the directory " + dir);
  }

  @Override
  public void close() throws IOException {
    file.close();
  }
}
