package io.ratissidecar.cli.cluster;

import io.ratissidecar.cli.client.MemberLine;
import io.ratissidecar.cli.client.NodeClient;
import io.ratissidecar.cli.client.ReplyException;
import io.ratissidecar.cli.client.UnreachableException;
import io.ratissidecar.sidecar.membership.NodeStatus;
import java.io.IOException;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;

/**
 * All members of a cluster at about one moment.
 *
 * @param nodes by id
 */
record ClusterView(String clusterId, List<NodeReport> nodes) {

  /**
   * Asks every member. The list of members is the leader's where there is one, since a node that
   * was cut off has an old one.
   *
   * @param node member to start with
   */
  static ClusterView gather(NodeClient client, String node) throws UnreachableException {
    String clusterId = client.status(node).clusterId();
    List<MemberLine> members = client.members(node);
    List<NodeReport> reports = ask(client, clusterId, members);
    Optional<NodeReport> leader = Diagnosis.leader(reports);
    if (leader.isPresent() && !leader.get().address().equals(node)) {
      try {
        List<MemberLine> current = client.members(leader.get().address());
        if (!addresses(current).equals(addresses(members))) {
          reports = ask(client, clusterId, current);
        }
      } catch (UnreachableException | ReplyException e) {
        // It has just gone; the first list is as good as any.
      }
    }
    return new ClusterView(clusterId, reports);
  }

  private static List<String> addresses(List<MemberLine> members) {
    return members.stream()
        .map(m -> m.id() + "@" + m.address() + "@" + m.voter())
        .sorted()
        .toList();
  }

  /** At the same time, so that what they say can be compared. */
  private static List<NodeReport> ask(
      NodeClient client, String clusterId, List<MemberLine> members) {
    ExecutorService threads = Executors.newFixedThreadPool(Math.max(1, members.size()));
    try {
      List<CompletableFuture<NodeReport>> answers =
          members.stream()
              .map(m -> CompletableFuture.supplyAsync(() -> ask(client, clusterId, m), threads))
              .toList();
      return answers.stream()
          .map(CompletableFuture::join)
          .sorted(Comparator.comparingInt(NodeReport::id))
          .toList();
    } finally {
      threads.shutdown();
    }
  }

  private static NodeReport ask(NodeClient client, String clusterId, MemberLine member) {
    Optional<NodeStatus> status = Optional.empty();
    String problem = "";
    try {
      status = Optional.of(client.status(member.address()));
    } catch (UnreachableException e) {
      problem = e.getCause() instanceof IOException cause ? UnreachableException.reason(cause) : "";
    } catch (ReplyException e) {
      problem = e.error();
    }
    return new NodeReport(
        member.id(), member.address(), member.voter(), clusterId, status, problem);
  }
}
