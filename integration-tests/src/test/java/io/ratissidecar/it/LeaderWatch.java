package io.ratissidecar.it;

import io.ratissidecar.jepsen.LeaderChecker;
import io.ratissidecar.jepsen.RespClient;
import java.io.IOException;
import java.util.concurrent.locks.LockSupport;

/** Asks every node again and again whether it leads, and in which term; on a thread of its own. */
final class LeaderWatch implements AutoCloseable {
  private static final long INTERVAL_NANOS = 100_000_000;
  private static final int TIMEOUT_MILLIS = 300;

  private final TestCluster cluster;
  private final LeaderChecker leaders = new LeaderChecker();
  private final Thread thread = new Thread(this::run, "leader-watch");
  private volatile boolean stopping;

  LeaderWatch(TestCluster cluster) {
    this.cluster = cluster;
    thread.setDaemon(true);
    thread.start();
  }

  LeaderChecker leaders() {
    return leaders;
  }

  private void run() {
    while (!stopping) {
      for (Node node : cluster.nodes()) {
        look(node);
      }
      LockSupport.parkNanos(INTERVAL_NANOS);
    }
  }

  private void look(Node node) {
    try (RespClient client = RespClient.to(node.address(), TIMEOUT_MILLIS)) {
      String before = field(client.call("INFO", "raft").text(), "raft_current_term");
      String text = client.call("INFO", "raft").text();
      // Within one answer the role is read before the term: so the role was that of this term if
      // the
      // term was the same before and behind it.
      String behind = field(text, "raft_current_term");
      if (field(text, "raft_role").equals("leader") && before.equals(behind)) {
        leaders.observed(Long.parseLong(behind), Integer.parseInt(field(text, "raft_node_id")));
      }
    } catch (IOException e) {
      // It is down or paused: it says nothing.
    }
  }

  private static String field(String text, String name) {
    int at = text.indexOf(name + ":");
    return at < 0
        ? ""
        : text.substring(at + name.length() + 1, text.indexOf('\r', at + name.length()));
  }

  @Override
  public void close() {
    stopping = true;
    try {
      thread.join(5000);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
