package io.ratissidecar.it;

import static io.ratissidecar.it.Replies.assertOk;
import static io.ratissidecar.it.Replies.assertText;
import static io.ratissidecar.it.ScriptsIT.behindRaft;
import static io.ratissidecar.it.ScriptsIT.sha1;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.ratissidecar.jepsen.Reply;
import java.io.IOException;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/** Scripts are known wherever a Redis begins anew. */
@Tag("fault")
@ExtendWith(PrintLogsOnFailure.class)
class ScriptFaultsIT {
  private static final String ADD =
      "redis.call('sadd', KEYS[1], ARGV[1], ARGV[1] .. 'x', redis.call('time')[2]) "
          + "return redis.call('srandmember', KEYS[1])";

  @AutoClose private TestCluster cluster;

  private Reply raft(String... words) throws IOException {
    return cluster.awaitLeader().call(behindRaft(words));
  }

  /**
   * FLUSHALL leaves functions as they are: those that the log loads later must not be there yet.
   */
  @Test
  void when_redis_is_loaded_from_the_log_then_its_functions_are_those_of_each_entry()
      throws Exception {
    cluster = TestCluster.of(3);
    String library =
        "#!lua name=lib\nredis.register_function('put', function(keys) return redis.call('set', keys[1], '%s') end)";
    assertText("lib", raft("FUNCTION", "LOAD", library.formatted("old")));
    assertOk(raft("FCALL", "put", "1", "k"));
    assertText("lib", raft("FUNCTION", "LOAD", "REPLACE", library.formatted("new")));
    assertOk(raft("FCALL", "put", "1", "l"));
    Node away = cluster.followers().get(0);
    away.killSidecar();
    assertOk(away.redisCall("FLUSHALL"));
    away.start().awaitReady();
    assertOk(raft("SET", "m", "x"));
    ClosingInvariants.checkSameData(cluster);
    away.assertLogs("Loading the local Redis from the log");
    assertText("old", away.redisCall("GET", "k"));
    cluster.checkLogs();
  }

  @Test
  void when_redis_or_a_node_or_the_leader_dies_then_scripts_are_still_known() throws Exception {
    cluster = TestCluster.of(3);
    String sha = sha1(ADD);
    try (FaultRun run = new FaultRun(cluster)) {
      assertText(sha, raft("SCRIPT", "LOAD", ADD));
      raft("EVALSHA", sha, "1", "members", "a");
      cluster.leader().killRedis();
      run.awaitMore(50);
      awaitCall(sha, "b");

      Node snapshot = cluster.followers().get(0);
      snapshot.call("RAFT.SNAPSHOT");
      snapshot.killBoth();
      raft("EVAL", "return redis.call('spop', KEYS[1], 2)", "1", "members");
      snapshot.start().awaitReady();
      run.awaitMore(50);
      awaitCall(sha, "c");

      Node leader = cluster.leader();
      leader.killBoth();
      run.awaitMore(50);
      awaitCall(sha, "d");
      leader.start().awaitReady();

      Node joined = cluster.create().start().awaitReady();
      assertOk(joined.call("RAFT.CLUSTER", "JOIN", cluster.awaitLeader().address()));
      cluster.awaitVoters(4);
      awaitCall(sha, "e");
      run.finish();
    }
  }

  private void awaitCall(String sha, String member) {
    Poll.until(
        "the script runs",
        TestCluster.PATIENCE,
        () -> {
          Reply reply = raft("EVALSHA", sha, "1", "members", member);
          assertTrue(!reply.text().startsWith("NOSCRIPT"), reply.toString());
          return !reply.isError();
        });
  }
}
