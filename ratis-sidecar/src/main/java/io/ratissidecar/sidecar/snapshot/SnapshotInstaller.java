package io.ratissidecar.sidecar.snapshot;

import io.ratissidecar.sidecar.config.SidecarConfig;
import io.ratissidecar.sidecar.raft.Member;
import io.ratissidecar.sidecar.raft.Replication;
import io.ratissidecar.snapshot.Snapshot;
import io.ratissidecar.snapshot.SnapshotDownload.Progress;
import io.ratissidecar.snapshot.SnapshotStore;
import java.util.Optional;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.IntSupplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Brings a node that needs entries which the leader has no more to a snapshot of the leader's:
 * fetches it, and has replication begin anew, which then goes on behind it. Until it was fetched
 * and checked nothing changes.
 *
 * <p>A thread of its own, {@code snapshot-fetch}, does the work; its methods are for any thread.
 */
final class SnapshotInstaller implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(SnapshotInstaller.class);

  private final SidecarConfig config;
  private final SnapshotStore store;
  private final IntSupplier newestRdbVersion;
  private final Runnable restart;
  private final AtomicBoolean busy = new AtomicBoolean();
  private final AtomicInteger received = new AtomicInteger();
  private final ExecutorService thread =
      Executors.newSingleThreadExecutor(work -> new Thread(work, "snapshot-fetch"));
  private volatile SnapshotFetcher fetcher;

  /** Its snapshot is here, and it is about to be closed. */
  private volatile Replication superseded;

  /** Its successor does not have the snapshot's data in Redis yet. */
  private volatile boolean replacing;

  /**
   * @param newestRdbVersion that the local Redis can load
   * @param restart closes the replication and begins anew
   */
  SnapshotInstaller(
      SidecarConfig config, SnapshotStore store, IntSupplier newestRdbVersion, Runnable restart) {
    this.config = config;
    this.store = store;
    this.newestRdbVersion = newestRdbVersion;
    this.restart = restart;
  }

  /**
   * Fetches a snapshot from the leader, unless that is under way, or this node's log goes back far
   * enough after all.
   *
   * <p>A node whose last committed entry is the one before the leader's first has no use for that
   * log: nobody can tell it whether the two fit together.
   *
   * @param firstAvailable the first entry that the leader still has
   * @return whether it has begun to fetch one
   */
  boolean install(Replication replication, long firstAvailable) {
    if (replication == superseded
        || replication.raft().group().commitIndex() >= firstAvailable
        || !busy.compareAndSet(false, true)) {
      return false;
    }
    try {
      thread.execute(() -> fetchGuarded(replication, firstAvailable - 1));
      return true;
    } catch (RejectedExecutionException e) {
      busy.set(false); // this node stops
      return false;
    }
  }

  private void fetchGuarded(Replication replication, long atLeast) {
    try {
      fetch(replication, atLeast);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    } finally {
      fetcher = null;
      busy.set(false);
    }
  }

  private void fetch(Replication replication, long atLeast) throws InterruptedException {
    Optional<Member> leader = replication.raft().group().leader();
    if (leader.isEmpty() || replication.isClosed()) {
      return;
    }
    LOG.info(
        "The leader, node {}, has no more entry {} of the log; fetching its snapshot",
        leader.get().id(),
        atLeast);
    long start = System.nanoTime();
    fetcher =
        new SnapshotFetcher(
            store,
            replication.raft().identity().clusterId(),
            newestRdbVersion,
            config.password(),
            config.snapshotBandwidth(),
            System::nanoTime,
            TimeUnit.NANOSECONDS::sleep);
    Optional<Snapshot> snapshot =
        fetcher.fetch(
            leader.get().clientAddress(),
            atLeast,
            () -> !replication.isClosed() && replication.raft().group().leader().equals(leader));
    if (snapshot.isEmpty()) {
      return; // the next leader says what it has
    }
    received.incrementAndGet();
    LOG.info(
        "The snapshot of entry {} is here: {} bytes in {} ms",
        snapshot.get().manifest().index(),
        snapshot.get().manifest().rdbBytes(),
        TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - start));
    superseded = replication;
    replacing = true;
    restart.run();
  }

  /** How far the snapshot is that is being fetched; empty when none is. */
  Optional<Progress> progress() {
    SnapshotFetcher current = fetcher;
    return current == null ? Optional.empty() : Optional.of(current.progress());
  }

  /**
   * True from the moment at which a snapshot begins to come until Redis holds its data.
   *
   * @param current the node's part in a cluster, if it has any
   */
  boolean isInstalling(Optional<Replication> current) {
    if (replacing
        && current.filter(r -> r != superseded && r.applier().redisIsReady()).isPresent()) {
      replacing = false;
    }
    return replacing || fetcher != null;
  }

  /** How many snapshots have come since the process was started. */
  int received() {
    return received.get();
  }

  /** What is being fetched is given up; the next process goes on with it. */
  @Override
  public void close() {
    thread.shutdownNow();
  }
}
