package io.ratissidecar.cli.cluster;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.ratissidecar.cli.client.Json;
import io.ratissidecar.cli.client.JsonReader;
import io.ratissidecar.sidecar.membership.NodeStatus;
import io.ratissidecar.sidecar.membership.SnapshotState;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import picocli.CommandLine.Help.Ansi;

/** What 'cluster status' makes of what the nodes say. */
class DiagnosisTest {
  private static final String CLUSTER = "c".repeat(32);

  private final List<NodeReport> nodes = new ArrayList<>();

  private void node(int id, String role) {
    node(id, role, 3, 1, 5000, true, "up 7.0.15");
  }

  private void node(
      int id, String role, long term, int leader, long applied, boolean serving, String redis) {
    add(
        id,
        !role.equals("learner"),
        status(id, CLUSTER, role, term, leader, applied, serving, redis));
  }

  private void add(int id, boolean voter, NodeStatus status) {
    nodes.add(new NodeReport(id, address(id), voter, CLUSTER, Optional.of(status), ""));
  }

  private static NodeStatus status(
      int id,
      String cluster,
      String role,
      long term,
      int leader,
      long applied,
      boolean serving,
      String redis) {
    return new NodeStatus(
        id,
        cluster,
        role,
        term,
        leader,
        5000,
        applied,
        serving,
        address(id),
        "127.0.0.1:2700" + id,
        "127.0.0.1:7101",
        redis,
        SnapshotState.NONE,
        "");
  }

  private void unreachable(int id) {
    nodes.add(
        new NodeReport(id, address(id), true, CLUSTER, Optional.empty(), "nothing listens there"));
  }

  private static String address(int id) {
    return "127.0.0.1:700" + id;
  }

  private void assertProblems(String... beginnings) {
    List<String> problems = Diagnosis.of(nodes).problems();
    assertEquals(beginnings.length, problems.size(), problems.toString());
    for (int i = 0; i < beginnings.length; i++) {
      assertTrue(problems.get(i).startsWith(beginnings[i]), problems.get(i));
    }
  }

  @Test
  void when_raft_can_not_get_through_then_the_addresses_to_check_are_told() {
    node(1, "follower", 3, 0, 5000, true, "up 7.0.15");
    node(2, "candidate", 3, 0, 5000, true, "up 7.0.15");
    unreachable(3);
    List<String> problems = Diagnosis.of(nodes).problems();
    assertTrue(problems.get(0).contains("(127.0.0.1:27001, 127.0.0.1:27002)"), problems.get(0));
    nodes.clear();
    node(1, "leader");
    node(2, "follower", 3, 0, 5000, true, "up 7.0.15");
    problems = Diagnosis.of(nodes).problems();
    assertTrue(problems.get(0).endsWith("at its Raft address, 127.0.0.1:27001."), problems.get(0));
  }

  @Test
  void when_all_three_are_up_then_all_is_well() {
    node(1, "leader");
    node(2, "follower");
    node(3, "follower");
    assertProblems();
    assertEquals(List.of(), Diagnosis.of(nodes).notes());
  }

  @Test
  void when_one_of_three_is_gone_then_the_majority_hangs_on_one_more() {
    node(1, "leader");
    node(2, "follower");
    unreachable(3);
    assertProblems(
        "One more failure loses the majority: 2 of 3 voters can be reached, 2 are needed.",
        "Node 3 (127.0.0.1:7003) can't be reached: nothing listens there.");
  }

  @Test
  void when_one_of_five_is_gone_then_the_majority_is_safe() {
    node(1, "leader");
    for (int id = 2; id < 5; id++) {
      node(id, "follower");
    }
    unreachable(5);
    assertProblems("Node 5 (127.0.0.1:7005) can't be reached");
  }

  @Test
  void when_two_of_three_are_gone_then_there_is_no_majority() {
    node(1, "follower", 3, 0, 5000, true, "up 7.0.15");
    unreachable(2);
    unreachable(3);
    assertProblems("No majority: 1 of 3", "Node 2", "Node 3");
  }

  @Test
  void when_nobody_leads_then_it_says_so() {
    node(1, "candidate", 4, 0, 5000, true, "up 7.0.15");
    node(2, "follower", 4, 0, 5000, true, "up 7.0.15");
    node(3, "follower", 4, 0, 5000, true, "up 7.0.15");
    assertProblems("No leader, though 3 of 3 voters can be reached.");
  }

  @Test
  void when_redis_is_down_then_that_is_the_one_problem_of_the_node() {
    node(1, "leader");
    node(2, "follower", 3, 1, 10, false, "down: Connection refused");
    node(3, "follower");
    assertProblems("The Redis of node 2 (127.0.0.1:7101) is down: Connection refused.");
  }

  @Test
  void when_a_node_is_far_behind_then_it_lags_and_a_little_is_no_matter() {
    node(1, "leader");
    node(2, "follower", 3, 1, 3999, true, "up 7.0.15");
    node(3, "follower", 3, 1, 4000, true, "up 7.0.15");
    assertProblems("Node 2 (127.0.0.1:7002) lags: it is 1,001 entries behind.");
  }

  @Test
  void when_redis_is_being_loaded_then_the_node_does_not_serve() {
    node(1, "leader");
    node(2, "follower", 3, 1, 4990, false, "up 7.0.15");
    node(3, "follower");
    assertProblems("Node 2 (127.0.0.1:7002) does not serve");
  }

  @Test
  void when_a_former_leader_is_cut_off_then_the_newer_term_counts() {
    node(1, "leader", 3, 1, 5000, true, "up 7.0.15");
    node(2, "leader", 4, 2, 5000, true, "up 7.0.15");
    node(3, "follower", 4, 2, 5000, true, "up 7.0.15");
    assertEquals(2, Diagnosis.leader(nodes).orElseThrow().id());
    assertProblems("Node 1 (127.0.0.1:7001) also says that it leads, in the older term 3");
  }

  @Test
  void when_a_node_does_not_hear_the_leader_then_it_says_where_to_look() {
    node(1, "leader");
    node(2, "follower", 3, 0, 5000, true, "up 7.0.15");
    node(3, "follower");
    assertProblems("Node 2 (127.0.0.1:7002) hears nothing of the leader, node 1.");
  }

  @Test
  void when_another_node_sits_at_the_address_then_the_member_is_not_there() {
    node(1, "leader");
    add(2, true, status(2, "", "none", 0, 0, 0, false, "up 7.0.15"));
    add(3, true, status(3, CLUSTER, "removed", 0, 0, 0, false, "up 7.0.15"));
    add(4, true, status(9, CLUSTER, "follower", 3, 1, 5000, true, "up 7.0.15"));
    assertProblems("No majority: 1 of 4", "Node 2", "Node 3", "Node 4");
    List<String> problems = Diagnosis.of(nodes).problems();
    assertTrue(problems.get(1).contains("in no cluster"), problems.get(1));
    assertTrue(problems.get(2).contains("was removed"), problems.get(2));
    assertTrue(problems.get(3).contains("is node 9"), problems.get(3));
  }

  @Test
  void when_there_are_only_learners_beside_one_voter_then_that_is_a_problem() {
    node(1, "leader");
    node(2, "learner");
    node(3, "learner");
    assertProblems("Each of the nodes 2, 3 is a learner: until it is a voter");
  }

  @Test
  void when_a_learner_joins_three_voters_then_it_is_a_note() {
    node(1, "leader");
    node(2, "follower");
    node(3, "follower");
    node(4, "learner");
    assertProblems();
    assertEquals(
        List.of("Node 4 is a learner and does not count for the majority until it has caught up."),
        Diagnosis.of(nodes).notes());
  }

  @Test
  void when_small_then_a_note_says_what_that_means() {
    node(1, "leader");
    assertProblems();
    assertTrue(Diagnosis.of(nodes).notes().get(0).startsWith("A single node survives no failure"));
    node(2, "follower");
    assertProblems();
    assertTrue(Diagnosis.of(nodes).notes().get(0).startsWith("Two voters survive no failure"));
  }

  @Test
  void when_printed_then_there_is_a_line_a_node_and_the_verdict() {
    node(1, "leader");
    node(2, "follower");
    unreachable(3);
    Diagnosis diagnosis = Diagnosis.of(nodes);
    List<String> lines =
        ClusterStatus.text(new ClusterView(CLUSTER, nodes), diagnosis, Ansi.OFF).lines().toList();
    assertEquals(7, lines.size());
    assertEquals(
        List.of("2", "follower", "3", "5000", "5000", "0", "-", "127.0.0.1:7002"),
        List.of(lines.get(2).split(" +")).subList(0, 8));
    assertTrue(lines.get(3).contains("not there"), lines.get(3));
    assertTrue(lines.get(6).startsWith("Problem: Node 3"), lines.get(6));
  }

  @Test
  void when_printed_as_json_then_a_script_can_read_it() {
    node(1, "leader");
    node(2, "follower", 3, 1, 10, false, "down: \"quoted\"\n");
    unreachable(3);
    Diagnosis diagnosis = Diagnosis.of(nodes);
    String json = Json.of(ClusterStatus.json(new ClusterView(CLUSTER, nodes), diagnosis));
    assertFalse(json.contains("\n"));
    Map<String, Object> read = JsonReader.object(json);
    assertEquals(CLUSTER, read.get("cluster"));
    assertEquals(false, read.get("healthy"));
    assertEquals(1L, read.get("leader"));
    assertEquals(diagnosis.problems(), read.get("problems"));
    List<?> list = (List<?>) read.get("nodes");
    assertEquals("down: \"quoted\"\n", ((Map<?, ?>) list.get(1)).get("redis"));
    assertEquals(4990L, ((Map<?, ?>) list.get(1)).get("lag"));
    assertEquals(false, ((Map<?, ?>) list.get(2)).get("reachable"));
  }
}
