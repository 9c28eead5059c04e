package io.ratissidecar.it;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.time.Duration;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/** Redis servers that somebody else starts: over TCP, over a unix socket, with a password. */
@Tag("fault")
@ExtendWith(PrintLogsOnFailure.class)
class ExternalRedisIT {
  private static final int FATAL = 70;
  private static final Duration STOP = Duration.ofSeconds(120);

  @AutoClose private final TestCluster cluster = TestCluster.unformed(0);

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

  /** What a Redis may be like that will not do, and what its node says. */
  private enum Unfit {
    MAXMEMORY("'maxmemory 10485760'", "CONFIG SET maxmemory 0", "--maxmemory", "10mb"),
    MIN_REPLICAS(
        "'min-replicas-to-write 1'",
        "CONFIG SET min-replicas-to-write 0",
        "--min-replicas-to-write",
        "1"),
    SAVES(
        "'stop-writes-on-bgsave-error yes'",
        "CONFIG SET stop-writes-on-bgsave-error no",
        "--save",
        "3600 1"),
    TIMEOUT("'timeout 10'", "CONFIG SET timeout 0", "--timeout", "10"),
    MAXMEMORY_CLIENTS(
        "'maxmemory-clients 10485760'",
        "CONFIG SET maxmemory-clients 0",
        "--maxmemory-clients",
        "10mb"),
    OUTPUT_LIMIT(
        "'client-output-buffer-limit normal 1048576 0 0 ",
        "CONFIG SET client-output-buffer-limit \"normal 0 0 0\"",
        "--client-output-buffer-limit",
        "normal 1mb 0 0"),
    SHORT_STRINGS(
        "'proto-max-bulk-len 1048576'",
        "CONFIG SET proto-max-bulk-len 536870912",
        "--proto-max-bulk-len",
        "1mb"),
    ONE_DATABASE("has 1 database;", "it needs at least 2", "--databases", "1"),
    CLUSTER_MODE(
        "cluster or sentinel mode",
        "it must be a plain server",
        "--cluster-enabled",
        "yes",
        "--cluster-port", // otherwise 10,000 above, among the kernel's ports for connections
        "" + Ports.next()),
    PERMISSIONS(
        "does not let this user (setting redis-user) do everything",
        "ACL SETUSER <user> +@all ~* &*",
        "--user",
        "default",
        "on",
        "nopass",
        "~*",
        "&*",
        "+@all",
        "-debug"),
    REPLICA(
        "is a replica of another one", "run REPLICAOF NO ONE on it", "--replicaof", "127.0.0.1 1");

    private final String fault;
    private final String remedy;
    private final String[] flags;

    Unfit(String fault, String remedy, String... flags) {
      this.fault = fault;
      this.remedy = remedy;
      this.flags = flags;
    }
  }

  @Test
  void when_redis_is_not_as_replication_needs_it_or_not_there_then_the_node_says_so_and_stops() {
    Node alone = cluster.create(); // which waits for a while
    alone.set("--redis", "127.0.0.1:" + alone.redisPort());
    alone.start();
    Map<Unfit, Node> nodes = new EnumMap<>(Unfit.class);
    for (Unfit unfit : Unfit.values()) {
      Node node = cluster.create();
      node.set("--redis", "127.0.0.1:" + node.redisPort());
      node.startExternalRedis(unfit.flags);
      nodes.put(unfit, node.start());
    }
    nodes.forEach(
        (unfit, node) -> {
          assertEquals(FATAL, node.awaitExit(STOP), unfit.name());
          List<String> lines = node.logLines();
          String last = lines.get(lines.size() - 1);
          assertTrue(last.contains("This node stops: the local Redis "), unfit + ": " + last);
          assertTrue(last.contains(unfit.fault), unfit + ": " + last);
          assertTrue(last.contains(unfit.remedy), unfit + ": " + last);
          assertTrue(node.redis().isPresent(), unfit + ": somebody else's Redis lives on");
        });
    assertEquals(FATAL, alone.awaitExit(STOP));
    alone.assertLogs("127.0.0.1:" + alone.redisPort());
  }

  @Test
  void when_told_to_stop_while_it_waits_for_redis_then_it_stops_at_once() {
    Node node = cluster.create();
    node.set("--redis", "127.0.0.1:" + node.redisPort());
    node.start();
    Poll.until(
        "it says that Redis is not there",
        TestCluster.PATIENCE,
        () -> node.hasLogged("is not usable"));
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
}
