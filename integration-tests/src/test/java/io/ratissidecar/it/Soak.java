package io.ratissidecar.it;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;

/**
 * A cluster under constant writes with snapshots every few seconds, whose nodes are killed one
 * after the other: nothing may grow, and nothing may be lost. {@code bin/soak} runs it.
 */
final class Soak {
  private static final long SNAPSHOT_LOG_BYTES = 8_000_000;
  private static final long SEGMENT_BYTES = 2 << 20;
  private static final int KEPT_SNAPSHOTS = 2;

  /** Kept, being taken, being fetched or deleted, and pinned by another node that reads it. */
  private static final int MOST_SNAPSHOTS = KEPT_SNAPSHOTS + 3;

  /** The time for which a snapshot is pinned, and that for one to be fetched. */
  private static final int PINNED_SECONDS = 45;

  private static final Duration LONGEST_PERIOD = Duration.ofSeconds(30);
  private static final int FEWEST_TURNS = 6;

  /** Between operations of those clients whose every operation is remembered to the end. */
  private static final long REMEMBERED_PAUSE_NANOS = 20_000_000;

  private static final String[] SETTINGS = {
    "--snapshot-log-bytes",
    "" + SNAPSHOT_LOG_BYTES,
    "--snapshot-interval-seconds",
    "4",
    "--segment-bytes",
    "" + SEGMENT_BYTES,
    "--log-retain-entries",
    "500"
  };

  private final Duration duration;
  private final long seed = Long.getLong("seed", System.nanoTime());

  Soak(Duration duration) {
    this.duration = duration;
  }

  /**
   * Runs it.
   *
   * @return the maxima
   * @throws AssertionError with what grew, or was wrong
   */
  String run() throws IOException {
    try (TestCluster cluster = TestCluster.of(3, SETTINGS)) {
      return run(cluster);
    }
  }

  private String run(TestCluster cluster) throws IOException {
    SoakFaults faults = new SoakFaults(cluster);
    try (FaultRun run = new FaultRun(cluster, REMEMBERED_PAUSE_NANOS);
        Churn churn = new Churn(cluster, seed)) {
      churn.awaitFilled();
      try (SoakWatch watch = new SoakWatch(cluster, faults)) {
        hurt(faults, watch.growth(), churn);
        List<String> problems = new ArrayList<>(watch.stop());
        problems.addAll(beyondBounds(watch.growth(), churn));
        churn.stop();
        run.finish();
        for (Node node : cluster.nodes()) {
          problems.addAll(churn.problems(node));
        }
        awaitTidy(cluster);
        String maxima = "maxima: " + watch.growth().maxima(0);
        if (!problems.isEmpty()) {
          throw new AssertionError(maxima + "\n" + String.join("\n", problems));
        }
        return maxima;
      }
    } catch (RuntimeException | IOException | Error e) {
      cluster.printLogs();
      throw e;
    }
  }

  private void hurt(SoakFaults faults, Growth growth, Churn churn) throws IOException {
    Duration part = duration.dividedBy(FEWEST_TURNS);
    Duration period = part.compareTo(LONGEST_PERIOD) < 0 ? part : LONGEST_PERIOD;
    long start = System.nanoTime();
    for (long turn = 1; turn <= duration.dividedBy(period); turn++) {
      long turnStart = System.nanoTime();
      faults.next();
      Poll.letRun(period.minusNanos(System.nanoTime() - turnStart));
      System.out.printf(
          "%.0f s: %s; %d writes so far; highest since the last line: %s%n",
          (System.nanoTime() - start) / 1e9,
          faults.doing(),
          churn.acknowledged(),
          growth.maxima((turnStart - start) / 1e9));
    }
  }

  /** What took more disk at any moment than its settings allow. */
  private List<String> beyondBounds(Growth growth, Churn churn) {
    List<String> problems = new ArrayList<>();
    // A node that reads a snapshot keeps the log behind it on the other one.
    long pinned = churn.acknowledgedBytes() / duration.toSeconds() * PINNED_SECONDS;
    long log = growth.max(Measure.LOG, 0);
    long mostLog = 2 * SNAPSHOT_LOG_BYTES + 3 * SEGMENT_BYTES + pinned;
    if (log > mostLog) {
      problems.add("a log had " + log + " bytes, expected at most " + mostLog);
    }
    long snapshots = growth.max(Measure.SNAPSHOTS, 0);
    long mostSnapshots = MOST_SNAPSHOTS * growth.max(Measure.REDIS_MEMORY, 0);
    if (snapshots > mostSnapshots) {
      problems.add("snapshots had " + snapshots + " bytes, expected at most " + mostSnapshots);
    }
    return problems;
  }

  /**
   * With no load, and once nobody is about to read an old snapshot any more, each node has as
   * little as its settings say: what is not needed goes with the next snapshot.
   */
  private static void awaitTidy(TestCluster cluster) {
    for (Node node : cluster.nodes()) {
      Poll.until(
          node.name() + " has no more than it needs",
          TestCluster.PATIENCE,
          () -> {
            node.call("RAFT.SNAPSHOT");
            Poll.letRun(Duration.ofSeconds(1));
            checkTidy(node);
            return true;
          });
    }
  }

  private static void checkTidy(Node node) throws IOException {
    List<Path> unfinished = Leftovers.temporary(node);
    if (!unfinished.isEmpty()) {
      throw new AssertionError(node.name() + " has left behind " + unfinished);
    }
    try (Stream<Path> snapshots = Files.list(node.dir().resolve("snapshots"))) {
      long count = snapshots.count();
      if (count > KEPT_SNAPSHOTS) {
        throw new AssertionError(node.name() + " has " + count + " snapshots");
      }
    }
    long log = Footprint.of(node).get(Measure.LOG);
    // What may be retained, the segment at each end of it, and the index.
    long most = SNAPSHOT_LOG_BYTES + 3 * SEGMENT_BYTES;
    if (log > most) {
      throw new AssertionError(node.name() + "'s log has " + log + " bytes, expected " + most);
    }
  }

  /** Takes the number of minutes; the exit code is 1 when it failed. */
  public static void main(String[] arguments) {
    int exitCode = 1;
    try {
      String maxima = new Soak(Duration.ofMinutes(Long.parseLong(arguments[0]))).run();
      System.out.println("soak passed; " + maxima);
      exitCode = 0;
    } catch (IOException | RuntimeException | AssertionError e) {
      e.printStackTrace();
      System.err.flush();
      System.out.println("soak failed: " + e.getMessage());
    }
    System.exit(exitCode); // clients that hang must not keep it
  }
}
