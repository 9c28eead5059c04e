package io.ratissidecar.it;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.time.Duration;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/** Redis servers that somebody else starts: over TCP, over a unix socket, with a password. */
@Tag("fault")
@ExtendWith(PrintLogsOnFailure.class)
class ExternalRedisIT {
  private static final int FATAL = 70;
  private static final Duration STOP = Duration.ofSeconds(120);

  private final TestCluster cluster = TestCluster.unformed(0);

  @AfterEach
  void stop() {
    cluster.close();
  }

  @Test
  void when_redis_is_external_then_it_is_used_and_survives_its_death_and_that_of_the_sidecar() {
    Node overTcp = cluster.create();
    overTcp.set("--redis", "127.0.0.1:" + overTcp.redisPort());
    Node overSocket = cluster.create();
    overSocket.set("--redis", "unix:" + overSocket.redisSocket());
    Node persistent = cluster.create();
    persistent.set("--redis", "127.0.0.1:" + persistent.redisPort());
    overTcp.startExternalRedis();
    overSocket.startExternalRedis();
    persistent.startExternalRedis("--appendonly", "yes");
    cluster.nodes().forEach(Node::start);
    cluster.nodes().forEach(Node::awaitReady);
    cluster.form();
    try (FaultRun run = new FaultRun(cluster)) {
      overTcp.killRedis();
      run.awaitMore(100);
      overTcp.startExternalRedis();
      persistent.killRedis();
      run.awaitMore(100);
      persistent.startExternalRedis("--appendonly", "yes");
      overSocket.killSidecar();
      run.awaitMore(100);
      assertTrue(overSocket.redis().isPresent(), "an external Redis outlives its sidecar");
      overSocket.start().awaitReady();
      run.awaitMore(200);
      run.finish();
    }
  }

  @Test
  void when_redis_wants_a_password_then_the_right_one_opens_it_and_a_wrong_one_is_explained() {
    Node node = cluster.create("--redis-password", "sesame");
    node.set("--redis", "127.0.0.1:" + node.redisPort());
    node.startExternalRedis("--requirepass", "sesame");
    node.start().awaitReady();
    Node wrong = cluster.create("--redis-password", "mustard");
    wrong.set("--redis", "127.0.0.1:" + wrong.redisPort());
    wrong.startExternalRedis("--requirepass", "sesame");
    wrong.start();
    assertEquals(FATAL, wrong.awaitExit(STOP));
    wrong.assertLogs("WRONGPASS");
  }

  @Test
  void when_a_setting_of_redis_would_let_replicas_differ_then_the_node_says_which_and_stops() {
    Node node = cluster.create();
    node.set("--redis", "127.0.0.1:" + node.redisPort());
    node.startExternalRedis("--maxmemory", "10mb");
    node.start();
    assertEquals(FATAL, node.awaitExit(STOP));
    node.assertLogs("CONFIG SET maxmemory 0");
  }

  @Test
  void when_told_to_stop_while_it_waits_for_redis_then_it_stops_at_once() {
    Node node = cluster.create();
    node.set("--redis", "127.0.0.1:" + node.redisPort());
    node.start();
    Poll.until(
        "it says that Redis is not there",
        TestCluster.PATIENCE,
        () -> node.logLines().stream().anyMatch(line -> line.contains("is not usable")));
    node.terminate();
    assertEquals(0, node.awaitExit(Duration.ofSeconds(5)));
  }

  @Test
  void when_redis_is_not_set_up_like_the_others_then_the_node_stops_instead_of_differing()
      throws IOException {
    Node first = cluster.create();
    Node second = cluster.create();
    first.start().awaitReady();
    second.start().awaitReady();
    cluster.form();
    assertFalse(first.call("RAFT", "LPUSH", "list", "a").isError());
    Node fewer = external("--databases", "8");
    Replies.assertError(
        "ERR the Redis of the node at " + fewer.address() + " has 8 databases",
        fewer.call("RAFT.CLUSTER", "JOIN", first.address()));
    cluster.forget(fewer);
    Node renamed = external("--rename-command", "LPUSH", "PUSHL");
    join(renamed, first);
    assertEquals(FATAL, renamed.awaitExit(STOP));
    renamed.assertLogs("unknown command 'LPUSH'");
    renamed.assertLogs("no rename-command");
  }

  private Node external(String... flags) {
    Node node = cluster.create();
    node.set("--redis", "127.0.0.1:" + node.redisPort());
    node.startExternalRedis(flags);
    return node.start().awaitReady();
  }

  /** Asks to join; the node may be gone before it answers. */
  private static void join(Node node, Node member) {
    try {
      node.call("RAFT.CLUSTER", "JOIN", member.address());
    } catch (IOException e) {
      assertFalse(e.getMessage().isEmpty());
    }
  }

  @Test
  void when_nothing_listens_then_the_node_says_where_it_looked_and_stops() {
    Node node = cluster.create();
    node.set("--redis", "127.0.0.1:" + node.redisPort());
    node.start();
    assertEquals(FATAL, node.awaitExit(STOP));
    node.assertLogs("127.0.0.1:" + node.redisPort());
  }
}
