package io.ratissidecar.it;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.lettuce.core.RedisClient;
import io.lettuce.core.RedisURI;
import io.lettuce.core.api.sync.RedisCommands;
import io.lettuce.core.cluster.RedisClusterClient;
import io.lettuce.core.cluster.api.sync.RedisAdvancedClusterCommands;
import io.lettuce.core.codec.StringCodec;
import io.lettuce.core.output.StatusOutput;
import io.lettuce.core.output.ValueOutput;
import io.lettuce.core.protocol.CommandArgs;
import io.lettuce.core.protocol.ProtocolKeyword;
import io.ratissidecar.jepsen.Reply;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import redis.clients.jedis.BuilderFactory;
import redis.clients.jedis.CommandArguments;
import redis.clients.jedis.CommandObject;
import redis.clients.jedis.HostAndPort;
import redis.clients.jedis.commands.ProtocolCommand;
import redis.clients.jedis.util.SafeEncoder;

/** The group as cluster clients see it: one shard, the leader first. */
@ExtendWith(PrintLogsOnFailure.class)
class ClusterClientsIT {
  private static final StringCodec CODEC = StringCodec.UTF8;

  @AutoClose("checkAndClose")
  private static TestCluster cluster;

  /** {@code RAFT}, for clients that know only the commands of Redis. */
  @SuppressWarnings("deprecation") // every enum has the name() that Lettuce wants no more
  private enum Lettuce implements ProtocolKeyword {
    RAFT;

    @Override
    public byte[] getBytes() {
      return "RAFT".getBytes(StandardCharsets.US_ASCII);
    }
  }

  private enum Jedis implements ProtocolCommand {
    RAFT;

    @Override
    public byte[] getRaw() {
      return SafeEncoder.encode(name());
    }
  }

  @BeforeAll
  static void start() {
    cluster = TestCluster.of(3);
  }

  private static CommandArgs<String, String> args(String command, String key, String... values) {
    return new CommandArgs<>(CODEC).add(command).addKey(key).addValues(values);
  }

  @Test
  void when_lettuce_connects_plainly_then_it_works() {
    RedisClient client =
        RedisClient.create(RedisURI.create("redis://" + cluster.leader().address()));
    try (var connection = client.connect()) {
      RedisCommands<String, String> redis = connection.sync();
      assertEquals("PONG", redis.ping());
      assertEquals(
          "OK", redis.dispatch(Lettuce.RAFT, new StatusOutput<>(CODEC), args("SET", "c:l", "1")));
      assertEquals("1", redis.dispatch(Lettuce.RAFT, new ValueOutput<>(CODEC), args("GET", "c:l")));
      assertEquals("1", redis.get("c:l"));
    } finally {
      client.shutdown();
    }
  }

  @Test
  void when_lettuce_connects_to_a_cluster_then_it_finds_the_leader_also_after_a_change()
      throws Exception {
    RedisClusterClient client =
        RedisClusterClient.create(
            RedisURI.create("redis://" + cluster.followers().get(0).address()));
    try (var connection = client.connect()) {
      RedisAdvancedClusterCommands<String, String> redis = connection.sync();
      assertEquals(3, client.getPartitions().size());
      for (int i = 0; i < 50; i++) {
        assertEquals(
            "OK",
            redis.dispatch(
                Lettuce.RAFT, new StatusOutput<>(CODEC), args("SET", "c:lc" + i, "" + i)));
      }
      transfer();
      for (int i = 0; i < 50; i++) {
        assertEquals(
            "" + i,
            redis.dispatch(Lettuce.RAFT, new ValueOutput<>(CODEC), args("GET", "c:lc" + i)));
      }
    } finally {
      client.shutdown();
    }
  }

  private static void transfer() throws Exception {
    Node former = cluster.leader();
    Replies.assertOk(former.call("RAFT.TRANSFER_LEADER"));
    Poll.until("another leads", TestCluster.PATIENCE, () -> cluster.leader() != former);
  }

  @Test
  void when_jedis_connects_plainly_then_it_works() {
    Node leader = cluster.leader();
    try (var jedis = new redis.clients.jedis.Jedis("127.0.0.1", leader.port())) {
      assertEquals("PONG", jedis.ping());
      assertEquals("OK", text(jedis.sendCommand(Jedis.RAFT, "SET", "c:j", "1")));
      assertEquals("1", text(jedis.sendCommand(Jedis.RAFT, "GET", "c:j")));
      assertEquals("1", jedis.get("c:j"));
    }
  }

  @Test
  void when_jedis_connects_to_a_cluster_then_it_finds_the_leader_also_after_a_change()
      throws Exception {
    Node follower = cluster.followers().get(0);
    try (var jedis =
        redis.clients.jedis.RedisClusterClient.builder()
            .nodes(Set.of(new HostAndPort("127.0.0.1", follower.port())))
            .build()) {
      for (int i = 0; i < 50; i++) {
        assertEquals("OK", jedis.executeCommand(raft("SET", "c:jc" + i, "v")));
      }
      transfer();
      for (int i = 0; i < 50; i++) {
        assertEquals("v", jedis.executeCommand(raft("GET", "c:jc" + i)));
      }
      assertEquals(3, jedis.getClusterNodes().size());
    }
  }

  private static CommandObject<String> raft(String command, String key, String... values) {
    CommandArguments arguments = new CommandArguments(Jedis.RAFT).add(command).key(key);
    arguments.addObjects((Object[]) values);
    return new CommandObject<>(arguments, BuilderFactory.STRING);
  }

  private static String text(Object reply) {
    return SafeEncoder.encode((byte[]) reply);
  }

  @Test
  void when_redis_cli_follows_then_from_every_node() throws Exception {
    for (Node node : cluster.nodes()) {
      String out = RedisCli.run(node, "-c", "RAFT", "INCR", "c:cli");
      assertTrue(out.matches("(?s).*\\b[123]$"), out);
    }
    assertTrue(RedisCli.run(cluster.node(0), "CLUSTER", "INFO").contains("cluster_state:ok"));
  }

  @Test
  void when_asked_for_slots_shards_and_nodes_then_one_shard_with_the_leader_first()
      throws Exception {
    Node leader = cluster.leader();
    Set<String> ids = new HashSet<>();
    for (Node node : cluster.nodes()) {
      List<Reply> slots = node.call("CLUSTER", "SLOTS").elements();
      assertEquals(1, slots.size());
      List<Reply> range = slots.get(0).elements();
      assertEquals("0", range.get(0).text());
      assertEquals("16383", range.get(1).text());
      assertEquals("" + leader.port(), range.get(2).elements().get(1).text());
      assertEquals(5, range.size());

      List<Reply> shards = node.call("CLUSTER", "SHARDS").elements();
      assertEquals(1, shards.size());
      List<Reply> first = shards.get(0).elements().get(3).elements().get(0).elements();
      assertEquals("master", after("role", first));
      assertEquals("" + leader.port(), after("port", first));

      String nodes = node.call("CLUSTER", "NODES").text();
      assertEquals(3, nodes.strip().split("\n").length, nodes);
      String own =
          Arrays.stream(nodes.split("\n")).filter(l -> l.contains("myself")).findFirst().get();
      assertTrue(own.contains(":" + node.port() + "@"), own);
      assertEquals(own.substring(0, 40), node.call("CLUSTER", "MYID").text());
      assertTrue(nodes.lines().filter(l -> l.contains("master")).count() == 1, nodes);
      ids.add(own.substring(0, 40));
      assertNotNull(node.call("CLUSTER", "INFO").text());
    }
    assertEquals(3, ids.size());
    assertEquals("12182", leader.call("CLUSTER", "KEYSLOT", "foo").text());
    assertEquals("12182", leader.call("CLUSTER", "KEYSLOT", "a{foo}b").text());
  }

  private static String after(String name, List<Reply> fields) {
    for (int i = 0; i < fields.size(); i += 2) {
      if (name.equals(fields.get(i).text())) {
        return fields.get(i + 1).text();
      }
    }
    throw new AssertionError("no " + name + " in " + fields);
  }
}
