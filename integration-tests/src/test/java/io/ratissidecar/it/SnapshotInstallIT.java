package io.ratissidecar.it;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.ratissidecar.jepsen.Reply;
import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/** Nodes that need entries which nobody has any more, while other things go wrong. */
@Tag("fault")
@ExtendWith(PrintLogsOnFailure.class)
class SnapshotInstallIT {
  private static final int VALUES = 250;
  private static final int VALUE_BYTES = 20_000;

  private TestCluster cluster;

  @AfterEach
  void close() {
    if (cluster != null) {
      cluster.close();
    }
  }

  /**
   * @param bandwidth in bytes per second; at 2,000,000 the data set takes two and a half seconds
   */
  private void start(int nodes, int bandwidth) {
    cluster =
        TestCluster.of(
            nodes,
            "--snapshot-log-bytes",
            "1000000",
            "--segment-bytes",
            "1048576",
            "--log-retain-entries",
            "0",
            "--snapshot-bandwidth",
            "" + bandwidth,
            "--election-timeout-millis", // megabytes are written at once, by up to five nodes here
            "2000");
  }

  /** Writes until what the node would need next is in no log any more. */
  private void leaveBehind() {
    Filling.keys(cluster.leader(), VALUES, VALUE_BYTES);
    for (Node node : cluster.running()) {
      Poll.until(
          node.name() + " has a snapshot",
          TestCluster.PATIENCE,
          () -> node.infoNumber("raft_snapshot_last_idx") > 0);
    }
  }

  /** A follower that is dead and will need a snapshot. */
  private Node leaveOneBehind() {
    Node away = cluster.followers().get(0);
    away.killBoth();
    leaveBehind();
    return away;
  }

  /** Waits until a part of a snapshot has come, and returns how much. */
  private static long awaitReceiving(Node node) {
    long[] bytes = new long[1];
    Poll.until(
        node.name() + " is receiving",
        TestCluster.PATIENCE,
        () -> {
          bytes[0] = partialBytes(node);
          return bytes[0] > 0 && node.infoNumber("raft_snapshots_received") == 0;
        });
    return bytes[0];
  }

  private static long partialBytes(Node node) throws IOException {
    try (DirectoryStream<Path> partial =
        Files.newDirectoryStream(node.dir().resolve("snapshots"), "partial-*")) {
      for (Path dir : partial) {
        Path rdb = dir.resolve("dump.rdb");
        return Files.exists(rdb) ? Files.size(rdb) : 0;
      }
      return 0;
    }
  }

  private static void awaitReceived(Node node) {
    Poll.until(
        node.name() + " has received a snapshot",
        TestCluster.PATIENCE,
        () -> node.infoNumber("raft_snapshots_received") > 0);
  }

  @Test
  @Tag("long")
  void when_two_nodes_come_back_at_once_then_both_catch_up() {
    start(5, 2_000_000);
    try (FaultRun run = new FaultRun(cluster)) {
      List<Node> away = cluster.followers().subList(0, 2);
      away.forEach(Node::killBoth);
      leaveBehind();
      away.forEach(Node::start);
      away.forEach(Node::awaitReady);
      Poll.until(
          "both receive at the same time",
          TestCluster.PATIENCE,
          () -> showsTransfer(away.get(0)) && showsTransfer(away.get(1)));
      away.forEach(SnapshotInstallIT::awaitReceived);
      run.awaitMore(100);
      run.finish();
    }
  }

  /** As {@code cluster status} asks it, and prints it. */
  private static boolean showsTransfer(Node receiver) throws IOException {
    List<String> status = receiver.call("RAFT.PEER", "STATUS", "1", "").texts();
    return status
        .get(status.indexOf("snapshot-activity") + 1)
        .matches("receiving [0-9]+ % of [0-9]+ MB");
  }

  @Test
  @Tag("long")
  void when_a_new_node_joins_an_old_cluster_then_it_gets_everything() throws IOException {
    start(1, 0);
    leaveBehind();
    try (FaultRun run = new FaultRun(cluster)) {
      for (int i = 0; i < 2; i++) {
        Node added = cluster.create().start().awaitReady();
        Reply reply = added.call("RAFT.CLUSTER", "JOIN", cluster.node(0).address());
        assertTrue(!reply.isError(), reply.toString());
        assertEquals(1, added.infoNumber("raft_snapshots_received"), added.name());
        run.awaitMore(100);
      }
      cluster.awaitVoters(3);
      run.finish();
    }
  }

  @Test
  void when_the_receiver_is_killed_in_the_middle_then_it_goes_on_where_it_was() throws IOException {
    start(3, 2_000_000);
    try (FaultRun run = new FaultRun(cluster)) {
      Node away = leaveOneBehind();
      long received = 0;
      for (int i = 0; i < 2; i++) {
        away.start().awaitReady();
        long before = received;
        received = awaitReceiving(away);
        assertTrue(received >= before, "it began anew");
        run.awaitMore(50);
        received = partialBytes(away);
        away.killBoth();
      }
      away.start().awaitReady();
      awaitReceived(away);
      run.awaitMore(100);
      run.finish();
    }
  }

  @Test
  void when_the_sender_is_killed_in_the_middle_then_another_leader_sends_its_own() {
    start(3, 2_000_000);
    try (FaultRun run = new FaultRun(cluster)) {
      Node away = leaveOneBehind();
      away.start().awaitReady();
      awaitReceiving(away);
      Node sender = cluster.leader();
      sender.killBoth();
      // Two of three are there, and one of them has an old log: only the other one can lead.
      awaitReceived(away);
      run.awaitMore(100);
      sender.start().awaitReady();
      run.finish();
    }
  }

  @Test
  @Tag("long")
  void when_leadership_moves_in_the_middle_then_the_node_catches_up_all_the_same()
      throws IOException {
    start(3, 2_000_000);
    try (FaultRun run = new FaultRun(cluster)) {
      Node away = leaveOneBehind();
      away.start().awaitReady();
      awaitReceiving(away);
      Node next = cluster.followers().stream().filter(n -> n != away).findFirst().orElseThrow();
      cluster.transferLeadership(next);
      awaitReceived(away);
      run.awaitMore(100);
      run.finish();
    }
  }

  @Test
  void when_the_leaders_snapshot_is_damaged_then_it_takes_another_one_by_itself()
      throws IOException {
    start(3, 0);
    Node away = leaveOneBehind();
    Node leader = cluster.leader();
    // The newest of an idle cluster: no next one would come by itself.
    assertTrue(!leader.call("RAFT.SNAPSHOT").isError());
    long index = leader.infoNumber("raft_snapshot_last_idx");
    Path rdb = damage(leader, index);
    byte[] damaged = Files.readAllBytes(rdb);
    away.start().awaitReady();
    awaitReceived(away);
    leader.assertLogs("A snapshot is damaged; another one takes its place");
    // The node may have got the one before meanwhile.
    Poll.until(
        "the damaged one is replaced",
        TestCluster.PATIENCE,
        () -> !Files.exists(rdb) || !Arrays.equals(damaged, Files.readAllBytes(rdb)));
    ClosingInvariants.checkSameData(cluster);
  }

  private static Path damage(Node node, long index) throws IOException {
    try (DirectoryStream<Path> found =
        Files.newDirectoryStream(
            node.dir().resolve("snapshots"), String.format("snapshot-%020d-*", index))) {
      Path snapshot = found.iterator().next();
      Path rdb = snapshot.resolve("dump.rdb");
      byte[] bytes = Files.readAllBytes(rdb);
      bytes[bytes.length / 2] ^= 1;
      Files.write(rdb, bytes);
      return rdb;
    }
  }

  /** Redis is half loaded then, and its own end of the connection does not tell. */
  @Test
  void when_the_sidecar_alone_is_killed_while_redis_loads_then_redis_is_loaded_anew()
      throws IOException {
    start(3, 0);
    try (FaultRun run = new FaultRun(cluster)) {
      Node away = leaveOneBehind();
      away.start().awaitReady();
      Poll.until("loading", TestCluster.PATIENCE, () -> away.hasLogged("Loading the snapshot"));
      away.killSidecar();
      run.awaitMore(50);
      away.start().awaitReady();
      run.awaitMore(50);
      run.finish();
    }
  }

  @Test
  void when_members_change_between_snapshots_then_every_node_has_them_after_a_restart()
      throws IOException {
    start(3, 0);
    try (FaultRun run = new FaultRun(cluster)) {
      leaveBehind();
      Node added = cluster.create().start().awaitReady();
      assertTrue(!added.call("RAFT.CLUSTER", "JOIN", cluster.leader().address()).isError());
      for (Node node : cluster.nodes()) {
        assertTrue(!node.call("RAFT.SNAPSHOT").isError());
      }
      leaveBehind();
      for (Node node : cluster.nodes()) {
        assertTrue(!node.call("RAFT.SNAPSHOT").isError());
      }
      cluster.nodes().forEach(Node::killBoth);
      cluster.nodes().forEach(Node::start);
      cluster.nodes().forEach(Node::awaitReady);
      cluster.awaitVoters(4);
      run.awaitMore(50);
      run.finish();
    }
  }

  @Test
  @Tag("long")
  void when_its_data_is_being_loaded_then_plain_reads_are_told_so() throws IOException {
    start(3, 1_500_000);
    Node away = leaveOneBehind();
    away.start().awaitReady();
    awaitReceiving(away);
    Reply reply = away.call("GET", "fill:0");
    assertTrue(reply.isError() && reply.text().startsWith("LOADING"), reply.toString());
    awaitReceived(away);
    Poll.until(
        "served again",
        TestCluster.PATIENCE,
        () -> away.call("STRLEN", "fill:0").text().equals("" + VALUE_BYTES));
    ClosingInvariants.checkSameData(cluster);
  }
}
