package io.ratissidecar.snapshot;

import io.ratissidecar.statemachine.entry.UnsupportedFormatException;
import java.io.IOException;
import java.nio.channels.ClosedByInterruptException;
import java.util.Optional;
import java.util.function.IntSupplier;

/**
 * Fetches another node's snapshot, piece by piece, and publishes it in this node's store once all
 * of it was checked. What has arrived stays when the connection is lost, or the process ends: the
 * next run goes on behind it.
 *
 * <p>For one thread, which it blocks; {@link #progress} is for any. Needs little memory, whatever
 * the snapshot's size.
 */
public final class SnapshotDownload {
  /** How much of the RDB is here, and how much there will be; both 0 before that is known. */
  public record Progress(long bytes, long total) {}

  private final SnapshotStore store;
  private final ChunkSource source;
  private final String clusterId;
  private final Throttle throttle;
  private final IntSupplier newestRdbVersion;
  private volatile Progress progress = new Progress(0, 0);

  /**
   * @param clusterId the cluster whose state it must be
   * @param newestRdbVersion that the Redis which it is for can load; asked when one begins
   */
  public SnapshotDownload(
      SnapshotStore store,
      ChunkSource source,
      String clusterId,
      Throttle throttle,
      IntSupplier newestRdbVersion) {
    this.newestRdbVersion = newestRdbVersion;
    this.store = store;
    this.source = source;
    this.clusterId = clusterId;
    this.throttle = throttle;
  }

  /** How far it is. Any thread. */
  public Progress progress() {
    return progress;
  }

  /**
   * Fetches the source's newest snapshot, or the rest of the one that was begun if the source still
   * has it and it is new enough. Fetches nothing when the store has one that is and is sound.
   *
   * @param atLeast the index from which on a snapshot is of use
   * @throws InvalidSnapshotException when what came is not a whole snapshot of the cluster: nothing
   *     of it is kept, and the source is told that its own may be damaged; also when the local
   *     Redis could not load it
   * @throws NoRoomException when it does not fit on the disk; nothing of it is kept
   * @throws SnapshotGoneException when the source has deleted it: another run gets a newer one
   * @throws IOException when the source can't be reached any more: another run goes on
   */
  public Snapshot run(long atLeast) throws IOException, InterruptedException {
    Optional<Snapshot> own =
        store.latest().filter(s -> s.manifest().index() >= atLeast && !store.isDamaged(s));
    if (own.isPresent()) {
      return own.get();
    }
    return interruptibly(() -> fetch(atLeast).publish());
  }

  /**
   * As {@link #run}, for a node whose own snapshots are wrong: they do not count. What came was
   * checked, and is to be published by the caller.
   */
  public PartialSnapshot runAnew(long atLeast) throws IOException, InterruptedException {
    return interruptibly(() -> fetch(atLeast));
  }

  private interface Work<T> {
    T run() throws IOException, InterruptedException;
  }

  private static <T> T interruptibly(Work<T> work) throws IOException, InterruptedException {
    try {
      return work.run();
    } catch (ClosedByInterruptException e) {
      Thread.interrupted(); // told by the exception instead
      throw new InterruptedException("interrupted while a snapshot was fetched");
    }
  }

  private PartialSnapshot fetch(long atLeast) throws IOException, InterruptedException {
    PartialSnapshot partial = begin(atLeast);
    receive(partial);
    try {
      partial.verify();
    } catch (InvalidSnapshotException e) {
      throw damaged(partial, e);
    }
    return partial;
  }

  private PartialSnapshot begin(long atLeast) throws IOException {
    Optional<PartialSnapshot> begun = store.partial();
    if (begun.isPresent()) {
      if (begun.get().manifest().index() >= atLeast && isAtSource(begun.get())) {
        return begun.get();
      }
      begun.get().delete();
    }
    SnapshotManifest manifest = parse(source.latest());
    if (!manifest.clusterId().equals(clusterId)) {
      throw new InvalidSnapshotException(
          "the snapshot is of cluster " + manifest.clusterId() + ", not of " + clusterId);
    }
    if (manifest.index() < atLeast) {
      throw new SnapshotGoneException(
          "the newest snapshot is of entry " + manifest.index() + ", needed is " + atLeast);
    }
    return store.beginPartial(manifest);
  }

  /** Each node has an RDB of its own, even of the same entry. */
  private boolean isAtSource(PartialSnapshot partial) throws IOException {
    SnapshotManifest wanted = partial.manifest();
    try {
      return partial.bytes() <= wanted.rdbBytes()
          && parse(source.manifest(wanted.index(), wanted.term())).equals(wanted);
    } catch (SnapshotGoneException e) {
      return false;
    }
  }

  private static SnapshotManifest parse(byte[] bytes) throws IOException {
    try {
      return SnapshotManifest.parse(bytes, "the manifest of the other node's snapshot");
    } catch (UnsupportedFormatException e) {
      throw new InvalidSnapshotException(e.getMessage());
    }
  }

  /** Perhaps on the way, perhaps at the source, which would send it again and again. */
  private IOException damaged(PartialSnapshot partial, InvalidSnapshotException e)
      throws IOException {
    partial.delete();
    try {
      source.doubt(partial.manifest().index(), partial.manifest().term());
    } catch (IOException unheard) {
      e.addSuppressed(unheard);
    }
    return e;
  }

  private static void append(PartialSnapshot partial, byte[] chunk) throws IOException {
    try {
      partial.append(chunk);
    } catch (ClosedByInterruptException e) {
      throw e; // what has come is as good as before
    } catch (IOException e) {
      partial.delete(); // what can't be finished must not keep the disk full
      throw e;
    }
  }

  /** The version stands at the very beginning, so nobody waits for the rest in vain. */
  private void requireLoadable(PartialSnapshot partial) throws IOException {
    int version;
    try {
      version = partial.version();
    } catch (InvalidSnapshotException e) {
      throw damaged(partial, e);
    }
    int newest = newestRdbVersion.getAsInt();
    if (version > newest) {
      partial.delete();
      throw new InvalidSnapshotException(RdbFile.tooNew(version, newest));
    }
  }

  private void receive(PartialSnapshot partial) throws IOException, InterruptedException {
    SnapshotManifest manifest = partial.manifest();
    long total = manifest.rdbBytes();
    long offset = partial.bytes();
    progress = new Progress(offset, total);
    boolean loadable = false;
    while (offset < total) {
      if (Thread.interrupted()) {
        throw new InterruptedException("interrupted while a snapshot was fetched");
      }
      int length = (int) Math.min(throttle.pieceBytes(Snapshot.MAX_CHUNK_BYTES), total - offset);
      byte[] chunk = source.read(manifest.index(), manifest.term(), offset, length);
      if (chunk.length == 0 || chunk.length > length) {
        partial.delete();
        throw new InvalidSnapshotException(
            String.format(
                "the other node sends %d bytes of its snapshot of entry %d at offset %d, where %d"
                    + " of %d were asked for",
                chunk.length, manifest.index(), offset, length, total));
      }
      append(partial, chunk);
      offset += chunk.length;
      progress = new Progress(offset, total);
      if (!loadable && offset >= RdbScanner.HEADER_BYTES) {
        requireLoadable(partial);
        loadable = true;
      }
      throttle.transferred(chunk.length);
    }
  }
}
