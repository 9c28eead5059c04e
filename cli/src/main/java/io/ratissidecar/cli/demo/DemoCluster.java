package io.ratissidecar.cli.demo;

import io.ratissidecar.cli.client.MemberLine;
import io.ratissidecar.cli.client.NodeClient;
import io.ratissidecar.cli.client.Poll;
import io.ratissidecar.cli.client.ReplyException;
import io.ratissidecar.cli.client.UnreachableException;
import io.ratissidecar.sidecar.membership.NodeStatus;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.stream.IntStream;

/**
 * The demo's processes as a cluster. {@link #close} may come from the shutdown hook at any moment;
 * nothing starts after it.
 */
final class DemoCluster {
  private static final Duration START = Duration.ofSeconds(60);
  private static final Duration FORM = Duration.ofSeconds(130);
  private static final long STOP_MILLIS = 8000;
  private static final long REDIS_STOP_MILLIS = 3000;
  private static final long POLL_MILLIS = 50;

  private final NodeClient client = new NodeClient(Optional.empty());
  private final List<DemoNode> nodes;
  private boolean closed;
  private volatile boolean closing;

  DemoCluster(DemoDirectory directory, PortPlan ports, boolean followerProxy) {
    nodes =
        IntStream.rangeClosed(1, ports.nodes())
            .mapToObj(i -> new DemoNode(i, directory.node(i), ports, followerProxy))
            .toList();
  }

  List<DemoNode> nodes() {
    return nodes;
  }

  boolean isClosing() {
    return closing;
  }

  /** Starts all nodes, makes a cluster of them unless they are one, and waits until all vote. */
  void start(Consumer<String> progress) throws DemoFailure, IOException, InterruptedException {
    for (DemoNode node : nodes) {
      node.requireFree();
    }
    progress.accept(
        nodes.size() == 1
            ? "Starting a sidecar with its Redis ..."
            : "Starting " + nodes.size() + " sidecars, each with its Redis ...");
    for (DemoNode node : nodes) {
      start(node);
    }
    for (DemoNode node : nodes) {
      awaitAnswer(node);
    }
    form(progress);
    awaitAll(START);
  }

  /** Starts one process, unless the end has come; says whether it did. */
  synchronized boolean start(DemoNode node) throws IOException {
    if (closing) {
      return false;
    }
    node.start();
    return true;
  }

  NodeStatus awaitAnswer(DemoNode node) throws DemoFailure, InterruptedException {
    return Poll.<NodeStatus, DemoFailure>until(
            START,
            POLL_MILLIS,
            () -> {
              if (!node.isAlive()) {
                throw new DemoFailure(
                    "the sidecar of node "
                        + node.number()
                        + " has ended during its start ("
                        + node.ending()
                        + ").\n"
                        + node.logTail());
              }
              return client.tryStatus(node.address());
            })
        .orElseThrow(
            () ->
                new DemoFailure(
                    "node " + node.number() + " does not answer yet.\n" + node.logTail()));
  }

  private void form(Consumer<String> progress)
      throws DemoFailure, UnreachableException, InterruptedException {
    List<DemoNode> without = new ArrayList<>();
    DemoNode founder = null;
    for (DemoNode node : nodes) {
      String role = client.status(node.address()).role();
      if (role.equals("removed")) {
        throw new DemoFailure(
            "node "
                + node.number()
                + " was removed from its cluster. Use another --dir, or delete this one.");
      } else if (role.equals("none")) {
        without.add(node);
      } else if (founder == null) {
        founder = node;
      }
    }
    try {
      if (founder == null) {
        progress.accept("Forming the cluster ...");
        founder = without.remove(0);
        client.demand(founder.address(), FORM, "RAFT.CLUSTER", "INIT");
      } else {
        progress.accept("Going on with the cluster that is there ...");
      }
      for (DemoNode node : without) {
        client.demand(node.address(), FORM, "RAFT.CLUSTER", "JOIN", founder.address());
      }
    } catch (ReplyException e) {
      throw new DemoFailure("the cluster could not be formed: " + e.getMessage());
    }
  }

  /** Waits until there is a leader and every node votes and has all that is committed. */
  void awaitAll(Duration timeout) throws DemoFailure, InterruptedException {
    if (!Poll.untilTrue(timeout, POLL_MILLIS, this::isComplete)) {
      throw new DemoFailure(
          "not all nodes are up to date after "
              + timeout.toSeconds()
              + " s. Look at 'ratis-sidecar cluster status --node "
              + nodes.get(0).address()
              + "' and at the logs sidecar.log.");
    }
  }

  private boolean isComplete() {
    Optional<NodeStatus> leader = leader();
    if (leader.isEmpty()) {
      return false;
    }
    try {
      List<MemberLine> members = client.members(leader.get().clientAddress());
      if (members.stream().filter(MemberLine::voter).count() < nodes.size()) {
        return false;
      }
    } catch (UnreachableException | ReplyException e) {
      return false; // it led a moment ago
    }
    for (DemoNode node : nodes) {
      Optional<NodeStatus> status = client.tryStatus(node.address());
      if (status.isEmpty()
          || !status.get().serving()
          || status.get().leaderId() != leader.get().id()
          || status.get().appliedIndex() < leader.get().commitIndex()) {
        return false;
      }
    }
    return true;
  }

  /** What the leader says of itself; empty when there is none at the moment. */
  Optional<NodeStatus> leader() {
    return nodes.stream()
        .filter(DemoNode::isAlive)
        .map(node -> client.tryStatus(node.address()))
        .flatMap(Optional::stream)
        .filter(status -> status.role().equals("leader"))
        .max((a, b) -> Long.compare(a.term(), b.term()));
  }

  /** The process behind an address of the cluster. */
  DemoNode nodeAt(String address) {
    return nodes.stream().filter(n -> n.address().equals(address)).findFirst().orElseThrow();
  }

  /** Stops all processes, first gently. Any thread, any number of times. */
  void close() {
    closing = true;
    synchronized (this) {
      if (closed) {
        return;
      }
      closed = true;
      try {
        nodes.forEach(DemoNode::terminate);
        for (DemoNode node : nodes) {
          node.awaitEnd(STOP_MILLIS);
          node.stopLeftRedis(REDIS_STOP_MILLIS);
        }
      } catch (InterruptedException e) {
        nodes.stream().filter(DemoNode::isAlive).forEach(DemoNode::kill);
        Thread.currentThread().interrupt();
      }
    }
  }
}
