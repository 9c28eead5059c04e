package io.ratissidecar.sidecar.snapshot;

import io.ratissidecar.sidecar.resp.RespEndpoint;
import io.ratissidecar.snapshot.InvalidSnapshotException;
import io.ratissidecar.snapshot.PartialSnapshot;
import io.ratissidecar.snapshot.Snapshot;
import io.ratissidecar.snapshot.SnapshotDownload;
import io.ratissidecar.snapshot.SnapshotDownload.Progress;
import io.ratissidecar.snapshot.SnapshotStore;
import io.ratissidecar.snapshot.Throttle;
import java.io.IOException;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import java.util.function.IntSupplier;
import java.util.function.LongSupplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Gets a snapshot from another node into this node's store, however often the connection is lost.
 *
 * <p>For one thread, which it blocks; {@link #progress} is for any.
 */
public final class SnapshotFetcher {
  private static final Logger LOG = LoggerFactory.getLogger(SnapshotFetcher.class);
  private static final long FIRST_PAUSE_NANOS = TimeUnit.MILLISECONDS.toNanos(100);
  private static final long LONGEST_PAUSE_NANOS = TimeUnit.SECONDS.toNanos(5);

  private final SnapshotStore store;
  private final String clusterId;
  private final Optional<String> password;
  private final IntSupplier newestRdbVersion;
  private final Throttle throttle;
  private final Throttle.Sleeper sleeper;
  private volatile SnapshotDownload download;

  /**
   * @param newestRdbVersion that the local Redis can load
   * @param password what other nodes ask for
   * @param bytesPerSecond 0 for no limit
   */
  public SnapshotFetcher(
      SnapshotStore store,
      String clusterId,
      IntSupplier newestRdbVersion,
      Optional<String> password,
      long bytesPerSecond,
      LongSupplier nanoClock,
      Throttle.Sleeper sleeper) {
    this.store = store;
    this.clusterId = clusterId;
    this.newestRdbVersion = newestRdbVersion;
    this.password = password;
    this.throttle = new Throttle(bytesPerSecond, nanoClock, sleeper);
    this.sleeper = sleeper;
  }

  /** How far the snapshot is that is being fetched, or was fetched last. Any thread. */
  public Progress progress() {
    SnapshotDownload current = download;
    return current == null ? new Progress(0, 0) : current.progress();
  }

  /**
   * Tries until it has one. An interruption ends it, at the latest when the other node has not
   * answered for ten seconds.
   *
   * @param address {@code host:port} for clients of the node that has it
   * @param atLeast the index from which on a snapshot is of use
   * @param wanted asked often; once it says no, as when another node leads, the attempt ends. What
   *     has come stays for the next one
   * @return the snapshot, which is in the store; empty when it was not wanted any more
   */
  public Optional<Snapshot> fetch(String address, long atLeast, BooleanSupplier wanted)
      throws InterruptedException {
    return fetch(address, wanted, from -> from.run(atLeast));
  }

  /**
   * As {@link #fetch}, for a node whose own snapshots are wrong.
   *
   * @return all of the snapshot, checked and not published
   */
  public Optional<PartialSnapshot> fetchAnew(String address, long atLeast, BooleanSupplier wanted)
      throws InterruptedException {
    return fetch(address, wanted, from -> from.runAnew(atLeast));
  }

  private interface Attempt<T> {
    T run(SnapshotDownload from) throws IOException, InterruptedException;
  }

  private <T> Optional<T> fetch(String address, BooleanSupplier wanted, Attempt<T> attempt)
      throws InterruptedException {
    PeerSnapshots source =
        new PeerSnapshots(RespEndpoint.parse(address, password), clusterId, wanted);
    download = new SnapshotDownload(store, source, clusterId, throttle, newestRdbVersion);
    try {
      return fetch(address, wanted, attempt, download);
    } finally {
      close(source);
    }
  }

  private <T> Optional<T> fetch(
      String address, BooleanSupplier wanted, Attempt<T> attempt, SnapshotDownload from)
      throws InterruptedException {
    long pause = FIRST_PAUSE_NANOS;
    while (wanted.getAsBoolean()) {
      long before = from.progress().bytes();
      try {
        return Optional.of(attempt.run(from));
      } catch (IOException e) {
        if (wanted.getAsBoolean()) {
          Progress progress = from.progress();
          LOG.warn(
              "The snapshot from {} is not here yet, {} of {} bytes: {}",
              address,
              progress.bytes(),
              progress.total(),
              e.toString());
          if (progress.bytes() > before && !(e instanceof InvalidSnapshotException)) {
            pause = FIRST_PAUSE_NANOS; // it works, but for a cut now and then
          }
          sleeper.sleep(pause);
          pause = Math.min(2 * pause, LONGEST_PAUSE_NANOS);
        }
      }
    }
    return Optional.empty();
  }

  private static void close(PeerSnapshots source) {
    try {
      source.close();
    } catch (IOException e) {
      LOG.debug("A connection for a snapshot was not closed: {}", e.toString());
    }
  }
}
