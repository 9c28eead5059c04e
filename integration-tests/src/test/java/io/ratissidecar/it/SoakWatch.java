package io.ratissidecar.it;

import java.time.Duration;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;

/** Measures all nodes every few seconds, and sees what ended without being killed. */
final class SoakWatch implements AutoCloseable {
  private static final Duration INTERVAL = Duration.ofSeconds(3);

  /** Live heaps are asked for less often, since that costs a collection. */
  private static final int SAMPLES_PER_HEAP = 5;

  /** A Redis process, and how often the node had been a victim when it was seen. */
  private record Seen(long redis, int times) {}

  private final TestCluster cluster;
  private final SoakFaults faults;
  private final Growth growth = new Growth();
  private final Leftovers leftovers = new Leftovers();
  private final Set<String> problems = new TreeSet<>();
  private final Map<Node, Seen> redis = new HashMap<>();
  private final Thread thread = new Thread(this::run, "soak-watch");
  private final long start = System.nanoTime();
  private volatile boolean stopping;
  private volatile Throwable failure;

  SoakWatch(TestCluster cluster, SoakFaults faults) {
    this.cluster = cluster;
    this.faults = faults;
    thread.setDaemon(true);
    thread.start();
  }

  private void run() {
    try {
      for (int i = 0; !stopping; i++) {
        for (Node node : cluster.nodes()) {
          sample(node, i % SAMPLES_PER_HEAP == 0);
        }
        Poll.letRun(INTERVAL);
      }
    } catch (RuntimeException | Error e) {
      failure = e;
    }
  }

  private void sample(Node node, boolean withHeap) {
    if (!node.isAlive()) {
      if (faults.victim() != node) {
        problem(node.name() + "'s sidecar ended without being killed");
      }
      return;
    }
    checkRedis(node);
    Map<Measure, Long> values = new EnumMap<>(Footprint.of(node));
    if (withHeap) {
      Footprint.liveHeapBytes(node).ifPresent(b -> values.put(Measure.LIVE_HEAP, b));
    }
    growth.add(node.name(), seconds(), values);
    leftovers.look(node).forEach(left -> problem("left behind: " + left));
  }

  private void checkRedis(Node node) {
    int times = faults.times(node);
    node.redis()
        .map(process -> new Seen(process.pid(), times))
        .filter(now -> faults.victim() != node)
        .ifPresent(
            now -> {
              Seen last = redis.put(node, now);
              if (last != null && last.times() == now.times() && last.redis() != now.redis()) {
                problem(node.name() + "'s Redis ended without being killed");
              }
            });
  }

  private synchronized void problem(String problem) {
    problems.add(problem);
  }

  private double seconds() {
    return (System.nanoTime() - start) / 1e9;
  }

  Growth growth() {
    return growth;
  }

  /** Ends the measuring; returns what was seen that must not be. */
  synchronized List<String> stop() {
    double seconds = seconds();
    close();
    if (failure != null) {
      throw new AssertionError("the watch has ended early", failure);
    }
    List<String> all = new ArrayList<>(problems);
    all.addAll(growth.problems(seconds));
    return all;
  }

  @Override
  public void close() {
    stopping = true;
  }
}
