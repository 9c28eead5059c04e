package io.ratissidecar.it;

import static io.ratissidecar.it.Replies.assertOk;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import io.ratissidecar.it.Program.Result;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;

/** The command line against a living cluster, whose nodes fail and come back. */
@ExtendWith(PrintLogsOnFailure.class)
class CliIT {
  private static final int FAILED = 1;
  private static final int UNREACHABLE = 3;
  private static final String CLUSTER_ID = "00112233445566778899aabbccddeeff";

  @TempDir static Path dir;

  @AutoClose("checkAndClose")
  private static TestCluster cluster;

  private static Node founder;
  private static Result init;
  private static Result join;
  private static Result joinInJson;

  @BeforeAll
  static void form() {
    cluster = TestCluster.unformed(3);
    founder = cluster.node(0);
    init = at(founder, "cluster init --id " + CLUSTER_ID);
    join = at(cluster.node(1), "cluster join " + founder.address());
    // One that can be reached is enough.
    joinInJson = at(cluster.node(2), "cluster join 127.0.0.1:1 " + founder.address() + " --json");
  }

  /** Runs a command that asks this node. */
  private static Result at(Node node, String words) {
    return cli(words + " --node " + node.address());
  }

  private static Result cli(String words) {
    return Program.run(dir, Map.of(), words.split(" "));
  }

  private static long id(Node node) {
    try {
      return node.infoNumber("raft_node_id");
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  @Test
  void when_a_cluster_is_made_and_joined_then_each_step_is_told() {
    init.expect(
        0,
        "Cluster " + CLUSTER_ID + " has been made, with node 1 at " + founder.address() + ".",
        "ratis-sidecar cluster join --node HOST:PORT " + founder.address());
    Node second = cluster.node(1);
    join.expect(0, "Node 2 at " + second.address() + " is a voter of the cluster.");
    assertEquals(
        JsonParser.parseString(
            "{'id': 3, 'address': '%s', 'voter': true}".formatted(cluster.node(2).address())),
        joinInJson.expect(0).json());
    at(founder, "cluster init").expect(FAILED, founder.address() + " says: ERR Already cluster");
    at(second, "cluster join " + founder.address()).expect(0, "is a voter of the cluster.");
  }

  @Test
  void when_all_is_well_then_status_says_so_through_any_node() {
    Node leader = cluster.leader();
    cluster.awaitSameIndex();
    for (Node node : cluster.nodes()) {
      Result status = at(node, "cluster status").expect(0, "\nAll is well.\n");
      List<String> lines = status.out().lines().toList();
      assertEquals(
          "id role term commit applied lag snapshot address Redis state",
          lines.get(0).replaceAll(" +", " "));
      String role = node == leader ? "leader" : "follower";
      assertTrue(
          lines.stream()
              .anyMatch(
                  line ->
                      line.matches(
                          "%d +%s +\\d+ +\\d+ +\\d+ +0 +- +%s +127.0.0.1:%d +up 7.*"
                              .formatted(id(node), role, node.address(), node.redisPort()))),
          status::toString);
    }
    JsonObject json = at(founder, "cluster status --json").expect(0).json();
    assertEquals(CLUSTER_ID, json.get("cluster").getAsString());
    assertTrue(json.get("healthy").getAsBoolean());
    assertEquals(id(leader), json.get("leader").getAsLong());
    assertEquals(0, json.getAsJsonArray("problems").size());
    assertEquals(3, json.getAsJsonArray("nodes").size());
    for (JsonElement each : json.getAsJsonArray("nodes")) {
      JsonObject node = each.getAsJsonObject();
      assertTrue(node.get("reachable").getAsBoolean() && node.get("serving").getAsBoolean());
      assertEquals(node.get("commit_index"), node.get("applied_index"));
    }
  }

  @Test
  void when_nodes_are_down_then_status_says_what_that_means() {
    Node up = cluster.leader();
    List<Node> others = cluster.followers();
    Node down = others.get(0);
    String name = "Node " + id(down) + " (" + down.address() + ")";
    down.killSidecar();
    Result status =
        at(up, "cluster status")
            .expect(
                FAILED,
                "Problem: One more failure loses the majority: 2 of 3 voters can be reached, 2 are needed.",
                "Problem: " + name + " can't be reached: nothing listens there.",
                "not there");
    assertFalse(status.out().contains("All is well"), status::toString);
    JsonObject json = at(up, "cluster status --json").expect(FAILED).json();
    assertFalse(json.get("healthy").getAsBoolean());
    assertEquals(2, json.getAsJsonArray("problems").size());
    JsonObject missing = node(json, down.address());
    assertFalse(missing.get("reachable").getAsBoolean());
    assertEquals("nothing listens there", missing.get("problem").getAsString());
    // The first of the nodes that answers is asked.
    cli("node list --node " + down.address() + "," + up.address()).expect(0, up.address());

    others.get(1).killSidecar();
    at(up, "cluster status")
        .expect(
            FAILED,
            "Problem: No majority: 1 of 3 voters can be reached, 2 are needed.",
            "RAFT commands wait or fail until more are back.");
    cli("cluster status --node " + down.address() + "," + others.get(1).address())
        .expect(UNREACHABLE, "can't reach a node at " + down.address(), "nor at any other");

    others.forEach(Node::start);
    others.forEach(Node::awaitReady);
    cluster.awaitLeader();
    cluster.awaitSameIndex();
    Poll.until(
        "all is well", TestCluster.PATIENCE, () -> at(down, "cluster status").exitCode() == 0);
  }

  private static JsonObject node(JsonObject status, String address) {
    for (JsonElement node : status.getAsJsonArray("nodes")) {
      if (node.getAsJsonObject().get("address").getAsString().equals(address)) {
        return node.getAsJsonObject();
      }
    }
    throw new AssertionError(address + " is not in " + status);
  }

  @Test
  void when_nodes_are_listed_then_all_members_are_there() {
    Node leader = cluster.leader();
    Result list = at(founder, "node list").expect(0);
    List<String> lines = list.out().lines().map(line -> line.replaceAll(" +", " ")).toList();
    assertEquals("id address vote role", lines.get(0));
    assertTrue(
        lines.contains(id(leader) + " " + leader.address() + " voter leader"), lines::toString);
    JsonObject json = at(founder, "node list --json").expect(0).json();
    assertEquals(3, json.getAsJsonArray("nodes").size());
    JsonObject first = node(json, leader.address());
    assertEquals(id(leader), first.get("id").getAsLong());
    assertTrue(first.get("voter").getAsBoolean() && first.get("leader").getAsBoolean());
  }

  @Test
  void when_leadership_is_handed_over_then_it_says_who_leads() {
    Node target = cluster.followers().get(0);
    // Asked at a follower, which knows the leader. Another node may win an election meanwhile: once
    // more.
    Poll.until(
        "node " + id(target) + " leads, then another",
        TestCluster.PATIENCE,
        () -> {
          at(target, "node transfer " + id(target))
              .expect(0, "Node " + id(target) + " leads now (term ");
          Result transfer = at(target, "node transfer --json").expect(0);
          return transfer.json().get("leader").getAsLong() != id(target);
        });
    at(founder, "node transfer 77").expect(FAILED, " says: ERR ");
  }

  @Test
  void when_a_node_is_added_and_removed_then_status_follows() throws IOException {
    Node fourth = cluster.create().start().awaitReady();
    at(fourth, "cluster status")
        .expect(FAILED, "NOCLUSTER", "Start one with 'ratis-sidecar cluster init'");
    // Asked at a node that does not lead, which says who does.
    Result added =
        at(cluster.followers().get(0), "node add " + fourth.address() + " --id 9 --json");
    assertEquals(
        JsonParser.parseString(
            "{'id': 9, 'address': '%s', 'voter': true}".formatted(fourth.address())),
        added.expect(0).json());
    at(founder, "node add " + fourth.address())
        .expect(0, "Node 9 at ", "is a voter of the cluster.");
    at(founder, "node list").expect(0, fourth.address());
    at(founder, "node add 127.0.0.1:1").expect(FAILED, "127.0.0.1:1");
    at(founder, "node remove 99").expect(FAILED, "ERR node 99 is not a member");
    at(founder, "node remove 9").expect(0, "Node 9 is no member any more.");
    assertEquals(3, at(founder, "node list --json").json().getAsJsonArray("nodes").size());
    Poll.until(
        "it knows that it was removed",
        TestCluster.PATIENCE,
        () -> fourth.info().get("raft_state").equals("removed"));
    at(fourth, "cluster join " + founder.address()).expect(FAILED, "This node was removed");

    // The same with JSON, with a node that is down and another one.
    Node fifth = cluster.create().start().awaitReady();
    at(founder, "node add " + fifth.address()).expect(0, "is a voter of the cluster.");
    long id = id(fifth);
    assertTrue(id != 9, "an id is never used twice");
    fifth.killSidecar();
    assertEquals(
        JsonParser.parseString("{'removed': %d}".formatted(id)),
        at(founder, "node remove --json " + id).expect(0).json());
    cluster.forget(fourth);
    cluster.forget(fifth);
    cluster.awaitVoters(3);
  }

  @Test
  void when_it_is_no_sidecar_then_it_says_so() {
    cli("cluster status --node 127.0.0.1:" + founder.redisPort())
        .expect(FAILED, "Is this the port of a sidecar, and not that of its Redis?");
  }

  @Test
  void when_a_node_has_stopped_then_its_log_can_be_looked_into() throws Exception {
    Node stopped = cluster.followers().get(0);
    assertOk(cluster.leader().call("RAFT", "SET", "cli:dumped", "so it is"));
    cluster.awaitSameIndex();
    long id = id(stopped);
    log("info", stopped.dir()).expect(FAILED, "a sidecar is running on " + stopped.dir());
    stopped.terminate();
    assertEquals(0, stopped.awaitExit(TestCluster.PATIENCE));
    try {
      log("info", stopped.dir())
          .expect(0, "cluster   " + CLUSTER_ID, "node      " + id, "closed    cleanly");
      JsonObject info = log("info --json", stopped.dir()).expect(0).json();
      assertTrue(info.get("sound").getAsBoolean() && info.get("closed_cleanly").getAsBoolean());
      log("dump", stopped.dir()).expect(0, "type COMMANDS", "SET \"cli:dumped\" \"so it is\"");
      List<String> lines = log("dump --json", stopped.dir()).expect(0).out().lines().toList();
      assertEquals(info.get("entries").getAsInt(), lines.size());
      JsonObject last = JsonParser.parseString(lines.get(lines.size() - 1)).getAsJsonObject();
      assertEquals(info.get("last_index"), last.get("index"));
      log("verify", stopped.dir()).expect(0, "The log is sound: " + lines.size() + " entries");

      Path copy = copy(stopped.dir().resolve("log"));
      log("verify", copy).expect(FAILED, "there is no Raft log beside it");
      List<Path> raftLog = copyRaftLog(stopped, copy);
      Path raftSegment = raftLog.get(0);
      log("verify", copy).expect(0, " of Raft's own log");
      byte[] bytes = Files.readAllBytes(raftSegment);
      bytes[bytes.length / 2] ^= 1;
      Files.write(raftSegment, bytes);
      log("verify", copy).expect(FAILED, "damage: " + raftSegment + " at byte ");
      for (Path segment : raftLog) {
        Files.delete(segment);
      }
      damage(copy.resolve("log"), "cli:dumped");
      log("verify", copy).expect(FAILED, "damage: ", ".resp at byte ", "damaged in one place");
      assertFalse(log("verify --json", copy).expect(FAILED).json().get("sound").getAsBoolean());
      assertLoads(log("dump --aof", stopped.dir()).expect(0).out());
    } finally {
      stopped.start().awaitReady();
    }
    cluster.awaitSameIndex();
  }

  private static Result log(String words, Path nodeDir) {
    return cli("log " + words + " --dir " + nodeDir);
  }

  private static Path copy(Path log) throws IOException {
    Path copy = Files.createDirectories(Files.createTempDirectory(dir, "copy-").resolve("log"));
    try (Stream<Path> files = Files.list(log)) {
      for (Path file : files.filter(Files::isRegularFile).toList()) {
        Files.copy(file, copy.resolve(file.getFileName()));
      }
    }
    return copy.getParent();
  }

  /** Copies the segments of Raft's log; returns the copies. */
  private static List<Path> copyRaftLog(Node node, Path copy) throws IOException {
    Path raft = node.dir().resolve("raft");
    List<Path> copies = new ArrayList<>();
    try (Stream<Path> files = Files.walk(raft)) {
      for (Path segment :
          files.filter(f -> f.getFileName().toString().startsWith("log_")).toList()) {
        Path target = copy.resolve("raft").resolve(raft.relativize(segment));
        Files.createDirectories(target.getParent());
        copies.add(Files.copy(segment, target));
      }
    }
    return copies;
  }

  /** Changes one byte of this text in the segment that holds it. */
  private static void damage(Path log, String text) throws IOException {
    try (Stream<Path> files = Files.list(log)) {
      for (Path file : files.filter(f -> f.toString().endsWith(".resp")).toList()) {
        String contents = Files.readString(file, StandardCharsets.ISO_8859_1);
        if (contents.contains(text)) {
          String damaged = contents.replace(text, "X" + text.substring(1));
          Files.writeString(file, damaged, StandardCharsets.ISO_8859_1);
          return;
        }
      }
    }
    throw new AssertionError(text + " is in no segment of " + log);
  }

  /** A Redis that is given the commands holds what the nodes hold. */
  private static void assertLoads(String commands) throws Exception {
    Node plain = cluster.create();
    try {
      plain.startExternalRedis();
      Path file = Files.writeString(dir.resolve("dump.aof"), commands);
      Process pipe =
          new ProcessBuilder("redis-cli", "-p", "" + plain.redisPort(), "--pipe")
              .redirectInput(file.toFile())
              .redirectErrorStream(true)
              .start();
      String said = new String(pipe.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
      assertEquals(0, pipe.waitFor(), said);
      RedisContents.assertSame(
          RedisContents.of(cluster.leader().redisPort()),
          RedisContents.of(plain.redisPort()),
          "a node's Redis and one with the dump");
    } finally {
      cluster.forget(plain);
    }
  }
}
