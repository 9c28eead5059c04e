package io.ratissidecar.cli.demo;

import io.ratissidecar.cli.client.Poll;
import io.ratissidecar.cli.demo.CheckVerifier.Contents;
import io.ratissidecar.sidecar.membership.NodeStatus;
import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Consumer;
import java.util.stream.IntStream;

/**
 * Tries whether the cluster keeps its word: writes and reads through every node, kills the leader
 * under load, goes on, brings the node back, and compares every Redis with what was acknowledged.
 */
final class DemoCheck {
  private static final int ROUNDS_PER_NODE = 50;
  private static final int WRITES_AROUND_KILL = 300;
  private static final Duration TAKE_OVER = Duration.ofSeconds(30);
  private static final Duration WRITING = Duration.ofSeconds(60);
  private static final Duration CATCH_UP = Duration.ofSeconds(60);
  private static final long POLL_MILLIS = 5;

  private final DemoCluster cluster;
  private final Consumer<String> out;
  private final Ledger ledger = new Ledger();
  private final AtomicLong values = new AtomicLong();
  private final String run = Long.toHexString(System.currentTimeMillis());
  private final List<String> addresses;

  DemoCheck(DemoCluster cluster, Consumer<String> out) {
    this.cluster = cluster;
    this.out = out;
    this.addresses = cluster.nodes().stream().map(DemoNode::address).toList();
  }

  void run() throws DemoFailure, IOException, InterruptedException {
    throughEveryNode();
    DemoNode killed = killUnderLoad();
    bringBack(killed);
    verify();
  }

  private void throughEveryNode() throws DemoFailure, InterruptedException {
    long start = System.nanoTime();
    long before = values.get();
    for (int i = 0; i < addresses.size(); i++) {
      writer(i).write(ROUNDS_PER_NODE);
    }
    long written = values.get() - before;
    for (int i = 0; i < addresses.size(); i++) {
      try (CheckClient client = new CheckClient(addresses, i, () -> {})) {
        for (long value = before + 1; value <= before + written; value++) {
          requireRead(client, addresses.get(i), value);
        }
      }
    }
    say(
        "Wrote %,d and read %,d values through %d nodes in %,d ms",
        3 * written, written * addresses.size(), addresses.size(), millisSince(start));
  }

  private void requireRead(CheckClient client, String address, long value)
      throws DemoFailure, InterruptedException {
    String key = CheckWriter.key(run, value);
    Optional<String> found = client.call("RAFT", "GET", key);
    if (found.isPresent() && !found.get().equals(Long.toString(value))) {
      throw new DemoFailure("read '" + found.get() + "' from " + key + " through " + address);
    }
  }

  /** Returns the node whose sidecar was killed. */
  private DemoNode killUnderLoad() throws DemoFailure, InterruptedException {
    List<CheckWriter> writers =
        IntStream.range(0, addresses.size()).mapToObj(this::writer).toList();
    try (CheckLoad load = new CheckLoad(writers)) {
      long before = ledger.total();
      awaitAcknowledged(ledger.acknowledged() + WRITES_AROUND_KILL, load);
      NodeStatus leader =
          cluster.leader().orElseThrow(() -> new DemoFailure("there is no leader to kill"));
      DemoNode node = cluster.nodeAt(leader.clientAddress());
      node.kill();
      long killed = System.nanoTime();
      node.awaitEnd(TAKE_OVER.toMillis());
      say("Killed the sidecar of the leader, node %d, with SIGKILL under load", leader.id());
      NodeStatus next = awaitLeader(leader.term(), load);
      say("Node %d leads, %,d ms after that", next.id(), millisSince(killed));
      awaitAcknowledged(ledger.acknowledged() + WRITES_AROUND_KILL, load);
      load.finish(WRITING);
      say(
          "Went on writing: %,d writes, %d of unknown outcome; %d attempts failed for certain and were"
              + " repeated",
          ledger.total() - before, ledger.unknown(), ledger.retries());
      return node;
    }
  }

  private CheckWriter writer(int node) {
    return new CheckWriter(run, addresses, node, ledger, values);
  }

  private void awaitAcknowledged(long count, CheckLoad load)
      throws DemoFailure, InterruptedException {
    boolean enough =
        Poll.<DemoFailure>untilTrue(
            WRITING,
            POLL_MILLIS,
            () -> {
              load.requireHealthy();
              return ledger.acknowledged() >= count;
            });
    if (!enough) {
      throw new DemoFailure("writing is stuck: too few writes were acknowledged in time");
    }
  }

  private NodeStatus awaitLeader(long afterTerm, CheckLoad load)
      throws DemoFailure, InterruptedException {
    return Poll.<NodeStatus, DemoFailure>until(
            TAKE_OVER,
            POLL_MILLIS,
            () -> {
              load.requireHealthy();
              return cluster.leader().filter(status -> status.term() > afterTerm);
            })
        .orElseThrow(
            () ->
                new DemoFailure("no other node took over within " + TAKE_OVER.toSeconds() + " s"));
  }

  private void bringBack(DemoNode node) throws DemoFailure, IOException, InterruptedException {
    long start = System.nanoTime();
    cluster.start(node);
    cluster.awaitAnswer(node);
    cluster.awaitAll(CATCH_UP);
    say("Node %d is back and has caught up, after %,d ms", node.number(), millisSince(start));
  }

  private void verify() throws DemoFailure, IOException {
    CheckVerifier verifier = new CheckVerifier(run, ledger.all());
    Contents first = null;
    for (DemoNode node : cluster.nodes()) {
      Contents contents = verifier.read(node.redisAddress());
      List<String> problems = verifier.problems(contents);
      if (!problems.isEmpty()) {
        throw new DemoFailure(
            "on the Redis of node " + node.number() + ": " + String.join("; ", problems));
      }
      if (first != null && !contents.equals(first)) {
        throw new DemoFailure(
            "the Redis of node " + node.number() + " holds other data than that of node 1");
      }
      first = contents;
    }
    say(
        "Verified %,d acknowledged writes on %d Redis servers: each is there exactly once, all are"
            + " equal",
        ledger.acknowledged(), addresses.size());
  }

  private static long millisSince(long nanos) {
    return TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - nanos);
  }

  private void say(String format, Object... values) {
    out.accept(String.format(Locale.ROOT, format, values));
  }
}
