package io.ratissidecar.cli.log;

import io.ratissidecar.logstore.DirectoryLock;
import io.ratissidecar.snapshot.Snapshot;
import io.ratissidecar.snapshot.SnapshotStore;
import java.io.Closeable;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/** A node's directory, held against a sidecar that would start meanwhile. Writes nothing. */
final class StoppedNode implements Closeable {
  private final Path log;
  private final Path snapshots;
  private final DirectoryLock lock;

  private StoppedNode(Path dir, DirectoryLock lock) {
    this.log = dir.resolve("log");
    this.snapshots = dir.resolve("snapshots");
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
    return new StoppedNode(
        dir,
        DirectoryLock.tryShare(dir)
            .orElseThrow(
                () -> new IOException("a sidecar is running on " + dir + ". Stop it first.")));
  }

  /** Where the payload log is. */
  Path log() {
    return log;
  }

  /** Its snapshots, the newest first. */
  List<Snapshot> snapshots() throws IOException {
    return SnapshotStore.readAll(snapshots);
  }

  @Override
  public void close() throws IOException {
    lock.close();
  }
}
