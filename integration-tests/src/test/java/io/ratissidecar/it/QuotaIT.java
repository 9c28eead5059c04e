package io.ratissidecar.it;

import static io.ratissidecar.it.Replies.assertError;
import static io.ratissidecar.it.Replies.assertNumber;
import static io.ratissidecar.it.Replies.assertOk;
import static io.ratissidecar.it.Replies.assertText;
import static org.junit.jupiter.api.Assertions.assertEquals;

import io.ratissidecar.jepsen.Reply;
import io.ratissidecar.jepsen.RespClient;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/** The sidecar's maxmemory. */
@ExtendWith(PrintLogsOnFailure.class)
class QuotaIT {
  private static final String OOM = "OOM command not allowed when used memory > 'maxmemory'.";

  private static final String OOM_IN_SCRIPT =
      "OOM command is not allowed when used memory > 'maxmemory'.";

  @AutoClose private TestCluster cluster;

  @Test
  void when_data_has_outgrown_the_quota_then_only_what_needs_memory_is_refused() throws Exception {
    cluster =
        TestCluster.of(
            2, "--mode", "transparent", "--follower-proxy", "yes", "--maxmemory", "30000000");
    try (RespClient client = cluster.leader().client();
        RespClient queued = cluster.leader().client();
        RespClient waiting = cluster.leader().client();
        RespClient forwarded = cluster.followers().get(0).client()) {
      assertOk(queued.call("MULTI"));
      assertText("QUEUED", queued.call("SET", "queued", "1"));
      assertOk(client.call("SET", "number", "1"));
      assertNumber(1, client.call("RPUSH", "list", "element"));
      waiting.send("BLMOVE", "empty", "moved", "LEFT", "RIGHT", "0");
      Poll.until(
          "it waits",
          TestCluster.PATIENCE,
          () -> client.call("INFO", "clients").text().contains("blocked_clients:1"));
      String library =
          """
          #!lua name=lib
          redis.register_function('write', function() return redis.call('set', 'number', 3) end)
          redis.register_function{function_name = 'read', flags = {'no-writes'},
            callback = function() return redis.call('get', 'number') end}
          """;
      assertText("lib", client.call("FUNCTION", "LOAD", library));
      String megabyte = "x".repeat(1 << 20);
      int[] written = new int[1];
      Poll.until(
          "there is too much",
          TestCluster.PATIENCE,
          () -> {
            Reply reply = client.call("SET", "big" + written[0], megabyte);
            written[0] += reply.isError() ? 0 : 1;
            return reply.isError();
          });
      // Well beyond, so that buffers of clients that come and go do not matter.
      String more = "return redis.call('set', 'more', string.rep('x', 5000000))";
      assertOk(client.call("EVAL", "#!lua flags=allow-oom\n" + more, "0"));
      Poll.until(
          "there is still too much",
          TestCluster.PATIENCE,
          () -> client.call("SET", "one more", "x").isError());
      assertError(OOM, forwarded.call("LPUSH", "one more", "x"));
      // It was let in before.
      assertOk(client.call("RENAME", "list", "empty"));
      assertText("element", waiting.read());
      assertError(OOM, waiting.call("BLMOVE", "moved", "empty", "LEFT", "RIGHT", "1"));
      assertNumber(1, client.call("EVAL", "return 1", "0"));
      assertError(OOM_IN_SCRIPT, client.call("EVAL", "return redis.call('set', 'number', 2)", "0"));
      assertNumber(
          2,
          client.call(
              "EVAL", "redis.call('del', 'none') return redis.call('incr', 'number')", "0"));
      assertError(OOM_IN_SCRIPT, client.call("EVAL", "#!lua\nreturn 1", "0"));
      assertOk(
          client.call("EVAL", "#!lua flags=allow-oom\nreturn redis.call('set', 'number', 1)", "0"));
      assertError(OOM_IN_SCRIPT, client.call("FCALL", "write", "0"));
      assertError(OOM, client.call("FUNCTION", "LOAD", "#!lua name=other\nreturn 1"));
      assertText("1", client.call("FCALL", "read", "0"));
      assertNumber(1, client.call("EVAL_RO", "return 1", "0"));
      assertOk(client.call("MULTI"));
      assertError(OOM, client.call("INCR", "number"));
      assertError("EXECABORT", client.call("EXEC"));
      assertOk(client.call("MULTI"));
      assertError(OOM, client.call("GET", "number")); // the queue takes memory, too
      assertOk(client.call("DISCARD"));
      assertError("EXECABORT Transaction discarded because of: " + OOM, queued.call("EXEC"));
      assertText("1", client.call("GET", "number"));
      cluster.transferLeadership(cluster.followers().get(0));
      Poll.until(
          "the other leader has looked",
          TestCluster.PATIENCE,
          () -> forwarded.call("SET", "one more", "x").toString().contains("OOM"));
      assertError(OOM, forwarded.call("LPUSH", "one more", "x"));
      assertError(OOM, client.call("SET", "one more", "x"));
      String[] delete = new String[written[0] + 1];
      delete[0] = "DEL";
      for (int i = 0; i < written[0]; i++) {
        delete[i + 1] = "big" + i;
      }
      assertNumber(1, client.call("DEL", "more"));
      assertNumber(written[0], client.call(delete));
      Poll.until(
          "there is room again",
          TestCluster.PATIENCE,
          () -> !client.call("SET", "one more", "x").isError());
      // There was too much when it led before.
      cluster.transferLeadership(cluster.followers().get(0));
      assertOk(cluster.leader().call("EVAL", "return redis.call('set', 'one more', 'x')", "0"));
      assertOk(cluster.leader().call("SET", "one more", "x"));
      assertEquals("x", forwarded.call("GET", "one more").text());
    }
    ClosingInvariants.checkSameData(cluster);
  }
}
