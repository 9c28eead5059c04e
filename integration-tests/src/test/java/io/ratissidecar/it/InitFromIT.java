package io.ratissidecar.it;

import static io.ratissidecar.it.Replies.assertOk;
import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.ratissidecar.jepsen.Reply;
import io.ratissidecar.jepsen.RespClient;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;

/** A cluster that begins with the data of an RDB. */
@ExtendWith(PrintLogsOnFailure.class)
class InitFromIT {
  private static final int FAILED = 1;

  @TempDir Path dir;

  /** Not below the directory of the programs, with whose end all ends that runs there. */
  @TempDir Path redisDir;

  private TestCluster cluster;

  @AfterEach
  void close() {
    if (cluster != null) {
      cluster.close();
    }
  }

  /** Keys of every type, in several databases, with and without an end. */
  private static final String LIBRARY =
      "#!lua name=lib\nredis.register_function('args', function(keys, args) return #args end)";

  private static void fill(PlainRedis source) throws IOException {
    try (RespClient client = source.client()) {
      for (String database : List.of("0", "3", "14")) {
        assertOk(client.call("SELECT", database));
        client.call("SET", "string", "value in " + database);
        client.call("SET", "number", "41");
        client.call("SET", "ends", "soon enough", "EX", "100000");
        client.call("RPUSH", "list", "a", "b", "c");
        client.call("SADD", "set", "x", "y", "z");
        client.call("HSET", "hash", "f1", "v1", "f2", "v2");
        client.call("ZADD", "zset", "1.5", "one", "2.5", "two");
        client.call("XADD", "stream", "1-1", "f", "v");
        client.call("XGROUP", "CREATE", "stream", "group", "0");
        client.call("SETRANGE", "long", "100000", "end");
      }
      assertOk(client.call("SELECT", "0"));
      Replies.assertText("lib", client.call("FUNCTION", "LOAD", LIBRARY));
      for (int i = 0; i < 5000; i++) {
        client.call("SET", "key " + i, "value " + i);
      }
    }
  }

  /** Has the source write its RDB. */
  private static Path save(PlainRedis source) throws IOException {
    assertOk(source.call("SAVE"));
    return Path.of(source.call("CONFIG", "GET", "dir").texts().get(1)).resolve("dump.rdb");
  }

  private Program.Result init(Node node, Path rdb) {
    return Program.run(
        dir, Map.of(), "cluster", "init", "--node", node.address(), "--from", rdb.toString());
  }

  private static void assertSame(Map<String, String> expected, Node node) {
    RedisContents.assertSame(
        expected, RedisContents.of(node.redisPort()), "RDB and " + node.name());
  }

  private static List<Path> snapshots(Node node) {
    try (Stream<Path> files = Files.list(node.dir().resolve("snapshots"))) {
      return files.toList();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  @Test
  void when_made_of_an_rdb_then_every_node_has_its_data_and_goes_on() throws IOException {
    cluster = TestCluster.unformed(3);
    Map<String, String> expected;
    try (PlainRedis source = new PlainRedis(redisDir)) {
      fill(source);
      Files.copy(save(source), dir.resolve("some.rdb"));
      expected = RedisContents.of(source.port());
    }
    Node founder = cluster.node(0);
    init(founder, Path.of("some.rdb")) // the node has another working directory
        .expect(0, "has been made of " + dir.toRealPath().resolve("some.rdb") + ", with node 1");
    assertTrue(founder.isLeader());
    assertSame(expected, founder);
    for (Node node : cluster.nodes().subList(1, 3)) {
      assertOk(node.call("RAFT.CLUSTER", "JOIN", founder.address()));
      assertEquals(1, node.infoNumber("raft_snapshots_received"), node.name());
    }
    cluster.awaitVoters(3);
    cluster.awaitSameIndex();
    cluster.nodes().forEach(node -> assertSame(expected, node));

    assertEquals(42, cluster.leader().call("RAFT", "INCR", "number").number());
    assertEquals(1, cluster.leader().call("RAFT", "FCALL", "args", "0", "a").number());
    assertTrue(
        cluster.leader().call("RAFT", "FUNCTION", "LIST", "WITHCODE").toString().contains(LIBRARY));
    founder.killBoth();
    founder.start().awaitReady();
    cluster.awaitLeader();
    assertEquals(43, cluster.leader().call("RAFT", "INCR", "number").number());
    cluster.nodes().forEach(Node::killBoth);
    cluster.nodes().forEach(Node::start);
    cluster.nodes().forEach(Node::awaitReady);
    assertEquals(44, cluster.leader().call("RAFT", "INCR", "number").number());
    cluster.awaitSameIndex();
    expected.computeIfPresent("0 number", (key, value) -> value.replace("41", "44"));
    cluster.nodes().forEach(node -> assertSame(expected, node));
    ClosingInvariants.checkSameData(cluster);

    // Of a node's own snapshot as well: what is the sidecar's in it is left out.
    Reply snapshot = cluster.leader().call("RAFT.SNAPSHOT");
    Path rdb = Path.of(snapshot.texts().get(snapshot.texts().indexOf("path") + 1));
    Node other = cluster.create().start().awaitReady();
    init(other, rdb).expect(0, "Cluster ");
    assertSame(expected, other);
    assertEquals(45, other.call("RAFT", "INCR", "number").number());
    assertEquals(2, other.call("RAFT", "FCALL", "args", "0", "a", "b").number());
    cluster.checkLogs();
  }

  @Test
  void when_the_file_is_of_no_use_then_nothing_is_changed_and_another_one_is_taken()
      throws IOException {
    cluster = TestCluster.unformed(1);
    Node node = cluster.node(0);
    try (PlainRedis source = new PlainRedis(redisDir)) {
      fill(source);
      Path good = save(source);
      assertRefused(
          node, dir.resolve("no such.rdb"), "is no file that the node at " + node.address());
      assertRefused(node, dir, "is no file that the node");

      Path damaged = dir.resolve("damaged.rdb");
      byte[] bytes = Files.readAllBytes(good);
      bytes[bytes.length / 2] ^= 1;
      Files.write(damaged, bytes);
      assertRefused(node, damaged, damaged + ": ");
      Path cut = dir.resolve("cut.rdb");
      Files.write(cut, List.of("REDIS0010"));
      assertRefused(node, cut, cut + ": ");
      Path newer = dir.resolve("newer.rdb"); // its checksum is 0, which stands for none
      Files.write(newer, "REDIS0013\u00ff\0\0\0\0\0\0\0\0".getBytes(ISO_8859_1));
      assertRefused(node, newer, "has version 13 of the RDB format, and the local Redis, 7");

      try (RespClient client = source.client()) {
        assertOk(client.call("SELECT", "15"));
        assertOk(client.call("SET", "reserved", "v"));
        Path reserved = Files.copy(save(source), dir.resolve("reserved.rdb"));
        assertRefused(node, reserved, "there are keys in database 15, such as 'reserved'");
        assertOk(client.call("FLUSHDB"));
      }
      assertRaftRefused(node, "must be an absolute one", "FROM", "dump.rdb");
      assertRaftRefused(node, "wrong number of arguments", "FROM");
      assertRaftRefused(node, "wrong number of arguments", "a", "b", "FROM", "/x");
      assertRaftRefused(node, "invalid cluster id", "a", "FROM", save(source).toString());

      assertOk(node.redisCall("SET", "k", "v"));
      assertRefused(node, save(source), "the local Redis is not empty");
      assertOk(node.redisCall("FLUSHALL"));
      String id = "00112233445566778899aabbccddeeff";
      Reply made = node.call("RAFT.CLUSTER", "INIT", id, "FROM", save(source).toString());
      assertEquals("OK " + id, made.text());
      assertSame(RedisContents.of(source.port()), node);
      init(node, save(source)).expect(FAILED, "ERR Already cluster member");
    }
    cluster.checkLogs();
  }

  private void assertRefused(Node node, Path rdb, String why) throws IOException {
    init(node, rdb).expect(FAILED, node.address() + " says: ERR ", why);
    assertUntouched(node);
  }

  private static void assertRaftRefused(Node node, String why, String... words) throws IOException {
    String[] command =
        Stream.concat(Stream.of("RAFT.CLUSTER", "INIT"), Stream.of(words)).toArray(String[]::new);
    Reply reply = node.call(command);
    assertTrue(reply.isError() && reply.text().contains(why), reply.toString());
    assertUntouched(node);
  }

  private static void assertUntouched(Node node) throws IOException {
    assertEquals(List.of(), snapshots(node));
    assertTrue(node.call("RAFT", "GET", "k").text().startsWith("NOCLUSTER"));
  }

  /** Large enough to be killed while something is done with it. */
  private PlainRedis large(String name) throws IOException {
    PlainRedis source =
        new PlainRedis(redisDir, "--enable-debug-command", "yes", "--rdbcompression", "no");
    assertOk(source.call("DEBUG", "POPULATE", "20000", name, "4000"));
    return source;
  }

  @Test
  @Tag("fault")
  void when_killed_in_the_middle_then_another_attempt_works_or_none_is_needed() throws IOException {
    cluster = TestCluster.unformed(1);
    Node node = cluster.node(0);
    try (PlainRedis source = large("key")) {
      Path rdb = save(source);
      Map<String, String> expected = RedisContents.of(source.port());

      beginInit(node, rdb);
      Poll.until(
          "it is being copied",
          TestCluster.PATIENCE,
          () -> snapshots(node).stream().anyMatch(InitFromIT::hasGrown));
      node.killBoth();
      node.start().awaitReady();
      assertUntouched(node);

      beginInit(node, rdb);
      Poll.until(
          "the node is in the cluster",
          TestCluster.PATIENCE,
          () -> node.hasLogged("Loading the snapshot of"));
      node.killBoth();
      node.start().awaitReady();
      cluster.awaitLeader();
      assertSame(expected, node);
      assertOk(node.call("RAFT", "SET", "new", "value"));
      // What was recorded of the founder keeps its id from being given away.
      Node second = cluster.create().start().awaitReady();
      assertOk(second.call("RAFT.CLUSTER", "JOIN", node.address()));
      assertEquals(2, second.infoNumber("raft_node_id"));
      cluster.awaitSameIndex();
      ClosingInvariants.checkSameData(cluster);
    }
    cluster.checkLogs();
  }

  private static boolean hasGrown(Path snapshot) {
    return snapshot.resolve("dump.rdb").toFile().length() > 10_000_000;
  }

  /** Nobody waits for the reply. */
  private static void beginInit(Node node, Path rdb) throws IOException {
    try (RespClient client = node.client()) {
      client.send("RAFT.CLUSTER", "INIT", "FROM", rdb.toString());
    }
  }

  @Test
  @Tag("long")
  void when_a_seed_was_left_by_a_process_that_was_killed_then_it_is_not_taken_for_data()
      throws IOException {
    cluster = TestCluster.unformed(1);
    Node node = cluster.node(0);
    try (PlainRedis source = new PlainRedis(redisDir)) {
      assertOk(source.call("SET", "left", "by the first"));
      init(node, save(source)).expect(0, "Cluster ");
      forgetCluster(node);
      assertOk(source.call("FLUSHALL"));
      assertOk(source.call("SET", "taken", "by the second"));
      init(node, save(source)).expect(0, "Cluster ");
      assertSame(RedisContents.of(source.port()), node);
      assertEquals(1, snapshots(node).size());
      forgetCluster(node);
      assertTrue(!node.call("RAFT.CLUSTER", "INIT").isError());
      assertSame(Map.of(), node);
    }
    cluster.checkLogs();
  }

  /** Leaves what a process would that was killed behind the publication of the snapshot. */
  private void forgetCluster(Node node) throws IOException {
    node.killBoth();
    Files.delete(node.dir().resolve("node.properties"));
    for (String part : List.of("raft", "log", "redis")) {
      try (Stream<Path> files = Files.walk(node.dir().resolve(part))) {
        for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
          Files.delete(file);
        }
      }
    }
    node.start().awaitReady();
    assertEquals(1, snapshots(node).size());
    assertTrue(node.call("RAFT", "GET", "k").text().startsWith("NOCLUSTER"));
  }
}
