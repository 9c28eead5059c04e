package io.ratissidecar.it;

import static io.ratissidecar.it.Replies.assertOk;
import static io.ratissidecar.it.Replies.assertText;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.ratissidecar.jepsen.ErrorReplies;
import io.ratissidecar.jepsen.Outcome;
import io.ratissidecar.jepsen.Reply;
import io.ratissidecar.jepsen.RespClient;
import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/** One node of three alone. */
@Tag("fault")
@ExtendWith(PrintLogsOnFailure.class)
class NoMajorityIT {
  @AutoClose private TestCluster cluster;

  @BeforeEach
  void start() {
    cluster = TestCluster.of(3, "--response-timeout-millis", "3000");
  }

  @Test
  void when_a_majority_is_dead_then_clusterdown_until_it_is_back() throws Exception {
    Node leader = cluster.leader();
    assertOk(leader.call("RAFT", "SET", "k", "v"));
    List<Node> followers = cluster.followers();
    followers.forEach(Node::killSidecar);
    Poll.until(
        "CLUSTERDOWN",
        Duration.ofSeconds(10),
        () -> leader.call("RAFT", "SET", "k", "w").toString().startsWith("-CLUSTERDOWN No Raft"));
    assertText("v", leader.call("GET", "k"));
    assertEquals("-CLUSTERDOWN No Raft leader", leader.call("RAFT", "GET", "k").toString());
    followers.forEach(Node::start);
    followers.forEach(Node::awaitReady);
    Node next = cluster.awaitLeader();
    assertTrue(List.of("v", "w").contains(next.call("RAFT", "GET", "k").text()));
    ClosingInvariants.checkSameData(cluster);
    cluster.checkLogs();
  }

  @Test
  void when_a_leader_is_isolated_then_it_cannot_change_membership_nor_read_nor_acknowledge()
      throws Exception {
    Node leader = cluster.leader();
    List<Node> followers = cluster.followers();
    assertOk(leader.call("RAFT", "SET", "k", "v"));
    List<Integer> ids = idsOf(followers);
    try (RespClient remover = leader.client();
        RespClient writer = leader.client();
        RespClient reader = leader.client()) {
      followers.forEach(Node::pauseSidecar);
      remover.send("RAFT.NODE", "REMOVE", "" + ids.get(0));
      writer.send("RAFT", "SET", "k", "isolated");
      reader.send("RAFT", "GET", "k");
      assertDefiniteOrOpen(writer);
      Reply read = reader.read();
      assertTrue(read.isError(), "an isolated leader answered a read: " + read);
      assertEquals(Outcome.FAIL, ErrorReplies.classify(read.text()), read.toString());
      Reply removed = remover.read();
      assertTrue(removed.isError(), "an isolated leader removed a node: " + removed);
      assertTrue(leader.call("RAFT.NODE", "REMOVE", "" + ids.get(1)).isError());
    } finally {
      followers.forEach(Node::resumeSidecar);
    }
    Node next = cluster.awaitLeader();
    String value = next.call("RAFT", "GET", "k").text();
    assertTrue(List.of("v", "isolated").contains(value), value);
    // The change that was not accepted may be accepted now, or not; but by all alike.
    long index = ClosingInvariants.checkSameData(cluster);
    assertTrue(index > 0);
    cluster.checkLogs();
  }

  private static void assertDefiniteOrOpen(RespClient writer) throws IOException {
    Reply written = writer.read();
    assertTrue(written.isError(), "an isolated leader acknowledged a write: " + written);
  }

  private static List<Integer> idsOf(List<Node> nodes) throws IOException {
    Map<String, String> first = nodes.get(0).info();
    Map<String, String> second = nodes.get(1).info();
    return List.of(
        Integer.parseInt(first.get("raft_node_id")), Integer.parseInt(second.get("raft_node_id")));
  }
}
