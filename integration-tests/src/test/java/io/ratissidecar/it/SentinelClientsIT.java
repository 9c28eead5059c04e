package io.ratissidecar.it;

import static io.ratissidecar.it.Replies.assertError;
import static io.ratissidecar.it.Replies.assertNoError;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.lettuce.core.ReadFrom;
import io.lettuce.core.RedisClient;
import io.lettuce.core.RedisURI;
import io.lettuce.core.api.StatefulRedisConnection;
import io.lettuce.core.codec.StringCodec;
import io.lettuce.core.masterreplica.MasterReplica;
import io.lettuce.core.masterreplica.StatefulRedisMasterReplicaConnection;
import io.ratissidecar.jepsen.Reply;
import io.ratissidecar.jepsen.RespClient;
import java.io.EOFException;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Consumer;
import java.util.stream.Collectors;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import redis.clients.jedis.HostAndPort;
import redis.clients.jedis.Jedis;
import redis.clients.jedis.JedisSentinelPool;

/** Clients that find the master through sentinels, unchanged. */
@ExtendWith(PrintLogsOnFailure.class)
class SentinelClientsIT {
  private static final String NAME = "mymaster";

  @AutoClose("compareAndClose")
  private static TestCluster cluster;

  @BeforeAll
  static void start() {
    cluster = TestCluster.of(3, "--mode", "transparent");
  }

  @AfterEach
  void startAgain() {
    cluster.nodes().stream().filter(node -> !node.isAlive()).forEach(Node::start);
    cluster.nodes().forEach(Node::awaitReady);
    cluster.awaitVoters(3);
  }

  private static String field(Reply map, String name) {
    List<String> texts = map.texts();
    return texts.get(texts.indexOf(name) + 1);
  }

  private static Set<String> addresses(Reply servers) {
    return servers.elements().stream()
        .map(server -> field(server, "ip") + ":" + field(server, "port"))
        .collect(Collectors.toSet());
  }

  private Set<String> addressesBut(Node one) {
    Set<String> all = new HashSet<>();
    cluster.nodes().forEach(node -> all.add(node.address()));
    all.remove(one.address());
    return all;
  }

  @Test
  void when_any_node_is_asked_then_the_leader_is_the_master() throws Exception {
    Node leader = cluster.leader();
    for (Node node : cluster.nodes()) {
      List<String> master = node.call("SENTINEL", "get-master-addr-by-name", NAME).texts();
      assertEquals(leader.address(), String.join(":", master));
      Reply fields = node.call("SENTINEL", "MASTER", NAME);
      assertEquals(leader.address(), field(fields, "ip") + ":" + field(fields, "port"));
      assertEquals("master", field(fields, "flags"));
      assertEquals(Set.of(leader.address()), addresses(node.call("SENTINEL", "MASTERS")));
      assertEquals("0", field(fields, "num-slaves"));
      // They answer MOVED, which is of no use to who wants to read.
      assertEquals(Set.of(), addresses(node.call("SENTINEL", "REPLICAS", NAME)));
      assertEquals(addressesBut(node), addresses(node.call("SENTINEL", "SENTINELS", NAME)));
      assertTrue(node.call("SENTINEL", "GET-MASTER-ADDR-BY-NAME", "other").isNull());
      assertError("ERR No such master with that name", node.call("SENTINEL", "MASTER", "other"));
      assertError("ERR Unknown sentinel subcommand", node.call("SENTINEL", "FAILOVER", NAME));
      List<String> role = node.call("ROLE").texts();
      assertEquals(node == leader ? "master" : "slave", role.get(0));
      String info = node.call("INFO", "replication").text();
      assertTrue(
          info.contains(
              node == leader
                  ? "role:master\r\n"
                  : "role:slave\r\nmaster_host:127.0.0.1\r\nmaster_port:"),
          info);
    }
  }

  @ParameterizedTest
  @EnumSource
  void when_the_leader_changes_then_subscribers_of_every_node_hear_it(LeaderChange change)
      throws Exception {
    Node former = cluster.leader();
    List<RespClient> subscribers = new ArrayList<>();
    try {
      for (Node node : cluster.nodes()) {
        if (node != former || change == LeaderChange.HAND_OVER) {
          subscribers.add(node.client());
        }
      }
      for (RespClient subscriber : subscribers) {
        assertNoError(subscriber.call("SUBSCRIBE", "+switch-master"));
      }
      change.run(cluster);
      Node next = cluster.leader();
      String news = String.join(" ", NAME, former.address(), next.address()).replace(':', ' ');
      for (RespClient subscriber : subscribers) {
        assertEquals(news, subscriber.read().texts().get(2));
      }
    } finally {
      subscribers.forEach(RespClient::close);
    }
  }

  /** A sentinel that has not heard of it yet sends clients there, who can't follow MOVED. */
  @Test
  void when_leadership_is_handed_over_then_who_comes_too_late_is_forwarded_for_a_while()
      throws Exception {
    Node former = cluster.leader();
    Node next = cluster.followers().get(0);
    Set<String> replies = ConcurrentHashMap.newKeySet();
    AtomicBoolean stopping = new AtomicBoolean();
    Thread client =
        new Thread(
            () -> {
              while (!stopping.get()) {
                boolean late = next.isLeader();
                String reply = answerOf(former);
                replies.add((late ? "late: " : "") + reply.split(" ")[0]);
              }
            });
    client.start();
    try {
      cluster.transferLeadership(next);
      Poll.until(
          "it forwards no more", TestCluster.PATIENCE, () -> replies.contains("late: MOVED"));
    } finally {
      stopping.set(true);
      client.join();
    }
    assertTrue(replies.contains("late: OK"), replies::toString);
    assertFalse(replies.contains("MOVED"), replies::toString);
    assertEquals("MOVED", answerOf(former).split(" ")[0]);
  }

  /** One that waits there would take what comes, once its own connection is gone. */
  @Test
  void when_who_comes_too_late_waits_for_data_then_it_is_told_to_ask_again() throws Exception {
    Poll.until(
        "it comes in time to be forwarded",
        TestCluster.PATIENCE,
        () -> {
          Node former = cluster.leader();
          cluster.transferLeadership(cluster.followers().get(0));
          try (RespClient late = former.client()) {
            Reply reply = late.call("BLPOP", "waited", "0");
            assertTrue(reply.isError(), reply::toString);
            return reply.text().startsWith("UNBLOCKED force unblock");
          }
        });
    Node leader = cluster.leader();
    assertEquals(1, leader.call("RPUSH", "waited", "x").number());
    assertEquals(1, leader.call("LLEN", "waited").number());
  }

  /** What a client hears that comes, writes and goes. */
  private static String answerOf(Node node) {
    try (RespClient client = node.client()) {
      return client.call("SET", "late", "x").text();
    } catch (IOException e) {
      return "connection ended";
    }
  }

  @ParameterizedTest
  @EnumSource
  @SuppressWarnings("deprecation") // it is what applications have
  void when_the_leader_changes_then_jedis_goes_on_with_the_next(LeaderChange change)
      throws Exception {
    Set<HostAndPort> sentinels =
        cluster.nodes().stream()
            .map(node -> HostAndPort.from(node.address()))
            .collect(Collectors.toSet());
    try (JedisSentinelPool pool = new JedisSentinelPool(NAME, addresses(sentinels))) {
      checkLeaderChange(
          value -> {
            try (Jedis jedis = pool.getResource()) {
              jedis.sadd("written", value);
            }
          },
          change);
    }
  }

  private static Set<String> addresses(Set<HostAndPort> sentinels) {
    return sentinels.stream().map(HostAndPort::toString).collect(Collectors.toSet());
  }

  private static RedisURI sentinels() {
    RedisURI.Builder uri = RedisURI.builder().withSentinelMasterId(NAME);
    for (Node node : cluster.nodes()) {
      String[] address = node.address().split(":");
      uri.withSentinel(address[0], Integer.parseInt(address[1]));
    }
    return uri.build();
  }

  /** As Spring Data Redis does it, unless it is told to read from replicas. */
  @ParameterizedTest
  @EnumSource
  void when_the_leader_changes_then_plain_lettuce_goes_on_with_the_next(LeaderChange change)
      throws Exception {
    try (RedisClient client = RedisClient.create(sentinels());
        StatefulRedisConnection<String, String> connection = client.connect()) {
      connection.setTimeout(Duration.ofSeconds(2));
      checkLeaderChange(value -> connection.sync().sadd("written", value), change);
    }
  }

  @Test
  void when_the_leader_hands_over_then_only_subscribers_stay() throws Exception {
    Node former = cluster.leader();
    try (RespClient client = former.client();
        RespClient subscriber = former.client()) {
      assertEquals("PONG", client.call("PING").text());
      subscriber.call("SUBSCRIBE", "channel");
      cluster.transferLeadership(cluster.followers().get(0));
      assertThrows(EOFException.class, client::read);
      try (RespClient late = former.client()) { // whom another node has sent here
        assertEquals("PONG", late.call("PING").text());
        assertThrows(EOFException.class, late::read);
      }
      cluster.leader().call("PUBLISH", "channel", "message");
      assertEquals(List.of("message", "channel", "message"), subscriber.read().texts());
    }
  }

  @ParameterizedTest
  @EnumSource
  void when_the_leader_changes_then_lettuce_goes_on_with_the_next(LeaderChange change)
      throws Exception {
    try (RedisClient client = RedisClient.create();
        StatefulRedisMasterReplicaConnection<String, String> connection =
            MasterReplica.connect(client, StringCodec.UTF8, sentinels())) {
      connection.setReadFrom(ReadFrom.UPSTREAM);
      // What was sent to the leader that is gone would be waited for longer than all the rest.
      connection.setTimeout(Duration.ofSeconds(2));
      checkLeaderChange(value -> connection.sync().sadd("written", value), change);
    }
  }

  /** Adds other members to a set all the time, and notes those that were acknowledged. */
  private static final class Writer extends Thread {
    private final Consumer<String> add;
    private final AtomicBoolean stop = new AtomicBoolean();
    private final Set<String> acknowledged = ConcurrentHashMap.newKeySet();
    private volatile RuntimeException last;

    Writer(Consumer<String> add) {
      this.add = add;
    }

    @Override
    public void run() {
      for (int i = 0; !stop.get(); i++) {
        String member = "" + i;
        try {
          add.accept(member);
          acknowledged.add(member);
        } catch (RuntimeException e) { // of each client's own, or a cancellation
          last = e; // it may have been added, or not
          Poll.letRun(Duration.ofMillis(10));
        }
      }
    }

    void awaitMore(int members) {
      int enough = acknowledged.size() + members;
      Poll.until(
          members + " more are acknowledged",
          TestCluster.PATIENCE,
          () -> {
            if (acknowledged.size() < enough && last != null) {
              throw last;
            }
            return acknowledged.size() >= enough;
          });
    }
  }

  private static void checkLeaderChange(Consumer<String> add, LeaderChange change)
      throws Exception {
    assertNoError(cluster.leader().call("DEL", "written"));
    Writer writer = new Writer(add);
    writer.start();
    try {
      writer.awaitMore(50);
      change.run(cluster);
      writer.awaitMore(50);
    } finally {
      writer.stop.set(true);
      writer.join();
    }
    cluster.awaitSameIndex();
    for (Node node : cluster.running()) {
      List<String> held = node.redisCall("SMEMBERS", "written").texts();
      Set<String> lost = new HashSet<>(writer.acknowledged);
      held.forEach(lost::remove);
      assertEquals(Set.of(), lost, node.name());
    }
  }
}
