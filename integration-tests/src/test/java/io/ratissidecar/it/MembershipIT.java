package io.ratissidecar.it;

import static io.ratissidecar.it.Replies.assertError;
import static io.ratissidecar.it.Replies.assertNumber;
import static io.ratissidecar.it.Replies.assertOk;
import static io.ratissidecar.it.Replies.assertText;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.ratissidecar.jepsen.Reply;
import io.ratissidecar.jepsen.RespClient;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.extension.RegisterExtension;

/** Nodes that come and go. */
@ExtendWith(PrintLogsOnFailure.class)
class MembershipIT {
  @RegisterExtension
  private static final SharedCluster SHARED = new SharedCluster(() -> TestCluster.of(3));

  private TestCluster cluster;

  /**
   * By id: client address, {@code voter} or {@code learner}, {@code leader} or {@code follower}.
   */
  private static Map<Long, List<String>> members(Node node) throws IOException {
    Map<Long, List<String>> members = new TreeMap<>();
    for (Reply member : node.call("RAFT.NODE", "LIST").elements()) {
      List<Reply> fields = member.elements();
      members.put(
          fields.get(0).number(),
          List.of(fields.get(1).text(), fields.get(2).text(), fields.get(3).text()));
    }
    return members;
  }

  @Test
  void when_nodes_join_then_learners_become_voters_and_mistakes_are_refused() throws Exception {
    cluster = SHARED.own(TestCluster.unformed(3));
    Node first = cluster.node(0);
    Node second = cluster.node(1);
    Node third = cluster.node(2);
    assertError("NOCLUSTER", first.call("RAFT", "SET", "k", "v"));
    assertError("NOCLUSTER", first.call("RAFT.NODE", "LIST"));
    assertError("ERR invalid cluster id", first.call("RAFT.CLUSTER", "INIT", "short"));
    String id = "0123456789abcdef0123456789abcdef";
    assertText("OK " + id, first.call("RAFT.CLUSTER", "INIT", id));
    assertError("ERR Already cluster member", first.call("RAFT.CLUSTER", "INIT"));
    assertEquals(id, first.info().get("raft_dbid"));

    for (int i = 0; i < 500; i++) {
      assertOk(first.call("RAFT", "SET", "k" + i, "v"));
    }
    assertOk(second.call("RAFT.CLUSTER", "JOIN", first.address()));
    // Through a node that does not lead, and with an address where nobody listens.
    assertOk(third.call("RAFT.CLUSTER", "JOIN", "127.0.0.1:1", second.address()));
    cluster.awaitVoters(3);
    for (Node node : cluster.nodes()) {
      Map<Long, List<String>> members = members(node);
      assertEquals(3, members.size());
      assertEquals(List.of(first.address(), "voter", "leader"), members.get(1L));
      assertTrue(members.values().stream().allMatch(m -> m.get(1).equals("voter")));
    }
    assertError("ERR Already cluster member", second.call("RAFT.CLUSTER", "JOIN", first.address()));
    ClosingInvariants.checkSameData(cluster);

    // Asking the leader again for a member that it has is fine.
    long secondId = second.infoNumber("raft_node_id");
    Reply again = first.call("RAFT.NODE", "ADD", "" + secondId, second.address());
    assertEquals("" + secondId, again.elements().get(0).text());

    assertError("MOVED", second.call("RAFT.NODE", "REMOVE", "3"));
    assertError("ERR", first.call("RAFT.NODE", "REMOVE", "99"));
    assertError("ERR", first.call("RAFT.NODE", "REMOVE", "x"));
    cluster.checkLogs();
  }

  @Test
  void when_removed_then_it_says_so_and_its_id_is_never_used_again() throws Exception {
    cluster = SHARED.own(TestCluster.of(3));
    Node leader = cluster.leader();
    Node gone = cluster.followers().get(1);
    long id = gone.infoNumber("raft_node_id");
    assertOk(leader.call("RAFT.NODE", "REMOVE", "" + id));
    Poll.until(
        "it knows",
        TestCluster.PATIENCE,
        () -> gone.call("RAFT", "SET", "k", "v").text().contains("removed"));
    assertEquals("removed", gone.info().get("raft_state"));
    assertError("ERR This node was removed", gone.call("SET", "k", "v"));
    assertError("ERR This node was removed", gone.call("GET", "k"));
    assertError("ERR This node was removed", gone.call("RAFT.CLUSTER", "JOIN", leader.address()));
    assertOk(leader.call("RAFT", "SET", "k", "without"));

    gone.killSidecar();
    gone.start().awaitReady();
    assertError("ERR This node was removed", gone.call("RAFT", "GET", "k"));
    assertError("ERR This node was removed", gone.call("RAFT.CLUSTER", "JOIN", leader.address()));

    Node fresh = cluster.create("--id", "" + id).start().awaitReady();
    assertError("ERR node id", fresh.call("RAFT.CLUSTER", "JOIN", leader.address()));
    fresh.killBoth();
    Node other = cluster.create().start().awaitReady();
    assertOk(other.call("RAFT.CLUSTER", "JOIN", leader.address()));
    assertNotEquals(id, other.infoNumber("raft_node_id"));
    Poll.until(
        "the new node is a voter",
        TestCluster.PATIENCE,
        () -> members(leader).values().stream().allMatch(m -> m.get(1).equals("voter")));
    assertEquals(3, members(leader).size());
    Poll.until(
        "it has the data",
        TestCluster.PATIENCE,
        () -> "without".equals(other.call("GET", "k").text()));
  }

  @Test
  void when_the_raft_address_of_a_newcomer_is_wrong_then_it_is_told_and_can_join_later()
      throws Exception {
    cluster = SHARED.own(TestCluster.of(1));
    Node first = cluster.node(0);
    // Its sidecar listens on 127.0.0.1 alone.
    Node wrong = cluster.create("--advertise", "127.0.0.9").start().awaitReady();
    String local = "127.0.0.1:" + wrong.port();
    assertError("ERR the leader can't reach", first.call("RAFT.NODE", "ADD", "0", local));
    // Long enough for it to ask whether it was removed: it never was a member.
    Poll.letRun(Duration.ofSeconds(4));
    assertEquals("up", wrong.info().get("raft_state"));
    assertError("ERR Already cluster member", wrong.call("RAFT.CLUSTER", "INIT"));
    // The group is not held up meanwhile.
    assertError("ERR node 99 is not a member", first.call("RAFT.NODE", "REMOVE", "99"));
    wrong.killSidecar();
    wrong.set("--advertise", "127.0.0.1");
    wrong.start().awaitReady();
    assertOk(wrong.call("RAFT.CLUSTER", "JOIN", first.address()));
    cluster.awaitVoters(2);
  }

  @Test
  void when_raft_can_not_start_on_a_newcomer_then_the_join_can_be_repeated() throws Exception {
    cluster = SHARED.own(TestCluster.of(1));
    Node first = cluster.node(0);
    Node second = cluster.create().start().awaitReady();
    try (ServerSocket taken = new ServerSocket()) {
      taken.bind(new InetSocketAddress("127.0.0.1", second.raftPort()));
      assertError("ERR", second.call("RAFT.CLUSTER", "JOIN", first.address()));
    }
    assertOk(second.call("RAFT.CLUSTER", "JOIN", first.address()));
    cluster.awaitVoters(2);
  }

  @Test
  void when_a_join_waits_in_vain_then_another_takes_its_place() throws Exception {
    cluster = SHARED.own(TestCluster.of(1));
    Node first = cluster.node(0);
    Node second = cluster.create().start().awaitReady();
    try (RespClient waiting = second.client()) {
      waiting.send("RAFT.CLUSTER", "JOIN", "127.0.0.1:1");
      Poll.until(
          "the first attempt runs",
          TestCluster.PATIENCE,
          () -> second.call("RAFT.CLUSTER", "INIT").text().contains("just being made part"));
      assertOk(second.call("RAFT.CLUSTER", "JOIN", first.address()));
      assertError("ERR a later RAFT.CLUSTER JOIN", waiting.read());
    }
    cluster.awaitVoters(2);
  }

  @Test
  void when_a_member_without_a_leader_is_initialized_or_told_to_go_then_nothing_changes()
      throws Exception {
    cluster = SHARED.own(TestCluster.of(2));
    Node second = cluster.node(1);
    String id = second.info().get("raft_dbid");
    second.call("RAFT.PEER", "DETACH", "1", id, second.info().get("raft_node_id"));
    assertOk(cluster.leader().call("RAFT", "SET", "k", "v"));
    cluster.node(0).killSidecar();
    Poll.until(
        "no leader",
        TestCluster.PATIENCE,
        () -> second.call("RAFT", "GET", "k").text().startsWith("CLUSTERDOWN"));
    assertError("ERR Already cluster member", second.call("RAFT.CLUSTER", "INIT"));
    second.call("RAFT.PEER", "DETACH", "1", id, second.info().get("raft_node_id"));
    cluster.node(0).start().awaitReady();
    cluster.awaitVoters(2);
    assertEquals(id, second.info().get("raft_dbid"));
    ClosingInvariants.checkSameData(cluster);
    assertText("v", second.redisCall("GET", "k"));
  }

  @Test
  void when_removed_while_down_then_it_finds_out_when_it_is_back() throws Exception {
    cluster = SHARED.own(TestCluster.of(3));
    Node leader = cluster.leader();
    Node gone = cluster.followers().get(0);
    long id = gone.infoNumber("raft_node_id");
    gone.killSidecar();
    assertOk(leader.call("RAFT.NODE", "REMOVE", "" + id));
    gone.start().awaitReady();
    Poll.until(
        "it knows",
        TestCluster.PATIENCE,
        () -> gone.call("RAFT", "GET", "k").text().contains("removed"));
    assertOk(leader.call("RAFT", "SET", "k", "v"));
  }

  @Test
  void when_the_leader_removes_itself_then_another_leads() throws Exception {
    cluster = SHARED.own(TestCluster.of(3));
    Node leader = cluster.leader();
    assertOk(leader.call("RAFT", "SET", "k", "v"));
    long id = leader.infoNumber("raft_node_id");
    assertOk(leader.call("RAFT.NODE", "REMOVE", "" + id));
    Poll.until(
        "it knows",
        TestCluster.PATIENCE,
        () -> leader.call("RAFT", "GET", "k").text().contains("removed"));
    Node next = cluster.awaitLeader();
    assertNotEquals(leader, next);
    assertText("v", next.call("RAFT", "GET", "k"));
    assertEquals(2, members(next).size());
  }

  @Test
  void when_leadership_is_transferred_then_nothing_is_lost() throws Exception {
    cluster = SHARED.get();
    try (FaultRun run = new FaultRun(cluster)) {
      for (int i = 0; i < 3; i++) {
        Node leader = cluster.leader();
        Node target = cluster.followers().get(i % 2);
        cluster.transferLeadership(target);
        assertError("MOVED", leader.call("RAFT.TRANSFER_LEADER"));
        run.awaitMore(100);
      }
      assertOk(cluster.leader().call("RAFT.TRANSFER_LEADER"));
      run.awaitMore(100);
      Node leader = cluster.leader();
      assertError("ERR", leader.call("RAFT.TRANSFER_LEADER", "77"));
      assertError("ERR", leader.call("RAFT.TRANSFER_LEADER", leader.info().get("raft_node_id")));
      run.finish();
    }
  }

  @Test
  void when_exec_is_refused_then_the_transaction_is_over() throws Exception {
    cluster = SHARED.get();
    Node former = cluster.leader();
    try (RespClient client = former.client()) {
      assertOk(client.call("RAFT", "MULTI"));
      assertText("QUEUED", client.call("RAFT", "SET", "in:transaction", "1"));
      assertOk(former.call("RAFT.TRANSFER_LEADER"));
      Poll.until("another leader", TestCluster.PATIENCE, () -> !former.isLeader());
      Poll.until(
          "it knows the other leader",
          TestCluster.PATIENCE,
          () -> former.infoNumber("raft_leader_id") > 0);
      assertError("MOVED", client.call("RAFT", "EXEC"));
      cluster.transferLeadership(former);
      // A new leader serves once it has committed an entry of its own.
      Poll.until(
          "it serves",
          TestCluster.PATIENCE,
          () -> !client.call("RAFT", "SET", "after:transaction", "1").isError());
    }
    assertTrue(cluster.leader().call("RAFT", "GET", "in:transaction").isNull());
  }

  @Test
  void when_nodes_are_added_and_removed_under_load_then_nothing_is_lost() throws Exception {
    cluster = SHARED.get();
    Node fourth = cluster.create().start().awaitReady();
    try (FaultRun run = new FaultRun(cluster)) {
      assertOk(fourth.call("RAFT.CLUSTER", "JOIN", cluster.node(0).address()));
      cluster.awaitVoters(4);
      run.awaitMore(100);
      Node leader = removeLeader();
      run.awaitMore(100);
      leader.killBoth();
      cluster.forget(leader);
      run.awaitMore(100);
      run.finish();
    }
  }

  /** Has the leader remove itself; tries again when it lost leadership before it began. */
  private Node removeLeader() {
    Node[] removed = new Node[1];
    Poll.until(
        "the leader removes itself",
        TestCluster.PATIENCE,
        () -> {
          Node leader = cluster.leader();
          Reply reply = leader.call("RAFT.NODE", "REMOVE", leader.info().get("raft_node_id"));
          if (reply.isError() && reply.text().matches("(MOVED|CLUSTERDOWN|TRYAGAIN) .*")) {
            return false;
          }
          assertOk(reply);
          removed[0] = leader;
          return true;
        });
    return removed[0];
  }

  @Test
  void when_its_redis_holds_data_then_a_node_may_not_join() throws Exception {
    cluster = SHARED.own(TestCluster.unformed(2));
    Node first = cluster.node(0);
    Node second = cluster.node(1);
    assertTrue(first.call("RAFT.CLUSTER", "INIT").text().startsWith("OK"));
    assertOk(second.redisCall("SET", "old", "data"));
    assertError("ERR", second.call("RAFT.CLUSTER", "JOIN", first.address()));
    assertNumber(1, second.redisCall("DEL", "old"));
    assertOk(second.call("RAFT.CLUSTER", "JOIN", first.address()));
    cluster.awaitVoters(2);
  }

  @Test
  void when_a_join_is_cut_off_then_it_can_be_repeated() throws Exception {
    cluster = SHARED.own(TestCluster.unformed(2));
    Node first = cluster.node(0);
    Node second = cluster.node(1);
    assertTrue(first.call("RAFT.CLUSTER", "INIT").text().startsWith("OK"));
    Thread joining =
        new Thread(
            () -> {
              try {
                second.call("RAFT.CLUSTER", "JOIN", first.address());
              } catch (IOException e) {
                // Cut off, as planned.
              }
            });
    joining.start();
    second.killSidecar();
    joining.join();
    second.start().awaitReady();
    Reply again = second.call("RAFT.CLUSTER", "JOIN", first.address());
    assertTrue(
        !again.isError() || again.text().equals("ERR Already cluster member"), again.toString());
    cluster.awaitVoters(2);
    assertOk(cluster.leader().call("RAFT", "SET", "k", "v"));
    ClosingInvariants.checkSameData(cluster);
  }
}
