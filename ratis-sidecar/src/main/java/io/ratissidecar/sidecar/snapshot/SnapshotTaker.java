package io.ratissidecar.sidecar.snapshot;

import io.ratissidecar.sidecar.raft.Applier;
import io.ratissidecar.sidecar.raft.Member;
import io.ratissidecar.sidecar.raft.Replication;
import io.ratissidecar.sidecar.redis.LocalRedis;
import io.ratissidecar.sidecar.redis.RdbSource;
import io.ratissidecar.snapshot.Snapshot;
import io.ratissidecar.snapshot.SnapshotDraft;
import io.ratissidecar.snapshot.SnapshotStore;
import java.io.IOException;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Takes a snapshot of the local Redis at exactly one entry: no entry is sent to it from before it
 * forks until it has. On the snapshot thread.
 */
final class SnapshotTaker {
  private static final Logger LOG = LoggerFactory.getLogger(SnapshotTaker.class);

  /** Longer than this entries do not wait: then something else keeps Redis from forking. */
  private static final Duration PATIENCE = Duration.ofSeconds(2);

  /** While entries wait, only a child that has just ended is waited for. */
  private static final Duration PATIENCE_HELD = Duration.ofMillis(200);

  private final SnapshotStore store;
  private final LocalRedis redis;
  private final Executor loop;
  private volatile SnapshotDraft draft;
  private volatile RdbSource source;

  /**
   * @param loop runs on the front loop
   */
  SnapshotTaker(SnapshotStore store, LocalRedis redis, Executor loop) {
    this.store = store;
    this.redis = redis;
    this.loop = loop;
  }

  /**
   * A snapshot and what it cost.
   *
   * @param pauseNanos how long no entry was applied
   */
  record Taken(Snapshot snapshot, long pauseNanos) {}

  /**
   * Entries that are held back.
   *
   * @param quiet the last entry that Redis has, once it has answered it
   * @param nanos when that began
   */
  record Hold(CompletableFuture<Long> quiet, long nanos) {
    /** Entries go on, unless it is somebody else who holds them. */
    void release(Applier applier, Executor loop) {
      if (!quiet.isCompletedExceptionally()) {
        loop.execute(applier::release);
      }
    }
  }

  /** Sends no entry from now on, until a snapshot was taken; on the front loop. */
  static Hold hold(Applier applier) {
    CompletableFuture<Long> quiet = new CompletableFuture<>();
    if (!applier.hold(() -> quiet.complete(applier.appliedEntry()))) {
      quiet.completeExceptionally(new IOException("another snapshot is being taken"));
    }
    return new Hold(quiet, System.nanoTime());
  }

  /**
   * Takes one of the entry that Redis has.
   *
   * @throws IOException when it could not be taken; nothing is left of it
   */
  Taken take(Replication replication) throws IOException, InterruptedException {
    try (RdbSource rdb = redis.openRdbSource(PATIENCE)) {
      CompletableFuture<Hold> hold = new CompletableFuture<>();
      loop.execute(() -> hold.complete(hold(replication.applier())));
      return take(replication, rdb, hold.join());
    }
  }

  /** As {@link #take(Replication)}, of the entry at which entries are held. */
  Taken take(Replication replication, Hold hold) throws IOException, InterruptedException {
    RdbSource opened;
    try {
      opened = redis.openRdbSource(PATIENCE_HELD);
    } catch (IOException | RuntimeException e) {
      hold.release(replication.applier(), loop);
      throw e;
    }
    try (RdbSource rdb = opened) {
      return take(replication, rdb, hold);
    }
  }

  private Taken take(Replication replication, RdbSource rdb, Hold hold)
      throws IOException, InterruptedException {
    try {
      source = rdb;
      Fork fork = fork(rdb, replication.applier(), hold);
      try (SnapshotDraft begun = store.begin()) {
        draft = begun;
        rdb.copyTo(begun.out());
        if (replication.isClosed() || !redis.isSound()) {
          throw new IOException("the local Redis is being brought to another state");
        }
        Snapshot snapshot =
            begun.publish(
                replication.raft().identity().clusterId(),
                fork.index(),
                replication.raft().group().members().stream().map(Member::format).toList(),
                redis.version());
        return new Taken(snapshot, fork.pauseNanos());
      }
    } finally {
      draft = null;
      source = null;
    }
  }

  /**
   * @param index the entry whose state Redis was held at
   */
  private record Fork(long index, long pauseNanos) {}

  private Fork fork(RdbSource rdb, Applier applier, Hold hold)
      throws IOException, InterruptedException {
    long index;
    try {
      index = hold.quiet().get(PATIENCE.toMillis(), TimeUnit.MILLISECONDS);
    } catch (ExecutionException e) {
      throw new IOException(e.getCause().getMessage(), e); // it is not ours to release
    } catch (TimeoutException e) {
      loop.execute(applier::release);
      throw new IOException("the local Redis has not answered the last entries in time", e);
    }
    try {
      rdb.awaitFork(PATIENCE);
      return new Fork(index, System.nanoTime() - hold.nanos());
    } finally {
      loop.execute(applier::release);
    }
  }

  /** Ends the one that is being taken. Any thread. */
  void abort() {
    RdbSource current = source;
    if (current != null) {
      try {
        current.close();
      } catch (IOException e) {
        LOG.debug("The connection for a snapshot was not closed: {}", e.toString());
      }
    }
  }

  /** Bytes written of the snapshot that is being taken; -1 when none is. Any thread. */
  long bytesWritten() {
    SnapshotDraft current = draft;
    return current == null ? -1 : current.bytes();
  }
}
