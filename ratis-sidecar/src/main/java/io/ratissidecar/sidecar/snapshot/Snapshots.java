package io.ratissidecar.sidecar.snapshot;

import io.ratissidecar.sidecar.config.SidecarConfig;
import io.ratissidecar.sidecar.membership.RestartStep;
import io.ratissidecar.sidecar.membership.SnapshotOffer;
import io.ratissidecar.sidecar.raft.ClusterIdentity;
import io.ratissidecar.sidecar.raft.Member;
import io.ratissidecar.sidecar.raft.Replication;
import io.ratissidecar.sidecar.redis.LocalRedis;
import io.ratissidecar.snapshot.Snapshot;
import io.ratissidecar.snapshot.SnapshotManifest;
import io.ratissidecar.snapshot.SnapshotStore;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executor;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Function;
import java.util.function.Supplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Takes the node's snapshots when they are due or asked for, and cuts the logs behind them; gives
 * them to other nodes, and fetches those of others. A snapshot that fails leaves everything as it
 * was.
 *
 * <p>A thread of its own, {@code snapshot}, takes and cuts; what is public may be called on any
 * thread.
 */
public final class Snapshots implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(Snapshots.class);

  private static final long CHECK_MILLIS = 500;

  private static final String REPAIRING =
      "this node's data is about to be replaced by another node's";

  /** How long after a failure the next one is tried. */
  private static final Duration AFTER_FAILURE = Duration.ofSeconds(10);

  private final SnapshotPolicy policy;
  private final SnapshotStore store;
  private final SoundSnapshots sound;
  private final LocalRedis redis;
  private final Executor loop;
  private final SnapshotTaker taker;
  private final SnapshotSeeder seeder;
  private final SnapshotSender sender;
  private final SnapshotInstaller installer;
  private final Compaction compaction;
  private final Supplier<Optional<Replication>> replication;
  private final ScheduledExecutorService thread =
      Executors.newSingleThreadScheduledExecutor(work -> new Thread(work, "snapshot"));
  private final ExecutorService reader =
      Executors.newSingleThreadExecutor(work -> new Thread(work, "snapshot-reader"));
  private volatile Counts counts = new Counts(0, 0, "", 0, 0);
  private final AtomicReference<Snapshot> doubted = new AtomicReference<>();

  /** The thread is at work with something that may take a while. */
  private volatile boolean busy;

  private volatile boolean stopping;
  private long lastNanos = System.nanoTime();
  private boolean lastFailed;

  private record Counts(long taken, long failed, String error, long nanos, long pauseNanos) {
    Counts withTaken(long nanos, long pauseNanos) {
      return new Counts(taken + 1, failed, "", nanos, pauseNanos);
    }

    Counts withFailed(String why) {
      return new Counts(taken, failed + 1, why, nanos, pauseNanos);
    }
  }

  /**
   * @param loop runs on the front loop
   * @param replication the node's part in a cluster, if it has any
   * @param restart closes the replication, does the step, and begins anew from the newest snapshot
   */
  public Snapshots(
      SidecarConfig config,
      SnapshotStore store,
      LocalRedis redis,
      Executor loop,
      Supplier<Optional<Replication>> replication,
      Function<RestartStep, CompletableFuture<Void>> restart) {
    this.policy = SnapshotPolicy.of(config);
    this.store = store;
    this.redis = redis;
    this.loop = loop;
    this.taker = new SnapshotTaker(store, redis, loop);
    this.seeder = new SnapshotSeeder(store, redis);
    this.replication = replication;
    this.sound = new SoundSnapshots(store, this::isSpoilt);
    this.sender =
        new SnapshotSender(
            sound, reader, this::check, System::nanoTime, config.outputBufferBytes());
    this.installer = new SnapshotInstaller(config, store, this::newestRdbVersion, restart);
    this.compaction = new Compaction(store, sound, policy, sender, this::isInstalling);
  }

  /** What is about to be replaced must not spread either. */
  private boolean isSpoilt(long index) {
    return installer.isRepairing()
        || replication.get().filter(r -> r.applier().isSpoilt(index)).isPresent();
  }

  private int newestRdbVersion() {
    try {
      return redis.rdbVersion();
    } catch (IOException e) {
      return Integer.MAX_VALUE; // it is asked again before it gets the snapshot
    }
  }

  /** Looks after them from now on. */
  public void start() {
    thread.scheduleWithFixedDelay(
        this::takeIfDue, CHECK_MILLIS, CHECK_MILLIS, TimeUnit.MILLISECONDS);
  }

  /**
   * Takes one now, behind those that are under way. Completes with the newest one, which is an
   * older one when nothing has changed since; fails with an {@link IOException} that says why.
   */
  public CompletableFuture<Snapshot> take() {
    CompletableFuture<Snapshot> done = new CompletableFuture<>();
    onThread(
        done,
        () ->
            take(
                replication
                    .get()
                    .orElseThrow(() -> new IOException("this node is in no cluster"))));
    return done;
  }

  /**
   * Takes one of exactly the entry that was sent last. Call it on the front loop, in the turn in
   * which that was sent. Completes as {@link #take} does, and fails too while the thread is at
   * work.
   */
  public CompletableFuture<Snapshot> takeHere(Replication current) {
    CompletableFuture<Snapshot> done = new CompletableFuture<>();
    if (busy) { // entries would be held back until it ends
      done.completeExceptionally(new IOException("the node is at work with another snapshot"));
      return done;
    }
    if (installer.isRepairing()) {
      done.completeExceptionally(new IOException(REPAIRING));
      return done;
    }
    SnapshotTaker.Hold hold = SnapshotTaker.hold(current.applier());
    onThread(
        done,
        () -> {
          if (installer.isRepairing()) { // it has begun behind the check above
            hold.release(current.applier(), loop);
            throw new IOException(REPAIRING);
          }
          Snapshot snapshot = takeNow(() -> taker.take(current, hold));
          cut(current);
          return snapshot;
        });
    return done;
  }

  private interface Work {
    Snapshot run() throws IOException, InterruptedException;
  }

  private void onThread(CompletableFuture<Snapshot> done, Work work) {
    try {
      thread.execute(
          () -> {
            busy = true;
            try {
              done.complete(work.run());
            } catch (IOException | RuntimeException | Error e) {
              done.completeExceptionally(e);
            } catch (InterruptedException e) {
              Thread.currentThread().interrupt();
              done.completeExceptionally(new IOException("the node stops", e));
            } finally {
              busy = false;
            }
          });
    } catch (RejectedExecutionException e) {
      done.completeExceptionally(new IOException("the node stops", e));
    }
  }

  private void takeIfDue() {
    try {
      Optional<Replication> current = replication.get().filter(r -> !r.isClosed());
      if (current.isPresent() && !installer.isRepairing()) {
        busy = true;
        compaction.finish(new ReplicatedLog(current.get()));
        if (isDue(current.get())) {
          take(current.get());
        }
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    } catch (SnapshotFailedException e) {
      // Told already; the old snapshot and the log are still there.
    } catch (IOException | RuntimeException | Error e) {
      // Whatever it was: without snapshots the log would grow for ever, so it goes on.
      failed("Looking after the snapshots failed, which is tried again", e);
    } finally {
      busy = false;
    }
  }

  /** A snapshot could not be taken, which was told. */
  private static final class SnapshotFailedException extends IOException {
    private static final long serialVersionUID = 1L;

    SnapshotFailedException(Throwable cause) {
      super(String.valueOf(cause.getMessage()), cause);
    }
  }

  private void failed(String what, Throwable e) {
    if (!stopping) {
      LOG.warn("{}: {}", what, String.valueOf(e));
      counts = counts.withFailed(String.valueOf(e.getMessage()));
    }
  }

  private boolean isDue(Replication current) throws IOException {
    Duration sinceLast = Duration.ofNanos(System.nanoTime() - lastNanos);
    if (isInstalling() // what this node has is about to be replaced
        || !current.applier().redisIsReady()
        || (lastFailed && sinceLast.compareTo(AFTER_FAILURE) < 0)) {
      return false;
    }
    Optional<Snapshot> newest = store.latest();
    long last = newest.map(s -> s.manifest().index()).orElse(0L);
    long applied = current.applier().appliedIndex();
    if (newest.isPresent() && !sound.isSound(newest.get())) {
      return applied >= last && !sound.isSpoilt(applied);
    }
    return applied > last
        && policy.isDue(current.raft().payload().bytesAfter(last), applied - last, sinceLast);
  }

  private Snapshot take(Replication current) throws IOException, InterruptedException {
    if (installer.isRepairing()) {
      throw new IOException(REPAIRING);
    }
    Optional<Snapshot> latest =
        sound.latest().filter(s -> s.manifest().index() == current.applier().appliedEntry());
    // Where nothing has changed since, nobody may need the log any more.
    Snapshot snapshot = latest.isPresent() ? latest.get() : takeNow(() -> taker.take(current));
    cut(current);
    return snapshot;
  }

  /** Another node could not use it, or it could not be read. Any thread. */
  private void check(Snapshot snapshot) {
    if (!doubted.compareAndSet(null, snapshot)) {
      return; // one at a time; who can't use another one says so again
    }
    try {
      thread.execute(
          () -> {
            busy = true;
            try {
              checkNow(snapshot);
            } finally {
              busy = false;
              doubted.set(null);
            }
          });
    } catch (RejectedExecutionException e) {
      LOG.debug("The node stops; the snapshot of entry {} stays", snapshot.manifest().index());
    }
  }

  private void checkNow(Snapshot snapshot) {
    try {
      snapshot.verify();
      LOG.info("The snapshot of entry {} is sound here", snapshot.manifest().index());
    } catch (IOException | RuntimeException e) {
      if (store.list().contains(snapshot)) {
        store.markDamaged(snapshot);
        failed("A snapshot is damaged; another one takes its place", e);
      }
    }
  }

  private interface Taking {
    SnapshotTaker.Taken run() throws IOException, InterruptedException;
  }

  private Snapshot takeNow(Taking taking) throws SnapshotFailedException, InterruptedException {
    long start = System.nanoTime();
    try {
      SnapshotTaker.Taken taken = taking.run();
      SnapshotManifest manifest = taken.snapshot().manifest();
      long nanos = System.nanoTime() - start;
      lastFailed = false;
      counts = counts.withTaken(nanos, taken.pauseNanos());
      LOG.info(
          "Took a snapshot of entry {}: {} bytes in {} ms; no entry was applied for {} ms",
          manifest.index(),
          manifest.rdbBytes(),
          TimeUnit.NANOSECONDS.toMillis(nanos),
          TimeUnit.NANOSECONDS.toMillis(taken.pauseNanos()));
      return taken.snapshot();
    } catch (IOException | RuntimeException e) {
      lastFailed = true;
      failed("No snapshot could be taken, which is tried again", e);
      throw new SnapshotFailedException(e);
    } finally {
      lastNanos = System.nanoTime();
    }
  }

  private void cut(Replication current) throws IOException {
    compaction.run(new ReplicatedLog(current));
  }

  private record ReplicatedLog(Replication replication) implements Compaction.Log {
    @Override
    public boolean redisIsReady() {
      return replication.applier().redisIsReady();
    }

    @Override
    public long appliedIndex() {
      return replication.applier().appliedIndex();
    }

    @Override
    public long startOfNewest(long bytes) {
      return replication.raft().payload().startOfNewest(bytes);
    }

    @Override
    public boolean dropEntriesBelow(long firstKept) throws IOException {
      return replication.raft().dropEntriesBelow(firstKept);
    }
  }

  /** As {@link SnapshotSeeder#seed}. On one thread. */
  public void seed(Path rdb, int reservedDatabase, ClusterIdentity identity, Member self)
      throws IOException {
    seeder.seed(rdb, reservedDatabase, identity, self);
  }

  /** All that are there, the newest first. */
  public SnapshotStore store() {
    return store;
  }

  /** For other nodes. */
  public SnapshotOffer offer() {
    return sender;
  }

  /** As {@link SnapshotInstaller#install}. */
  public void install(Replication current, long firstAvailable) {
    installer.install(current, firstAvailable);
  }

  /**
   * This node's data is wrong, and its log is right: takes the data of another node, and deletes
   * its own snapshots.
   *
   * @param sources as for {@link SnapshotInstaller#repair}
   * @param replaced called while there is no replication, when the data is in place
   * @return completes when replication has begun anew, and Redis is about to be loaded; fails when
   *     it does not come to that, and nothing was changed
   */
  public CompletableFuture<Void> repair(
      Replication current, List<Member> sources, long entry, Runnable replaced) {
    return installer.repair(
        current,
        sources,
        entry,
        new SnapshotInstaller.Patient() {
          @Override
          public void quiesce(Runnable quiet) throws IOException, InterruptedException {
            try {
              thread.submit(quiet).get(); // behind what is under way there
            } catch (RejectedExecutionException | ExecutionException e) {
              throw new IOException("the node stops", e);
            }
          }

          @Override
          public long logsBeginning() {
            return current.raft().logsBeginning();
          }

          @Override
          public boolean isSpoilt(long index) {
            return current.applier().isSpoilt(index);
          }

          @Override
          public void distrustRedis() throws IOException {
            redis.distrust();
            replaced.run();
          }
        });
  }

  /** As {@link SnapshotInstaller#isInstalling}: this node's data is old meanwhile. */
  public boolean isInstalling() {
    return installer.isInstalling(replication.get());
  }

  /** What there is and what became of it. */
  public SnapshotReport report() {
    Counts c = counts;
    return new SnapshotReport(
        store.latest().map(Snapshot::manifest),
        c.taken(),
        c.failed(),
        c.error(),
        c.nanos(),
        c.pauseNanos(),
        taker.bytesWritten(),
        seeder.bytesWritten(),
        redis.isLoading(),
        installer.received(),
        installer.progress());
  }

  /** What is under way is given up, but for a cut, which must not be interrupted. */
  @Override
  public void close() {
    stopping = true;
    installer.close();
    reader.shutdown();
    thread.shutdown();
    taker.abort();
  }
}
