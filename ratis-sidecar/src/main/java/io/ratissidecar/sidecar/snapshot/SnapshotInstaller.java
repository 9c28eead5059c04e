package io.ratissidecar.sidecar.snapshot;

import io.ratissidecar.sidecar.config.SidecarConfig;
import io.ratissidecar.sidecar.raft.Member;
import io.ratissidecar.sidecar.raft.Replication;
import io.ratissidecar.snapshot.Snapshot;
import io.ratissidecar.snapshot.SnapshotDownload.Progress;
import io.ratissidecar.snapshot.SnapshotStore;
import java.io.IOException;
import java.util.Optional;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.BooleanSupplier;
import java.util.function.IntSupplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Brings a node that needs entries which the leader has no more to a snapshot of the leader's:
 * fetches it, and has replication begin anew, which then goes on behind it. Brings a node whose
 * data is wrong to another node's snapshot. Until it was fetched and checked nothing changes.
 *
 * <p>A thread of its own, {@code snapshot-fetch}, does the work; its methods are for any thread.
 */
final class SnapshotInstaller implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(SnapshotInstaller.class);

  private static final long POLL_MILLIS = 20;
  private static final long PATIENCE_NANOS = TimeUnit.SECONDS.toNanos(60);

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

  private volatile boolean repairing;

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
    return replication != superseded
        && replication.raft().group().commitIndex() < firstAvailable
        && begin(() -> fetchFromLeader(replication, firstAvailable - 1));
  }

  private interface Work {
    void run() throws IOException, InterruptedException;
  }

  /** One at a time. */
  private boolean begin(Work work) {
    if (!busy.compareAndSet(false, true)) {
      return false;
    }
    try {
      thread.execute(
          () -> {
            try {
              work.run();
            } catch (IOException | RuntimeException e) {
              LOG.warn("This node's data was not replaced: {}", e.toString());
            } catch (InterruptedException e) {
              Thread.currentThread().interrupt();
            } finally {
              fetcher = null;
              repairing = false;
              busy.set(false);
            }
          });
      return true;
    } catch (RejectedExecutionException e) {
      busy.set(false); // this node stops
      return false;
    }
  }

  private void fetchFromLeader(Replication replication, long atLeast) throws InterruptedException {
    Optional<Member> leader = replication.raft().group().leader();
    if (leader.isEmpty() || replication.isClosed()) {
      return;
    }
    LOG.info(
        "The leader, node {}, has no more entry {} of the log; fetching its snapshot",
        leader.get().id(),
        atLeast);
    Optional<Snapshot> snapshot =
        fetch(
            replication,
            leader.get(),
            atLeast,
            () -> !replication.isClosed() && replication.raft().group().leader().equals(leader));
    if (snapshot.isPresent()) { // else the next leader says what it has
      superseded = replication;
      replacing = true;
      restart.run();
    }
  }

  private Optional<Snapshot> fetch(
      Replication replication, Member source, long atLeast, BooleanSupplier wanted)
      throws InterruptedException {
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
    Optional<Snapshot> snapshot = fetcher.fetch(source.clientAddress(), atLeast, wanted);
    if (snapshot.isPresent()) {
      received.incrementAndGet();
      LOG.info(
          "The snapshot of entry {} is here: {} bytes in {} ms",
          snapshot.get().manifest().index(),
          snapshot.get().manifest().rdbBytes(),
          TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - start));
    }
    return snapshot;
  }

  /** Puts a snapshot in the place of all data of this node. On this class's thread. */
  interface Replacement {
    /** Deletes what there is, and has Redis loaded. */
    void begin(Snapshot right) throws IOException, InterruptedException;

    /** Whether Redis holds the snapshot's data. */
    boolean isOver();

    /** It does. */
    void over(Snapshot right);
  }

  /**
   * Fetches a snapshot for a node whose own data, and so each of its own snapshots, is wrong, while
   * its log is right. Gives up when nothing comes for a minute.
   *
   * @param source has the right data, and a snapshot of it
   * @param atLeast the index from which on its snapshots are of use
   * @return whether it has begun to
   */
  boolean repair(Replication replication, Member source, long atLeast, Replacement replacement) {
    return begin(
        () -> {
          repairing = true;
          store.list().forEach(store::markDamaged);
          Optional<Snapshot> right =
              fetch(replication, source, atLeast, whileSomethingComes(replication));
          if (right.isEmpty()) {
            throw new IOException("no snapshot came from node " + source.id());
          }
          // Meanwhile the log goes on; Redis is loaded from the snapshot and from what is behind.
          long index = right.get().manifest().index();
          while (replication.applier().appliedIndex() < index) {
            awaitMore(replication);
          }
          replacement.begin(right.get());
          while (!replacement.isOver()) {
            awaitMore(replication);
          }
          replacement.over(right.get());
        });
  }

  private static void awaitMore(Replication replication) throws IOException, InterruptedException {
    if (replication.isClosed()) {
      throw new IOException("this node begins anew, or stops");
    }
    TimeUnit.MILLISECONDS.sleep(POLL_MILLIS);
  }

  private BooleanSupplier whileSomethingComes(Replication replication) {
    return new BooleanSupplier() {
      private Optional<Progress> last = Optional.empty();
      private long sinceNanos = System.nanoTime();

      @Override
      public boolean getAsBoolean() {
        Optional<Progress> now = progress();
        if (!now.equals(last)) {
          last = now;
          sinceNanos = System.nanoTime();
        }
        return !replication.isClosed() && System.nanoTime() - sinceNanos < PATIENCE_NANOS;
      }
    };
  }

  /** True while this node's data is known to be wrong, and about to be replaced. */
  boolean isRepairing() {
    return repairing;
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
    return replacing || repairing || fetcher != null;
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
