package io.ratissidecar.it;

import static io.ratissidecar.it.Replies.assertError;
import static io.ratissidecar.it.Replies.assertNoError;
import static io.ratissidecar.it.Replies.assertNumber;
import static io.ratissidecar.it.Replies.assertOk;
import static io.ratissidecar.it.Replies.assertText;
import static org.junit.jupiter.api.Assertions.assertEquals;

import io.ratissidecar.jepsen.Reply;
import io.ratissidecar.jepsen.RespClient;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;

/** The nodes compare their data. */
@ExtendWith(PrintLogsOnFailure.class)
class DigestIT {
  private static final Set<String> ALARMS = Set.of("differs", "repairing", "undecided");

  @TempDir private static Path dir;
  @AutoClose private TestCluster cluster;

  private static Set<String> digests(Reply comparison) {
    assertEquals(6, comparison.elements().size(), comparison::toString);
    Set<String> digests = new HashSet<>();
    comparison.elements().get(5).elements().forEach(node -> digests.add(node.texts().get(1)));
    return digests;
  }

  private static String verdict(Reply comparison) {
    return comparison.elements().get(3).text();
  }

  private static void awaitVerdict(Node node, String verdict) {
    awaitVerdict(node, verdict, ALARMS.contains(verdict) ? "1" : "0");
  }

  private static void awaitVerdict(Node node, String verdict, String alarm) {
    Poll.until(
        node + " finds that its data is " + verdict,
        TestCluster.PATIENCE,
        () -> {
          Map<String, String> info = node.info();
          assertEquals(verdict, info.get("raft_digest_verdict"));
          assertEquals(alarm, info.get("raft_digest_alarm"));
          return true;
        });
  }

  @Test
  void when_asked_while_there_are_writes_then_all_nodes_have_the_same() throws Exception {
    cluster = TestCluster.of(3, "--mode", "transparent");
    Node leader = cluster.leader();
    AtomicBoolean stop = new AtomicBoolean();
    Thread writer =
        new Thread(
            () -> {
              try (RespClient client = leader.client()) {
                for (int i = 0; !stop.get(); i++) {
                  client.call("SET", "k" + i % 1000, "" + i, "PX", "" + (i % 7 + 1) * 100);
                  client.call("RPUSH", "list", "" + i);
                  client.call("SADD", "set", "" + i);
                }
              } catch (IOException e) {
                throw new UncheckedIOException(e);
              }
            });
    writer.start();
    try {
      Set<String> seen = new HashSet<>();
      for (int i = 1; i <= 3; i++) {
        Reply comparison = leader.call("RAFT.DIGEST");
        assertEquals("same", verdict(comparison), comparison::toString);
        assertEquals(1, digests(comparison).size(), comparison::toString);
        assertEquals(3, comparison.elements().get(5).elements().size());
        seen.addAll(digests(comparison));
        assertEquals(i, seen.size(), "the data has changed since");
      }
    } finally {
      stop.set(true);
      writer.join();
    }
    for (Node node : cluster.nodes()) {
      awaitVerdict(node, "same");
    }
    assertError("MOVED", cluster.followers().get(0).call("RAFT.DIGEST"));
    ClosingInvariants.checkSameData(cluster);
  }

  @Test
  void when_a_node_has_other_data_then_it_finds_out_and_cluster_status_says_so() throws Exception {
    cluster = TestCluster.of(3, "--digest-interval-seconds", "1");
    Node leader = cluster.leader();
    assertOk(leader.call("RAFT", "SET", "key", "value"));
    cluster.awaitSameIndex();
    for (Node node : cluster.nodes()) {
      awaitVerdict(node, "same");
    }
    Node follower = cluster.followers().get(0);
    assertOk(follower.redisCall("SET", "key", "other"));
    awaitVerdict(follower, "differs"); // without being asked, by the interval
    awaitVerdict(follower, "open", "1"); // the next comparison takes nothing back
    awaitVerdict(leader, "same");
    follower.assertLogs("differs from that of a majority");
    Program.run(dir, Map.of(), "cluster", "status", "--node", leader.address())
        .expect(1, "Problem: ", "has other data than the majority");
    assertOk(follower.redisCall("SET", "key", "value"));
    awaitVerdict(follower, "same");
  }

  /** A node that is at work with a snapshot just then has no digest. */
  private void awaitAllCompared() {
    Poll.until(
        "all nodes have compared their data",
        TestCluster.PATIENCE,
        () -> {
          Reply comparison = cluster.leader().call("RAFT.DIGEST");
          assertNoError(comparison);
          return comparison.elements().get(5).elements().size() == 3;
        });
  }

  /** Nobody compares again by himself: what the node says of itself must be true. */
  @Test
  void when_a_node_may_repair_itself_then_it_takes_the_data_of_the_majority() throws Exception {
    cluster = TestCluster.of(3, "--digest-interval-seconds", "0", "--digest-repair", "yes");
    for (String role : List.of("follower", "leader")) {
      Node leader = cluster.leader();
      Node wrong = role.equals("leader") ? leader : cluster.followers().get(0);
      assertOk(leader.call("RAFT", "SET", "key", role));
      cluster.awaitSameIndex();
      assertOk(wrong.redisCall("SET", "key", "other"));
      assertOk(wrong.redisCall("SET", "of nobody", "1"));
      assertNoError(wrong.call("RAFT.SNAPSHOT")); // a wrong one
      Poll.until( // it may still be at work for the snapshot
          "Redis's own file is wrong as well",
          TestCluster.PATIENCE,
          () -> wrong.redisCall("SAVE").text().equals("OK"));
      awaitAllCompared();
      awaitVerdict(wrong, "repaired");
      wrong.killBoth(); // nothing wrong may come back
      wrong.start().awaitReady();
      ClosingInvariants.checkSameData(cluster);
      assertText(role, wrong.redisCall("GET", "key"));
      assertNumber(0, wrong.redisCall("EXISTS", "of nobody"));
      wrong.assertLogs("Theirs takes its place");
    }
    assertEquals("same", verdict(cluster.leader().call("RAFT.DIGEST")));
  }
}
