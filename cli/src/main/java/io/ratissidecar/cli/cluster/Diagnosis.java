package io.ratissidecar.cli.cluster;

import io.ratissidecar.sidecar.membership.NodeStatus;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/**
 * What is wrong with a cluster, in words. A pure function of what its members said.
 *
 * @param problems what somebody should look after; the worst first
 * @param notes what is worth knowing, and is no fault
 */
record Diagnosis(List<String> problems, List<String> notes) {
  /** Entries that a healthy node may be behind while the cluster is written to. */
  static final long LAG_ENTRIES = 1000;

  boolean healthy() {
    return problems.isEmpty();
  }

  static Diagnosis of(List<NodeReport> nodes) {
    return new Examination(nodes).run();
  }

  /** The leader of the highest term; one of an older term has been cut off. */
  static Optional<NodeReport> leader(List<NodeReport> nodes) {
    return nodes.stream()
        .filter(NodeReport::leads)
        .max(Comparator.comparingLong(node -> node.status().orElseThrow().term()));
  }

  /** How far a node's Redis is behind what is committed. */
  static long lag(NodeReport node, List<NodeReport> nodes) {
    long committed =
        leader(nodes)
            .or(() -> nodes.stream().filter(NodeReport::isThere).max(BY_COMMIT))
            .flatMap(NodeReport::status)
            .map(NodeStatus::commitIndex)
            .orElse(0L);
    return node.status().map(s -> Math.max(0, committed - s.appliedIndex())).orElse(0L);
  }

  private static final Comparator<NodeReport> BY_COMMIT =
      Comparator.comparingLong(node -> node.status().orElseThrow().commitIndex());

  /** One look at all members. */
  private static final class Examination {
    private final List<NodeReport> nodes;
    private final List<NodeReport> voters;
    private final Optional<NodeReport> leader;
    private final List<String> problems = new ArrayList<>();
    private final List<String> notes = new ArrayList<>();

    Examination(List<NodeReport> nodes) {
      this.nodes = nodes;
      this.voters = nodes.stream().filter(NodeReport::voter).toList();
      this.leader = leader(nodes);
    }

    Diagnosis run() {
      majority();
      nodes.forEach(this::node);
      learners();
      return new Diagnosis(List.copyOf(problems), List.copyOf(notes));
    }

    private void majority() {
      long up = voters.stream().filter(NodeReport::isThere).count();
      int needed = voters.size() / 2 + 1;
      String count =
          up + " of " + voters.size() + " voters can be reached, " + needed + " are needed";
      if (up < needed) {
        problems.add("No majority: " + count + ". RAFT commands wait or fail until more are back.");
      } else if (leader.isEmpty()) {
        problems.add(
            "No leader, though "
                + up
                + " of "
                + voters.size()
                + " voters can be reached. An election takes a second or two; if this stays, check"
                + " that the nodes reach each other at their Raft addresses ("
                + String.join(", ", raftAddresses())
                + ").");
      } else if (up == needed && up < voters.size()) {
        problems.add("One more failure loses the majority: " + count + ".");
      }
      if (voters.size() == 2) {
        notes.add("Two voters survive no failure; add a third node.");
      } else if (voters.size() == 1 && nodes.size() == 1) {
        notes.add("A single node survives no failure; let two more nodes join.");
      }
    }

    private void node(NodeReport node) {
      String name = "Node " + node.id() + " (" + node.address() + ")";
      if (node.status().isEmpty()) {
        problems.add(name + " can't be reached: " + node.problem() + ".");
      } else if (!node.isThere()) {
        problems.add(name + " is not there: " + stranger(node.status().get()));
      } else {
        member(node, name, node.status().get());
      }
    }

    private static String stranger(NodeStatus status) {
      if (status.role().equals("removed")) {
        return "the node at this address says that it was removed.";
      }
      if (status.clusterId().isEmpty()) {
        return "the node at this address is in no cluster. Was its directory emptied?";
      }
      return "at this address is node " + status.id() + " of cluster " + status.clusterId() + ".";
    }

    private void member(NodeReport node, String name, NodeStatus status) {
      long lag = lag(node, nodes);
      boolean redisDown = status.redis().startsWith("down");
      if (redisDown) {
        problems.add(
            "The Redis of node "
                + node.id()
                + " ("
                + status.redisAddress()
                + ") is "
                + status.redis()
                + ".");
      } else if (lag > LAG_ENTRIES) {
        problems.add(String.format(Locale.ROOT, "%s lags: it is %,d entries behind.", name, lag));
      } else if (!status.serving()) {
        problems.add(name + " does not serve: its Redis is still being brought up to the log.");
      }
      if (!status.snapshot().problem().isEmpty()) {
        problems.add(
            name + " could not take its last snapshot: " + status.snapshot().problem() + ".");
      }
      if (status.digest().startsWith("differs")) {
        problems.add(
            name
                + " has other data than the majority: it "
                + status.digest()
                + ". Have another node lead, remove this one, empty its directory, and let it join"
                + " again.");
      } else if (status.digest().startsWith("repairing")) {
        problems.add(name + " has other data than the majority, whose data takes its place.");
      } else if (status.digest().startsWith("undecided")) {
        problems.add(
            name
                + " has other data than another node, and no majority says which is right: "
                + status.digest()
                + ". Compare the nodes with RAFT.DIGEST.");
      }
      if (leader.isEmpty() || leader.get().equals(node)) {
        return;
      }
      NodeStatus first = leader.get().status().orElseThrow();
      if (status.role().equals("leader")) {
        problems.add(
            name
                + " also says that it leads, in the older term "
                + status.term()
                + ": it is cut off.");
      } else if (status.leaderId() != first.id()) {
        problems.add(
            name
                + " hears nothing of the leader, node "
                + first.id()
                + ". Check that it can be reached at its Raft address, "
                + first.raftAddress()
                + ".");
      }
    }

    private List<String> raftAddresses() {
      return voters.stream()
          .filter(NodeReport::isThere)
          .map(node -> node.status().orElseThrow().raftAddress())
          .toList();
    }

    private void learners() {
      List<String> ids =
          nodes.stream().filter(n -> !n.voter()).map(n -> Integer.toString(n.id())).toList();
      if (ids.isEmpty()) {
        return;
      }
      String who = ids.size() == 1 ? "Node " + ids.get(0) + " is a learner" : learners(ids);
      if (voters.size() == 1) {
        problems.add(
            who
                + ": until it is a voter, the cluster does not survive a failure of its one voter.");
      } else {
        notes.add(who + " and does not count for the majority until it has caught up.");
      }
    }

    private static String learners(List<String> ids) {
      return "Each of the nodes " + String.join(", ", ids) + " is a learner";
    }
  }
}
