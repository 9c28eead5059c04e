package io.ratissidecar.cli.cluster;

import io.ratissidecar.cli.client.MemberLine;
import io.ratissidecar.cli.client.NodeClient;
import io.ratissidecar.cli.client.NodeOptions;
import io.ratissidecar.cli.client.Poll;
import io.ratissidecar.cli.client.Progress;
import io.ratissidecar.cli.client.ReplyException;
import io.ratissidecar.cli.client.UnreachableException;
import io.ratissidecar.sidecar.membership.NodeStatus;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;

/** Waits until a node that was added as a learner has caught up and votes. */
final class NewVoter {
  private static final long POLL_MILLIS = 200;

  private final NodeClient client;
  private final String witness;
  private final String address;

  /**
   * @param witness node that is asked who votes
   * @param address of the new node, as the members know it
   */
  NewVoter(NodeClient client, String witness, String address) {
    this.client = client;
    this.witness = witness;
    this.address = address;
  }

  /** Waits and prints the result; returns the exit code. */
  int await(Duration timeout, Progress progress, NodeOptions options) throws InterruptedException {
    Optional<MemberLine> voter =
        Poll.until(timeout, POLL_MILLIS, () -> look(progress).filter(MemberLine::voter));
    progress.clear();
    Optional<MemberLine> member = voter.isPresent() ? voter : look(progress);
    if (member.isEmpty()) {
      throw new IllegalStateException(
          "the cluster has no member at " + address + " yet. It is safe to repeat this.");
    }
    boolean votes = member.get().voter();
    Map<String, Object> result = new LinkedHashMap<>();
    result.put("id", member.get().id());
    result.put("address", address);
    result.put("voter", votes);
    String who = "Node " + member.get().id() + " at " + address;
    options.print(
        result,
        votes
            ? who + " is a voter of the cluster."
            : who
                + " is still a learner after "
                + timeout.toSeconds()
                + " s. It becomes a voter by itself when it has caught up; 'ratis-sidecar cluster"
                + " status' shows how far it is.");
    return votes ? 0 : 1;
  }

  private Optional<MemberLine> look(Progress progress) {
    try {
      Optional<MemberLine> member =
          client.members(witness).stream().filter(m -> m.address().equals(address)).findFirst();
      member.ifPresent(m -> progress.show(describe(m)));
      return member;
    } catch (UnreachableException | ReplyException e) {
      progress.show("Waiting: " + e.getMessage());
      return Optional.empty();
    }
  }

  private String describe(MemberLine member) {
    Optional<NodeStatus> node = client.tryStatus(address);
    return node.map(
            s ->
                String.format(
                    "Node %d is a %s: %,d of %,d entries applied",
                    member.id(), s.role(), s.appliedIndex(), s.commitIndex()))
        .orElse("Node " + member.id() + " can't be reached");
  }
}
