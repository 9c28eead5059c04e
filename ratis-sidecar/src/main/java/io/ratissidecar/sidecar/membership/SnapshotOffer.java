package io.ratissidecar.sidecar.membership;

import io.ratissidecar.snapshot.SnapshotGoneException;
import java.util.concurrent.CompletableFuture;

/**
 * This node's snapshots as others may have them. For any thread, and never blocks. Each future
 * fails with {@link SnapshotGoneException}, whose message begins with {@link
 * PeerProtocol#NO_SNAPSHOT}, when the snapshot is not there.
 */
public interface SnapshotOffer {
  /** The manifest of the newest. */
  CompletableFuture<byte[]> latest();

  /** The manifest of that of an entry. */
  CompletableFuture<byte[]> manifest(long index, long term);

  /** A part of the RDB of that of an entry; may be shorter than asked for, empty behind the end. */
  CompletableFuture<byte[]> chunk(long index, long term, long offset, int length);

  /** Somebody got something damaged for that of an entry. */
  void doubt(long index, long term);
}
