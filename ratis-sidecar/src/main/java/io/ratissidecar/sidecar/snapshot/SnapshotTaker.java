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
   * @throws IOException when it could not be taken; nothing is left of it
   */
  Taken take(Replication replication) throws IOException, InterruptedException {
    try (RdbSource rdb = redis.openRdbSource()) {
      source = rdb;
      Fork fork = fork(rdb, replication.applier());
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

  private Fork fork(RdbSource rdb, Applier applier) throws IOException, InterruptedException {
    CompletableFuture<Long> quiet = new CompletableFuture<>();
    long start = System.nanoTime();
    loop.execute(() -> applier.hold(() -> quiet.complete(applier.appliedEntry())));
    try {
      long index = quiet.get(PATIENCE.toMillis(), TimeUnit.MILLISECONDS);
      rdb.awaitFork(PATIENCE);
      return new Fork(index, System.nanoTime() - start);
    } catch (TimeoutException e) {
      throw new IOException("the local Redis has not answered the last entries in time", e);
    } catch (ExecutionException e) {
      throw new IllegalStateException(e); // nobody fails it
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
