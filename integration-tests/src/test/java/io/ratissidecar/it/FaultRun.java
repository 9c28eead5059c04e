package io.ratissidecar.it;

import static org.junit.jupiter.api.Assertions.assertTrue;

import io.ratissidecar.jepsen.HistoryReport;
import io.ratissidecar.jepsen.Outcome;
import io.ratissidecar.jepsen.Workload;
import java.time.Duration;

/** Load on a cluster while a test hurts it, and the closing invariants at the end. */
final class FaultRun implements AutoCloseable {
  /** Within which a new leader has to serve. */
  static final Duration FAILOVER = Duration.ofMillis(Long.getLong("failover.millis", 2000));

  private static final int CLIENTS = 6;
  private static final int KEYS = 3;

  /** Short enough to see writes stand still, long enough to leave processor time to the nodes. */
  private static final long PAUSE_NANOS = 15_000_000;

  private static final int WARM_UP_OPERATIONS = 300;

  private final TestCluster cluster;
  private final LeaderWatch watch;
  private final Workload workload;

  FaultRun(TestCluster cluster) {
    this(cluster, PAUSE_NANOS);
  }

  /**
   * @param pauseNanos between a client's operations, all of which are remembered to the end
   */
  FaultRun(TestCluster cluster, long pauseNanos) {
    this.cluster = cluster;
    long seed = Long.getLong("seed", System.nanoTime());
    System.out.println("workload with -Dseed=" + seed);
    watch = new LeaderWatch(cluster);
    workload = new Workload(cluster.addresses(), KEYS, seed, pauseNanos).start(CLIENTS);
    awaitMore(WARM_UP_OPERATIONS);
  }

  /** Waits for so many more acknowledged operations. */
  void awaitMore(int operations) {
    long target = workload.history().count(Outcome.OK) + operations;
    Poll.until(
        operations + " more operations",
        TestCluster.PATIENCE,
        () -> workload.history().count(Outcome.OK) >= target);
  }

  /** Runs a fault under load and checks how soon a write that began after it is acknowledged. */
  void failover(String what, Runnable fault) {
    cluster.nodes().forEach(n -> n.note(what));
    long before = System.nanoTime();
    fault.run();
    Poll.until(
        "a write after: " + what,
        TestCluster.PATIENCE,
        () -> new HistoryReport(workload.history()).firstWriteAfter(before).isPresent());
    // Writes that were acknowledged before the fault took hold are no sign of life after it.
    awaitMore(100);
    HistoryReport report = new HistoryReport(workload.history());
    long gap = report.longestGapNanos(before - 100_000_000);
    System.out.printf("%s: writes stood still for %d ms%n", what, gap / 1_000_000);
    assertTrue(
        gap <= FAILOVER.toNanos(),
        () -> what + ": no write was acknowledged for " + gap / 1_000_000 + " ms");
  }

  /** Checks how soon a node that was not hurt takes a write; the load's clients may still hang. */
  void awaitWriteElsewhere(String what) {
    long before = System.nanoTime();
    Poll.until(
        "a write after: " + what,
        TestCluster.PATIENCE,
        () -> {
          for (Node node : cluster.running()) {
            if (!node.call("RAFT", "SET", "probe", what).isError()) {
              return true;
            }
          }
          return false;
        });
    long millis = (System.nanoTime() - before) / 1_000_000;
    System.out.printf("%s: a write was acknowledged after %d ms%n", what, millis);
    assertTrue(millis <= FAILOVER.toMillis(), what + ": no write for " + millis + " ms");
  }

  /** Ends the load. */
  HistoryReport stopLoad() {
    try {
      return new HistoryReport(workload.stop());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException(e);
    }
  }

  /** Ends the load and checks what must hold after every fault. */
  HistoryReport finish() {
    HistoryReport history = stopLoad();
    cluster.awaitLeader();
    watch.close();
    ClosingInvariants.check(cluster, history, watch.leaders());
    return history;
  }

  @Override
  public void close() {
    workload.close();
    watch.close();
  }
}
