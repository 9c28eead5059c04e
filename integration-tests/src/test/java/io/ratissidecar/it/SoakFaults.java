package io.ratissidecar.it;

import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/**
 * Kills one node after the other and brings it back: sidecar, Redis, both, of the leader and of a
 * follower in turn. A node that loses both stays away until the others have cut their logs, so that
 * it must be brought back by a snapshot.
 *
 * <p>The first node's sidecar is never killed: what grows slowly is seen in a process that lives
 * long.
 */
final class SoakFaults {
  private enum Target {
    SIDECAR("sidecar"),
    REDIS("Redis"),
    BOTH("sidecar and Redis");

    private final String title;

    Target(String title) {
      this.title = title;
    }
  }

  private static final Duration SHORT_ABSENCE = Duration.ofSeconds(2);

  private final TestCluster cluster;
  private final Map<Node, Integer> times = new ConcurrentHashMap<>();
  private volatile Node victim;
  private volatile String doing = "nothing is killed";
  private int turns;

  SoakFaults(TestCluster cluster) {
    this.cluster = cluster;
  }

  /** The node that is being killed and brought back; null when none is. Any thread. */
  Node victim() {
    return victim;
  }

  /** How often this one was. Any thread. */
  int times(Node node) {
    return times.getOrDefault(node, 0);
  }

  /** In words. Any thread. */
  String doing() {
    return doing;
  }

  /** One node goes and comes back. */
  void next() throws IOException {
    Target target = Target.values()[turns % Target.values().length];
    boolean leader = turns % 2 == 0;
    turns++;
    Node node = leader ? leader(target) : follower(target);
    times.merge(node, 1, Integer::sum);
    victim = node;
    String what = "SIGKILL of " + (leader ? "the leader's " : "a follower's ") + target.title;
    cluster.nodes().forEach(n -> n.note(what));
    doing = what + ", " + node.name();
    long start = System.nanoTime();
    kill(node, target);
    awaitCaughtUp(node);
    long millis = (System.nanoTime() - start) / 1_000_000;
    doing = what + ", " + node.name() + ", back after " + millis + " ms";
    victim = null;
  }

  private boolean mayBe(Node node, Target target) {
    return target == Target.REDIS || node != cluster.node(0);
  }

  private Node leader(Target target) throws IOException {
    Node leader = cluster.leader();
    if (!mayBe(leader, target)) {
      cluster.transferLeadership(cluster.node(1 + turns % 2));
      leader = cluster.leader();
    }
    return leader;
  }

  private Node follower(Target target) {
    List<Node> followers =
        cluster.followers().stream().filter(node -> mayBe(node, target)).toList();
    return followers.get(turns % followers.size());
  }

  private void kill(Node node, Target target) throws IOException {
    switch (target) {
      case SIDECAR -> {
        node.killSidecar();
        Poll.letRun(SHORT_ABSENCE);
        node.start().awaitReady();
      }
      case REDIS -> node.killRedis(); // the sidecar starts another one
      case BOTH -> {
        long last = node.infoNumber("raft_current_index");
        node.killBoth();
        awaitCut(last);
        node.start().awaitReady();
        Poll.until(
            node.name() + " was brought a snapshot",
            TestCluster.PATIENCE,
            () -> node.infoNumber("raft_snapshots_received") > 0);
      }
    }
  }

  /** Until nobody has the entry behind this one any more. */
  private void awaitCut(long index) {
    Poll.until(
        "the others have cut their logs",
        TestCluster.PATIENCE,
        () -> {
          for (Node node : cluster.running()) {
            Map<String, String> info = node.info();
            // Entries that Ratis writes for itself are not counted: the first one is higher still.
            long first =
                Long.parseLong(info.get("raft_current_index"))
                    - Long.parseLong(info.get("raft_log_entries"));
            if (first <= index + 1) {
              return false;
            }
          }
          return true;
        });
  }

  private void awaitCaughtUp(Node node) throws IOException {
    long commit = cluster.leader().infoNumber("raft_commit_index");
    Poll.until(
        node.name() + " has caught up",
        TestCluster.PATIENCE,
        () -> node.infoNumber("raft_last_applied_index") >= commit && node.redis().isPresent());
  }
}
