package io.ratissidecar.sidecar.snapshot;

import io.ratissidecar.sidecar.config.SidecarConfig;
import io.ratissidecar.sidecar.membership.RestartStep;
import io.ratissidecar.sidecar.raft.Member;
import io.ratissidecar.sidecar.raft.Replication;
import io.ratissidecar.snapshot.PartialSnapshot;
import io.ratissidecar.snapshot.Snapshot;
import io.ratissidecar.snapshot.SnapshotDownload.Progress;
import io.ratissidecar.snapshot.SnapshotManifest;
import io.ratissidecar.snapshot.SnapshotStore;
import java.io.IOException;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.BooleanSupplier;
import java.util.function.Function;
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

  private static final long PATIENCE_NANOS = TimeUnit.SECONDS.toNanos(60);

  private final SidecarConfig config;
  private final SnapshotStore store;
  private final IntSupplier newestRdbVersion;
  private final Function<RestartStep, CompletableFuture<Void>> restart;
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
   * @param restart closes the replication, does the step, and begins anew from the newest snapshot
   */
  SnapshotInstaller(
      SidecarConfig config,
      SnapshotStore store,
      IntSupplier newestRdbVersion,
      Function<RestartStep, CompletableFuture<Void>> restart) {
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
              LOG.warn("No snapshot was installed: {}", e.toString());
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

  private void fetchFromLeader(Replication replication, long atLeast)
      throws IOException, InterruptedException {
    Optional<Member> leader = replication.raft().group().leader();
    if (leader.isEmpty() || replication.isClosed()) {
      return;
    }
    LOG.info(
        "The leader, node {}, has no more entry {} of the log; fetching its snapshot",
        leader.get().id(),
        atLeast);
    long start = System.nanoTime();
    fetcher = fetcher(replication);
    Optional<Snapshot> snapshot =
        fetcher.fetch(
            leader.get().clientAddress(),
            atLeast,
            () -> !replication.isClosed() && replication.raft().group().leader().equals(leader));
    if (snapshot.isEmpty()) {
      return; // the next leader says what it has
    }
    received(snapshot.get().manifest(), start);
    beginAnew(replication, () -> {});
  }

  private void beginAnew(Replication replication, RestartStep between)
      throws IOException, InterruptedException {
    superseded = replication;
    replacing = true;
    try {
      restart.apply(between).get();
    } catch (ExecutionException e) {
      throw new IOException(e.getCause());
    }
  }

  private SnapshotFetcher fetcher(Replication replication) {
    return new SnapshotFetcher(
        store,
        replication.raft().identity().clusterId(),
        newestRdbVersion,
        config.password(),
        config.snapshotBandwidth(),
        System::nanoTime,
        TimeUnit.NANOSECONDS::sleep);
  }

  private void received(SnapshotManifest manifest, long startNanos) {
    received.incrementAndGet();
    LOG.info(
        "The snapshot of entry {} is here: {} bytes in {} ms",
        manifest.index(),
        manifest.rdbBytes(),
        TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - startNanos));
  }

  /** What a repair needs of the node. On this class's thread. */
  interface Patient {
    /**
     * Waits until no snapshot of this node's own is being taken, and has none taken, and no log
     * cut, as long as {@link #isRepairing}.
     */
    void quiesce(Runnable quiet) throws IOException, InterruptedException;

    /** The lowest entry whose snapshot the log goes on from. */
    long logsBeginning();

    /** Whether data of this entry may have the effect of a void command. */
    boolean isSpoilt(long index);

    /** Has Redis loaded from the node's only snapshot, whatever it holds. */
    void distrustRedis() throws IOException;
  }

  /**
   * Gives a node whose data, and so each of its snapshots, is wrong the data of another one:
   * fetches a snapshot, and has replication begin anew from it. The log is right, and stays.
   *
   * @param sources have the right data, and a snapshot of it; each is asked until nothing comes
   *     from it for a minute
   * @param entry from which on their snapshots are right
   * @return completes when replication has begun anew; fails when it does not come to that, and
   *     nothing was changed
   */
  CompletableFuture<Void> repair(
      Replication replication, List<Member> sources, long entry, Patient patient) {
    CompletableFuture<Void> done = new CompletableFuture<>();
    boolean begun =
        replication != superseded
            && !replication.isClosed()
            && begin(
                () -> {
                  try {
                    repairNow(replication, sources, entry, patient);
                    done.complete(null);
                  } catch (IOException | RuntimeException | InterruptedException e) {
                    done.completeExceptionally(e);
                    throw e;
                  }
                });
    if (!begun) {
      done.completeExceptionally(new IOException("another snapshot is just being fetched"));
    }
    return done;
  }

  private void repairNow(Replication replication, List<Member> sources, long entry, Patient patient)
      throws IOException, InterruptedException {
    patient.quiesce(() -> repairing = true);
    long atLeast = Math.max(entry, patient.logsBeginning());
    PartialSnapshot right = fetchAnew(replication, sources, atLeast);
    requireUnspoilt(right, patient);
    beginAnew(
        replication,
        () -> {
          requireUnspoilt(right, patient);
          right.publishAlone();
          patient.distrustRedis();
        });
  }

  private static void requireUnspoilt(PartialSnapshot right, Patient patient) throws IOException {
    if (patient.isSpoilt(right.manifest().index())) {
      throw new IOException(
          "the snapshot of entry "
              + right.manifest().index()
              + " has the effect of a command that was declared void");
    }
  }

  private PartialSnapshot fetchAnew(Replication replication, List<Member> sources, long atLeast)
      throws IOException, InterruptedException {
    long start = System.nanoTime();
    for (Member source : sources) {
      LOG.info("Fetching the data of node {} in place of this node's", source.id());
      fetcher = fetcher(replication);
      Optional<PartialSnapshot> right =
          fetcher.fetchAnew(source.clientAddress(), atLeast, whileSomethingComes(replication));
      if (right.isPresent()) {
        received(right.get().manifest(), start);
        return right.get();
      }
    }
    throw new IOException("none of the nodes that have the right data has sent it");
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

  /** True while this node's snapshots are known to be wrong, and about to be replaced. */
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
