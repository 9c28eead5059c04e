package io.ratissidecar.snapshot;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * The snapshots of a node: one directory each, named for its entry. What is being written stands in
 * a temporary directory beside them and is published by giving it its name, so that there is never
 * half a snapshot under such a name.
 *
 * <p>One thread may write at a time; any may read.
 */
public final class SnapshotStore {
  private static final String PREFIX = "snapshot-";
  private static final String TEMPORARY = "tmp-";

  private final Path dir;
  private final AtomicInteger drafts = new AtomicInteger();
  private volatile List<Snapshot> snapshots;

  private SnapshotStore(Path dir, List<Snapshot> snapshots) {
    this.dir = dir;
    this.snapshots = List.copyOf(snapshots);
  }

  /**
   * Opens the directory, which is made if it is missing, and deletes what was never published.
   *
   * @throws InvalidSnapshotException when a manifest is damaged
   */
  public static SnapshotStore open(Path dir) throws IOException {
    Files.createDirectories(dir);
    List<Snapshot> found = new ArrayList<>();
    try (DirectoryStream<Path> entries = Files.newDirectoryStream(dir)) {
      for (Path entry : entries) {
        String name = entry.getFileName().toString();
        if (name.startsWith(TEMPORARY)) {
          deleteDirectory(entry);
        } else if (name.startsWith(PREFIX)) {
          found.add(Snapshot.read(entry));
        }
      }
    }
    found.sort(newestFirst());
    return new SnapshotStore(dir, found);
  }

  private static Comparator<Snapshot> newestFirst() {
    return Comparator.comparingLong((Snapshot s) -> s.manifest().index()).reversed();
  }

  /** All that are there, the newest first. */
  public List<Snapshot> list() {
    return snapshots;
  }

  /** The newest. */
  public Optional<Snapshot> latest() {
    return snapshots.stream().findFirst();
  }

  /** Begins a snapshot. */
  public SnapshotDraft begin() throws IOException {
    Path temporary = dir.resolve(TEMPORARY + drafts.incrementAndGet());
    Files.createDirectory(temporary);
    return new SnapshotDraft(this, temporary);
  }

  Path directory(SnapshotManifest manifest) {
    return dir.resolve(String.format("%s%020d-%d", PREFIX, manifest.index(), manifest.term()));
  }

  synchronized void published(Snapshot snapshot) {
    List<Snapshot> next = new ArrayList<>(snapshots);
    next.add(snapshot);
    next.sort(newestFirst());
    snapshots = List.copyOf(next);
  }

  /** Deletes all but the newest ones. */
  public synchronized void retain(int count) throws IOException {
    List<Snapshot> kept = snapshots.subList(0, Math.min(count, snapshots.size()));
    List<Snapshot> old = snapshots.subList(kept.size(), snapshots.size());
    snapshots = List.copyOf(kept);
    for (Snapshot snapshot : old) {
      // Without its manifest first, it would be a damaged one after a crash.
      Path doomed = dir.resolve(TEMPORARY + snapshot.dir().getFileName());
      Files.move(snapshot.dir(), doomed);
      deleteDirectory(doomed);
    }
  }

  static void deleteDirectory(Path doomed) throws IOException {
    try (DirectoryStream<Path> files = Files.newDirectoryStream(doomed)) {
      for (Path file : files) {
        Files.delete(file);
      }
    }
    Files.delete(doomed);
  }

  /** Makes it durable which files a directory has. */
  static void syncDirectory(Path directory) throws IOException {
    try (FileChannel channel = FileChannel.open(directory, StandardOpenOption.READ)) {
      channel.force(true);
    }
  }
}
