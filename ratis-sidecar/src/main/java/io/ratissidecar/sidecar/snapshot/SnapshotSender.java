package io.ratissidecar.sidecar.snapshot;

import io.ratissidecar.sidecar.membership.PeerProtocol;
import io.ratissidecar.sidecar.membership.SnapshotOffer;
import io.ratissidecar.snapshot.Snapshot;
import io.ratissidecar.snapshot.SnapshotGoneException;
import java.io.IOException;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.function.LongSupplier;

/**
 * Lets other nodes read this node's snapshots. One that was asked for a short while ago is pinned:
 * somebody is about to read the rest of it, and then the log behind it.
 *
 * <p>For any thread.
 */
final class SnapshotSender implements SnapshotOffer {
  /** Longer than a reader needs to come back after its connection was cut. */
  static final long PIN_NANOS = TimeUnit.SECONDS.toNanos(30);

  /** At this rate at least a reader checks what it has, before it comes back for the log. */
  private static final long CHECKED_BYTES_PER_SECOND = 20 << 20;

  private final SoundSnapshots snapshots;
  private final Executor reader;
  private final Consumer<Snapshot> check;
  private final LongSupplier nanoClock;
  private final int maxChunkBytes;
  private final Map<Long, Long> pinnedUntilNanos = new HashMap<>();

  /**
   * @param reader runs what reads files
   * @param check has a snapshot checked that may be damaged
   * @param maxReplyBytes what may wait for a connection without its being closed
   */
  SnapshotSender(
      SoundSnapshots snapshots,
      Executor reader,
      Consumer<Snapshot> check,
      LongSupplier nanoClock,
      long maxReplyBytes) {
    this.snapshots = snapshots;
    this.reader = reader;
    this.check = check;
    this.nanoClock = nanoClock;
    this.maxChunkBytes = (int) Math.min(Snapshot.MAX_CHUNK_BYTES, maxReplyBytes / 2);
  }

  @Override
  public CompletableFuture<byte[]> latest() {
    return manifest(snapshots.latest(), "this node has none");
  }

  @Override
  public CompletableFuture<byte[]> manifest(long index, long term) {
    return manifest(snapshots.find(index, term), missing(index, term));
  }

  private CompletableFuture<byte[]> manifest(Optional<Snapshot> snapshot, String missing) {
    if (snapshot.isEmpty()) {
      return gone(missing);
    }
    pin(snapshot.get());
    return CompletableFuture.completedFuture(snapshot.get().manifest().toBytes());
  }

  @Override
  public CompletableFuture<byte[]> chunk(long index, long term, long offset, int length) {
    Optional<Snapshot> snapshot = snapshots.find(index, term);
    if (snapshot.isEmpty()) {
      return gone(missing(index, term));
    }
    if (offset < 0 || length < 1) {
      return CompletableFuture.failedFuture(
          new IllegalArgumentException("there are no " + length + " bytes at offset " + offset));
    }
    pin(snapshot.get());
    CompletableFuture<byte[]> chunk = new CompletableFuture<>();
    try {
      reader.execute(() -> read(snapshot.get(), offset, Math.min(length, maxChunkBytes), chunk));
    } catch (RejectedExecutionException e) {
      chunk.completeExceptionally(new IOException("this node is stopping"));
    }
    return chunk;
  }

  @Override
  public void doubt(long index, long term) {
    snapshots.find(index, term).ifPresent(check);
  }

  private void read(Snapshot snapshot, long offset, int length, CompletableFuture<byte[]> chunk) {
    try {
      chunk.complete(snapshot.read(offset, length));
    } catch (SnapshotGoneException e) {
      chunk.completeExceptionally(refusal(e.getMessage()));
    } catch (IOException e) {
      check.accept(snapshot);
      chunk.completeExceptionally(e);
    } catch (RuntimeException e) {
      chunk.completeExceptionally(e);
    }
  }

  private static String missing(long index, long term) {
    return "there is none of entry " + index + " of term " + term;
  }

  private static SnapshotGoneException refusal(String why) {
    return new SnapshotGoneException(PeerProtocol.NO_SNAPSHOT + " " + why);
  }

  private static CompletableFuture<byte[]> gone(String why) {
    return CompletableFuture.failedFuture(refusal(why));
  }

  private synchronized void pin(Snapshot snapshot) {
    long check =
        TimeUnit.SECONDS.toNanos(snapshot.manifest().rdbBytes() / CHECKED_BYTES_PER_SECOND);
    pinnedUntilNanos.put(snapshot.manifest().index(), nanoClock.getAsLong() + PIN_NANOS + check);
  }

  private synchronized Set<Long> pinned() {
    long now = nanoClock.getAsLong();
    pinnedUntilNanos.values().removeIf(until -> now - until >= 0);
    return Set.copyOf(pinnedUntilNanos.keySet());
  }

  /** Whether somebody reads it: then it must not be deleted. */
  boolean isPinned(Snapshot snapshot) {
    return pinned().contains(snapshot.manifest().index());
  }

  /** The oldest snapshot that somebody reads: the log behind it will be needed next. */
  Optional<Snapshot> oldestPinned() {
    Set<Long> pinned = pinned();
    return snapshots.list().stream()
        .filter(s -> pinned.contains(s.manifest().index()))
        .reduce((newer, older) -> older);
  }
}
