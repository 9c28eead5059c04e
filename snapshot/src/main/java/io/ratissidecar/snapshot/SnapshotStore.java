package io.ratissidecar.snapshot;

import io.ratissidecar.statemachine.entry.UnsupportedFormatException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Predicate;

/**
 * The snapshots of a node: one directory each, named for its entry. What is being written stands in
 * a temporary directory beside them and is published by giving it its name, so that there is never
 * half a snapshot under such a name. What has come so far of another node's snapshot has a
 * directory and a name of its own, and outlives the process.
 *
 * <p>One thread may take a snapshot and one fetch one at a time; any may read.
 */
public final class SnapshotStore {
  private static final String PREFIX = "snapshot-";
  private static final String PARTIAL = "partial-";
  private static final String TEMPORARY = "tmp-";
  private static final String REPLACED = "replaced-";

  private final Path dir;
  private final DiskRoom room;
  private final AtomicInteger drafts = new AtomicInteger();
  private final Set<Snapshot> damaged = ConcurrentHashMap.newKeySet();
  private volatile List<Snapshot> snapshots;

  private SnapshotStore(Path dir, DiskRoom room, List<Snapshot> snapshots) {
    this.dir = dir;
    this.room = room;
    this.snapshots = List.copyOf(snapshots);
  }

  /**
   * Opens the directory, which is made if it is missing, and deletes what was never published, but
   * for a copy of another node's snapshot that may still be of use.
   *
   * @throws InvalidSnapshotException when a manifest is damaged
   */
  public static SnapshotStore open(Path dir) throws IOException {
    return open(dir, DiskRoom.of(dir));
  }

  static SnapshotStore open(Path dir, DiskRoom room) throws IOException {
    Files.createDirectories(dir);
    try (DirectoryStream<Path> entries = Files.newDirectoryStream(dir, TEMPORARY + "*")) {
      for (Path entry : entries) {
        deleteDirectory(entry);
      }
    }
    finishReplacing(dir);
    SnapshotStore store = new SnapshotStore(dir, room, readAll(dir));
    store.deleteSupersededPartial();
    return store;
  }

  private static void finishReplacing(Path dir) throws IOException {
    try (DirectoryStream<Path> entries = Files.newDirectoryStream(dir, REPLACED + "*")) {
      for (Path entry : entries) {
        Path target = dir.resolve(entry.getFileName().toString().substring(REPLACED.length()));
        if (Files.exists(target)) {
          deleteDirectory(entry);
        } else {
          Files.move(entry, target, StandardCopyOption.ATOMIC_MOVE);
          syncDirectory(dir);
        }
      }
    }
  }

  private static Snapshot readPublished(Path entry) throws IOException {
    try {
      return Snapshot.read(entry);
    } catch (IOException e) {
      throw new InvalidSnapshotException(
          (e instanceof InvalidSnapshotException ? e.getMessage() : entry + " can't be read: " + e)
              + ". Nothing was changed. If "
              + entry
              + " is not the newest, move it away; else remove this node and join it again under a"
              + " new id");
    }
  }

  /** Directories of the snapshots that were published, the oldest first; for tools. */
  public static List<Path> directories(Path dir) throws IOException {
    List<Path> found = new ArrayList<>();
    if (Files.isDirectory(dir)) {
      try (DirectoryStream<Path> entries = Files.newDirectoryStream(dir, PREFIX + "*")) {
        entries.forEach(found::add);
      }
    }
    found.sort(Comparator.naturalOrder());
    return found;
  }

  /**
   * Those in a directory, the newest first, also of a node that does not run; none when it is
   * missing. Changes nothing.
   *
   * @throws InvalidSnapshotException when a manifest is damaged
   */
  public static List<Snapshot> readAll(Path dir) throws IOException {
    List<Snapshot> found = new ArrayList<>();
    for (Path entry : directories(dir)) {
      found.add(readPublished(entry));
    }
    found.sort(newestFirst());
    return found;
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

  /** That of an entry. */
  public Optional<Snapshot> find(long index, long term) {
    return snapshots.stream()
        .filter(s -> s.manifest().index() == index && s.manifest().term() == term)
        .findFirst();
  }

  /**
   * It was found that the snapshot can't be loaded. It stays, since the log may begin behind it,
   * until a sound one takes its place. Forgotten at the end of the process. Any thread.
   */
  public void markDamaged(Snapshot snapshot) {
    damaged.add(snapshot);
  }

  /** Whether the snapshot is known to be damaged. Any thread. */
  public boolean isDamaged(Snapshot snapshot) {
    return damaged.contains(snapshot);
  }

  /** Begins a snapshot. */
  public SnapshotDraft begin() throws IOException {
    return new SnapshotDraft(this, newTemporary(), room);
  }

  private Path newTemporary() throws IOException {
    return Files.createDirectory(dir.resolve(TEMPORARY + drafts.incrementAndGet()));
  }

  private Path directory(String prefix, SnapshotManifest manifest) {
    return dir.resolve(String.format("%s%020d-%d", prefix, manifest.index(), manifest.term()));
  }

  /** Begins the copy of another node's snapshot. */
  PartialSnapshot beginPartial(SnapshotManifest manifest) throws IOException {
    Path temporary = newTemporary();
    writeManifest(temporary, manifest);
    Path partial = directory(PARTIAL, manifest);
    Files.move(temporary, partial, StandardCopyOption.ATOMIC_MOVE);
    return new PartialSnapshot(this, partial, manifest, room);
  }

  /** The copy that was begun and not published. */
  Optional<PartialSnapshot> partial() throws IOException {
    try (DirectoryStream<Path> entries = Files.newDirectoryStream(dir, PARTIAL + "*")) {
      for (Path entry : entries) { // there is never more than one
        try {
          return Optional.of(
              new PartialSnapshot(this, entry, Snapshot.read(entry).manifest(), room));
        } catch (InvalidSnapshotException | NoSuchFileException | UnsupportedFormatException e) {
          deleteDirectory(entry); // without a manifest it is of no use, and it can be had again
        }
      }
    }
    return Optional.empty();
  }

  private boolean isSuperseded(PartialSnapshot partial) {
    return latest().filter(s -> s.manifest().index() >= partial.manifest().index()).isPresent();
  }

  static void writeManifest(Path directory, SnapshotManifest manifest) throws IOException {
    try (FileChannel out =
        FileChannel.open(
            directory.resolve(Snapshot.MANIFEST_NAME),
            StandardOpenOption.CREATE_NEW,
            StandardOpenOption.WRITE)) {
      out.write(ByteBuffer.wrap(manifest.toBytes()));
      out.force(true);
    }
  }

  /**
   * Gives a directory with synced files its name: once this returns, it is there after any crash.
   * Of two of the same entry the older one stays, unless it is damaged.
   */
  synchronized Snapshot publish(Path ready, SnapshotManifest manifest) throws IOException {
    Optional<Snapshot> same = find(manifest.index(), manifest.term());
    if (same.isPresent() && !isDamaged(same.get())) {
      deleteDirectory(ready);
      return same.get();
    }
    return put(ready, manifest);
  }

  /** As {@link #publish}, and deletes all others, one of the same entry among them. */
  synchronized Snapshot publishAlone(Path ready, SnapshotManifest manifest) throws IOException {
    Snapshot only = put(ready, manifest);
    retain(only::equals);
    return only;
  }

  private Snapshot put(Path ready, SnapshotManifest manifest) throws IOException {
    syncDirectory(ready);
    Path target = directory(PREFIX, manifest);
    Optional<Snapshot> same = find(manifest.index(), manifest.term());
    // Two steps: whoever dies in between finds the former one again.
    Path replaced = dir.resolve(REPLACED + target.getFileName());
    if (same.isPresent()) {
      Files.move(target, replaced);
    }
    Files.move(ready, target, StandardCopyOption.ATOMIC_MOVE);
    syncDirectory(dir);
    Snapshot snapshot = new Snapshot(target, manifest);
    List<Snapshot> next = new ArrayList<>(snapshots);
    same.ifPresent(next::remove);
    same.ifPresent(damaged::remove);
    next.add(snapshot);
    next.sort(newestFirst());
    snapshots = List.copyOf(next);
    if (same.isPresent()) {
      deleteDirectory(replaced);
    }
    return snapshot;
  }

  /** Deletes all but those that are to be kept. */
  public synchronized void retain(Predicate<Snapshot> kept) throws IOException {
    delete(snapshots.stream().filter(Predicate.not(kept)).toList());
  }

  /**
   * Deletes the seeds. Before a node becomes part of a cluster they are left from attempts that
   * came to nothing.
   */
  public synchronized void deleteSeeds() throws IOException {
    delete(snapshots.stream().filter(s -> s.manifest().isSeed()).toList());
  }

  private void delete(List<Snapshot> old) throws IOException {
    List<Snapshot> kept = new ArrayList<>(snapshots);
    kept.removeAll(old);
    snapshots = List.copyOf(kept);
    damaged.removeAll(old);
    for (Snapshot snapshot : old) {
      // Without its manifest first, it would be a damaged one after a crash.
      Path doomed = dir.resolve(TEMPORARY + snapshot.dir().getFileName());
      Files.move(snapshot.dir(), doomed);
      deleteDirectory(doomed);
    }
  }

  /** Deletes the copy that was begun if it is of no use any more. While none is being fetched. */
  public void deleteSupersededPartial() throws IOException {
    Optional<PartialSnapshot> partial = partial();
    if (partial.isPresent() && isSuperseded(partial.get())) {
      partial.get().delete();
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
