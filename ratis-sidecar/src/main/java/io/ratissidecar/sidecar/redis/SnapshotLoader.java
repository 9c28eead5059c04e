package io.ratissidecar.sidecar.redis;

import io.ratissidecar.sidecar.resp.RespEndpoint;
import io.ratissidecar.snapshot.InvalidSnapshotException;
import io.ratissidecar.snapshot.RdbFile;
import io.ratissidecar.snapshot.Snapshot;
import io.ratissidecar.statemachine.apply.AppliedMarker;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Replaces the data of the local Redis by that of a snapshot: Redis becomes a replica of this
 * process for one full resynchronisation. On the control thread, which waits.
 */
final class SnapshotLoader {
  private static final Logger LOG = LoggerFactory.getLogger(SnapshotLoader.class);

  private static final long POLL_MILLIS = 20;

  private static final Duration CONNECT_TIMEOUT = Duration.ofSeconds(5);

  private final RespEndpoint endpoint;

  SnapshotLoader(RespEndpoint endpoint) {
    this.endpoint = endpoint;
  }

  /**
   * Returns when Redis holds the snapshot's data and follows nobody.
   *
   * @throws InvalidSnapshotException when the snapshot is damaged; nothing was changed then
   * @throws IOException when Redis did not take it; its data is then of no use
   */
  void load(Snapshot snapshot, RedisControl control, int reservedDatabase)
      throws IOException, InterruptedException {
    int version = snapshot.verify().version();
    int newest = control.rdbVersion(reservedDatabase);
    if (version > newest) {
      throw new UnfitRedisException(RdbFile.tooNew(version, newest));
    }
    long start = System.nanoTime();
    control.flushAll(); // then Redis can load what comes without a file between
    try (RdbPrimary primary = new RdbPrimary(reachable())) {
      try {
        CompletableFuture<Void> served = serve(primary, snapshot);
        control.replicaOf(primary.address());
        awaitLoaded(control, served);
      } finally {
        control.replicaOfNoOne();
      }
    }
    Optional<AppliedMarker> marker = control.marker(reservedDatabase);
    if (marker.isEmpty()
        || !marker.get().isWhole()
        || marker.get().applied() != snapshot.manifest().index()) {
      throw new IOException(
          "after loading the snapshot of entry "
              + snapshot.manifest().index()
              + " Redis says: "
              + marker);
    }
    LOG.info(
        "Loaded the snapshot of entry {}: {} bytes in {} ms",
        snapshot.manifest().index(),
        snapshot.manifest().rdbBytes(),
        TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - start));
  }

  private static CompletableFuture<Void> serve(RdbPrimary primary, Snapshot snapshot) {
    CompletableFuture<Void> served = new CompletableFuture<>();
    Thread thread =
        new Thread(
            () -> {
              try {
                primary.serve(snapshot.rdb());
                served.complete(null);
              } catch (IOException | RuntimeException e) {
                served.completeExceptionally(e);
              }
            },
            "rdb-primary");
    thread.setDaemon(true);
    thread.start();
    return served;
  }

  private static void awaitLoaded(RedisControl control, CompletableFuture<Void> served)
      throws IOException, InterruptedException {
    while (true) {
      Map<String, String> replication = control.info("replication");
      if ("up".equals(replication.get("master_link_status"))) {
        return;
      }
      if (served.isDone()) {
        try {
          served.join();
          throw new IOException(
              "it did not take the snapshot that it was sent; its own log says why");
        } catch (CompletionException e) {
          throw new IOException("Redis could not be sent a snapshot: " + e.getCause(), e);
        }
      }
      Thread.sleep(POLL_MILLIS);
    }
  }

  /** An address of this machine that the local Redis can connect to. */
  private InetAddress reachable() throws IOException {
    if (endpoint.port() == 0) {
      return InetAddress.getLoopbackAddress();
    }
    try (Socket probe = new Socket()) {
      probe.connect(
          new InetSocketAddress(endpoint.host(), endpoint.port()),
          (int) CONNECT_TIMEOUT.toMillis());
      return probe.getLocalAddress();
    }
  }
}
