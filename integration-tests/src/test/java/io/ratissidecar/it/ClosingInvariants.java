package io.ratissidecar.it;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.ratissidecar.jepsen.HistoryReport;
import io.ratissidecar.jepsen.LeaderChecker;
import io.ratissidecar.jepsen.Reply;
import io.ratissidecar.jepsen.RespClient;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * What must hold at the end of every fault test: acknowledged writes are there once, all Redis
 * servers hold the same at the same index, one leader per term, a linearizable history, every
 * process alive that was not killed, no unexplained error in a log.
 */
final class ClosingInvariants {
  private ClosingInvariants() {}

  /** All nodes must be running again. */
  static void check(TestCluster cluster, HistoryReport history, LeaderChecker leaders) {
    System.out.println("history: " + history.summary());
    for (Node node : cluster.nodes()) {
      assertTrue(node.isAlive(), node.name() + " died without being killed");
    }
    cluster.awaitLeader();
    long index = checkSameData(cluster);
    for (Node node : cluster.nodes()) {
      assertTrue(node.redis().isPresent(), node.name() + " has no Redis");
      assertEquals(
          List.of(),
          history.check(new Held(node)).problems(),
          "history against " + node.name() + "'s Redis at index " + index);
    }
    assertEquals(List.of(), leaders.check().problems());
    assertTrue(leaders.terms() > 0, "no leader was seen");
    cluster.checkLogs();
  }

  /** Compares what the Redis servers hold; returns the index at which they were compared. */
  static long checkSameData(TestCluster cluster) {
    Map<String, Map<String, String>> data = new LinkedHashMap<>();
    long[] index = new long[1];
    Poll.until(
        "all were read at one index", // though keys whose time is over still go
        TestCluster.PATIENCE,
        () -> {
          index[0] = cluster.awaitSameIndex();
          for (Node node : cluster.running()) {
            data.put(node.name(), RedisContents.of(node.redisPort()));
          }
          return cluster.awaitSameIndex() == index[0];
        });
    Node first = cluster.running().get(0);
    data.forEach(
        (name, held) ->
            RedisContents.assertSame(data.get(first.name()), held, first.name() + " and " + name));
    return index[0];
  }

  /** What one node's Redis holds of the workload's keys. */
  private record Held(Node node) implements HistoryReport.FinalState {
    @Override
    public String get(String key) {
      return redis("GET", key).text();
    }

    @Override
    public List<String> list(String key) {
      return redis("LRANGE", key, "0", "-1").texts();
    }

    private Reply redis(String... words) {
      try (RespClient client = new RespClient("127.0.0.1", node.redisPort(), Node.CALL_MILLIS)) {
        return client.call(words);
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    }
  }
}
