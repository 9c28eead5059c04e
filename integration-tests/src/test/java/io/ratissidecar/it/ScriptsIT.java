package io.ratissidecar.it;

import static io.ratissidecar.it.Replies.assertError;
import static io.ratissidecar.it.Replies.assertNumber;
import static io.ratissidecar.it.Replies.assertOk;
import static io.ratissidecar.it.Replies.assertText;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.ratissidecar.jepsen.Reply;
import io.ratissidecar.jepsen.RespClient;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;

/** Scripts on a cluster: replicated, and the same on every node. */
@ExtendWith(PrintLogsOnFailure.class)
class ScriptsIT {
  @TempDir static Path directory;

  @AutoClose("compareAndClose")
  private static TestCluster cluster;

  @BeforeAll
  static void start() {
    cluster = TestCluster.of(3);
  }

  @BeforeEach
  void empty() throws IOException {
    assertOk(raft("FLUSHALL"));
    assertOk(raft("FUNCTION", "FLUSH"));
    assertOk(raft("SCRIPT", "FLUSH"));
  }

  /** Lua compares texts by the locale, which may differ from machine to machine. */
  @Test
  void redis_has_the_locale_that_compares_bytes() throws Exception {
    Path shown = directory.resolve("locale");
    Path program = directory.resolve("redis-server");
    String text = "#!/bin/sh\nprintf %s \"$LC_ALL\" >'" + shown + "'\nexec redis-server \"$@\"\n";
    Files.writeString(program, text);
    Files.setPosixFilePermissions(program, PosixFilePermissions.fromString("rwx------"));
    try (TestCluster single = TestCluster.unformed(1, "--redis-server", program.toString())) {
      assertEquals("C", Files.readString(shown), single.node(0).name());
    }
  }

  static String sha1(String text) throws Exception {
    byte[] sha = MessageDigest.getInstance("SHA-1").digest(text.getBytes(StandardCharsets.UTF_8));
    return HexFormat.of().formatHex(sha);
  }

  private static Reply raft(String... words) throws IOException {
    return cluster.awaitLeader().call(behindRaft(words));
  }

  private static Reply raft(RespClient client, String... words) throws IOException {
    return client.call(behindRaft(words));
  }

  static String[] behindRaft(String... words) {
    String[] all = new String[words.length + 1];
    all[0] = "RAFT";
    System.arraycopy(words, 0, all, 1, words.length);
    return all;
  }

  @Test
  void when_sent_to_the_leader_then_scripts_do_what_redis_does() throws Exception {
    String body = "redis.call('set', KEYS[1], ARGV[1])\nreturn {KEYS[1], #ARGV}";
    assertError("NOSCRIPT No matching script", raft("EVALSHA", sha1(body), "1", "k", "v"));
    assertEquals(List.of("k", "2"), raft("EVAL", body, "1", "k", "v", "w").texts());
    assertEquals(
        List.of("k", "1"), raft("EVALSHA", sha1(body).toUpperCase(), "1", "k", "x").texts());
    assertText("x", raft("GET", "k"));

    assertText(sha1("return 1"), raft("SCRIPT", "LOAD", "return 1"));
    assertNumber(1, raft("EVALSHA", sha1("return 1"), "0"));
    Reply exists = raft("SCRIPT", "EXISTS", sha1(body), sha1("return 2"), sha1("return 1"), "x");
    assertEquals(List.of("1", "0", "1", "0"), exists.texts());
    assertOk(raft("SCRIPT", "FLUSH"));
    assertError("NOSCRIPT", raft("EVALSHA", sha1(body), "1", "k", "v"));
    assertEquals(List.of("0"), raft("SCRIPT", "EXISTS", sha1(body)).texts());
    assertEquals(List.of("k", "1"), raft("EVAL", body, "1", "k", "y").texts());

    assertText("y", raft("EVAL_RO", "return redis.call('get', KEYS[1])", "1", "k"));
    assertError(
        "ERR Write commands are not allowed from read-only scripts",
        raft("EVAL_RO", "return redis.call('del', KEYS[1])", "1", "k"));
    assertText("y", raft("EVALSHA_RO", sha1("return redis.call('get', KEYS[1])"), "1", "k"));
    assertError("NOTBUSY", raft("SCRIPT", "KILL"));
    assertError("ERR SCRIPT DEBUG is refused", raft("SCRIPT", "DEBUG", "YES"));
    assertError("ERR SCRIPT FLUSH is refused", cluster.leader().call("SCRIPT", "FLUSH"));
    ClosingInvariants.checkSameData(cluster);
  }

  @Test
  void when_a_script_fails_then_the_error_is_that_of_redis_and_every_node_goes_on()
      throws Exception {
    raft("SET", "text", "x");
    for (String body :
        List.of(
            "return redis.call('incr', 'text')",
            "\nlocal x = redis.call('incr', 'text')",
            "return nosuch",
            "error('oops')",
            "syntax error here",
            "return 1 +",
            "return redis.call('nosuchcommand')",
            "return redis.error_reply('OOM that is what I say')",
            "return redis.error_reply('BUSY that is what I say')",
            "return redis.error_reply('ERR unknown command, I say')",
            "return redis.error_reply('NOSCRIPT I say')")) {
      try (RespClient plain = plain()) {
        plain.call("SET", "text", "x");
        String expected = plain.call("EVAL", body, "0").toString();
        assertEquals(expected, raft("EVAL", body, "0").toString());
      }
      assertTrue(raft("EVAL", body, "0").isError(), body);
    }
    assertError("ERR Number of keys", raft("EVAL", "return 1", "1"));
    assertError("ERR Number of keys", raft("EVAL", "return 1", "-1"));
    assertError("ERR value is not an integer", raft("EVAL", "return 1", "x"));
    assertError("ERR wrong number of arguments", raft("EVAL", "return 1"));
    try (RespClient plain = plain()) {
      plain.call("FLUSHDB");
    }
    ClosingInvariants.checkSameData(cluster);
  }

  /** Another database of a Redis, without the sidecar. */
  private static RespClient plain() throws IOException {
    int port = cluster.followers().get(0).redisPort();
    RespClient client = new RespClient("127.0.0.1", port, Node.CALL_MILLIS);
    client.call("SELECT", "9");
    return client;
  }

  @Test
  void when_in_a_transaction_or_a_pipeline_then_it_takes_part() throws Exception {
    String body = "return redis.call('incrby', KEYS[1], ARGV[1])";
    try (RespClient client = cluster.leader().client()) {
      ByteArrayOutputStream out = new ByteArrayOutputStream();
      for (int i = 0; i < 500; i++) {
        out.writeBytes(RespClient.encode("RAFT", "EVAL", body, "1", "counter", "1"));
      }
      client.sendRaw(out.toByteArray());
      for (int i = 1; i <= 500; i++) {
        assertNumber(i, client.read());
      }
      assertOk(client.call("RAFT", "MULTI"));
      assertText("QUEUED", client.call("RAFT", "EVAL", "return redis.call('time')[1]", "0"));
      assertText("QUEUED", client.call("RAFT", "EVALSHA", sha1(body), "1", "counter", "5"));
      assertText("QUEUED", client.call("RAFT", "EVAL", "return redis.call('incr', 'x', 1)", "0"));
      Reply exec = client.call("RAFT", "EXEC");
      assertEquals(3, exec.elements().size(), exec.toString());
      assertNumber(505, exec.elements().get(1));
      String error = exec.elements().get(2).toString();
      assertTrue(error.contains(sha1("return redis.call('incr', 'x', 1)")), error);
      String library =
          "#!lua name=lib\nredis.register_function('get', function(k) return redis.call('get', k[1]) end)";
      for (String[] command :
          List.of(
              new String[] {"MULTI"},
              new String[] {"SET", "k", "1"},
              new String[] {"FLUSHALL"},
              new String[] {"SET", "k", "2"},
              new String[] {"TTL", "k"},
              new String[] {"SCRIPT", "LOAD", "return 'loaded'"},
              new String[] {"EVALSHA", sha1("return 'loaded'"), "0"},
              new String[] {"FUNCTION", "LOAD", library},
              new String[] {"FCALL", "get", "1", "k"})) {
        raft(client, command);
      }
      assertEquals(
          List.of("OK", "OK", "OK", "-1", sha1("return 'loaded'"), "loaded", "lib", "2"),
          raft(client, "EXEC").texts());
      assertNumber(1, client.call("RAFT", "DBSIZE"));
      assertOk(client.call("RAFT", "MULTI"));
      assertError("ERR 'script' can't be part of a MULTI", raft(client, "SCRIPT", "FLUSH"));
      assertError("EXECABORT", raft(client, "EXEC"));
      client.call("SELECT", "3");
      assertOk(client.call("RAFT", "EVAL", "return redis.call('set', 'in', 'three')", "0"));
      assertText("three", client.call("RAFT", "GET", "in"));
    }
    ClosingInvariants.checkSameData(cluster);
  }

  @Test
  void when_a_script_is_called_again_and_again_then_the_log_does_not_carry_its_body_each_time()
      throws Exception {
    int calls = 200;
    String body = "local filling = '" + "x".repeat(4096) + "'\nreturn redis.call('incr', KEYS[1])";
    cluster.awaitSameIndex();
    Map<Node, Long> before = new HashMap<>();
    for (Node node : cluster.nodes()) {
      before.put(node, node.infoNumber("raft_file_size"));
    }
    try (RespClient client = cluster.leader().client()) {
      for (int i = 1; i <= calls; i++) {
        assertNumber(i, raft(client, "EVAL", body, "1", "counter"));
      }
    }
    cluster.awaitSameIndex();
    for (Node node : cluster.nodes()) {
      long grown = node.infoNumber("raft_file_size") - before.get(node);
      assertTrue(grown > body.length(), node.name() + " by " + grown + " bytes");
      assertTrue(grown < calls * body.length() / 4, node.name() + " by " + grown + " bytes");
    }
  }

  @Test
  void when_a_callback_is_no_function_then_the_error_says_so_as_redis_does() throws Exception {
    String second = "second argument to redis.register_function must be a function";
    String named = "callback argument given to redis.register_function must be a function";
    for (String value : List.of("'text'", "1", "{}", "true")) {
      assertLoadFails(second, "redis.register_function('f', " + value + ")");
      assertLoadFails(named, "redis.register_function{function_name='f', CallBack=" + value + "}");
    }
  }

  private void assertLoadFails(String words, String code) throws IOException {
    String error = raft("FUNCTION", "LOAD", "#!lua name=bad\n" + code).toString();
    assertTrue(error.startsWith("-ERR Error registering functions: "), error);
    assertTrue(error.contains(words), code + ": " + error);
  }

  @Test
  void when_a_script_reads_streams_then_it_gets_what_is_there_and_does_not_wait() throws Exception {
    raft("XADD", "stream", "1-1", "f", "v");
    String read = "return redis.call('xread', unpack(ARGV))";
    String all = raft("EVAL", read, "0", "STREAMS", "stream", "0").toString();
    assertTrue(all.contains("1-1"), all);
    assertError(
        "ERR xread command is not allowed with BLOCK option from scripts",
        raft("EVAL", read, "0", "BLOCK", "0", "STREAMS", "stream", "$"));
  }

  @Test
  void when_functions_are_loaded_then_every_node_has_them_and_shows_the_code_of_the_user()
      throws Exception {
    String code =
        """
        #!lua name=lib
        local function add(keys, args)
          redis.call('sadd', keys[1], unpack(args))
          return {#args, redis.call('time')[1], redis.call('srandmember', keys[1])}
        end
        redis.register_function('add', add)
        redis.register_function{function_name='count', flags={'no-writes'}, callback=function(keys)
          return redis.call('scard', keys[1]) end}
        redis.register_function('wrong', function() return redis.call('incr') end)
        """;
    assertText("lib", raft("FUNCTION", "LOAD", code));
    assertError("ERR Library 'lib' already exists", raft("FUNCTION", "LOAD", code));
    assertText("lib", raft("FUNCTION", "LOAD", "REPLACE", code));
    assertEquals("3", raft("FCALL", "add", "1", "s", "a", "b", "c").texts().get(0));
    assertNumber(3, raft("FCALL_RO", "count", "1", "s"));
    assertError("ERR Can not execute a script with write flag", raft("FCALL_RO", "add", "1", "s"));
    assertError("ERR Function not found", raft("FCALL", "nosuch", "0"));
    assertError("ERR Number of keys", raft("FCALL", "add", "1"));
    String wrong = raft("FCALL", "wrong", "0").toString();
    assertTrue(wrong.endsWith("script: wrong, on @user_function:9."), wrong);
    String counting =
        "#!lua name=counting\nlocal n = 0\nredis.register_function('counted', function(k) n = n + 1 "
            + "return redis.call('set', k[1], n) end)";
    assertText("counting", raft("FUNCTION", "LOAD", counting));
    assertOk(raft("FCALL", "counted", "1", "n"));
    String list = raft("FUNCTION", "LIST", "WITHCODE").toString();
    assertTrue(list.contains(code), list);

    Node leader = cluster.leader();
    leader.killBoth();
    assertEquals("1", raft("FCALL", "add", "1", "s", "d").texts().get(0));
    assertOk(raft("FCALL", "counted", "1", "n"));
    assertText("1", raft("GET", "n"));
    leader.start().awaitReady();
    assertError("ERR FUNCTION FLUSH is refused", leader.call("FUNCTION", "FLUSH"));
    ClosingInvariants.checkSameData(cluster);
    for (Node node : cluster.nodes()) {
      assertTrue(node.redisCall("FUNCTION", "LIST").toString().contains("lib"), node.name());
    }
    assertOk(raft("FUNCTION", "DELETE", "lib"));
    assertError("ERR Function not found", raft("FCALL", "add", "1", "s", "d"));
  }

  @Test
  void when_functions_are_dumped_then_any_redis_takes_them_and_the_cluster_takes_its_own()
      throws Exception {
    String code =
        """
        #!lua name=lib
        redis.register_function('now', function(keys, args) return {redis.call('time')[1], #args} end)
        """;
    assertText("lib", raft("FUNCTION", "LOAD", code));
    Reply now = raft("FCALL", "now", "0", "a");
    assertEquals("1", now.texts().get(1));
    byte[] dump = raft("FUNCTION", "DUMP").bytes();
    byte[] plainDump;
    try (PlainRedis plain = new PlainRedis(directory);
        RespClient client = plain.client()) {
      client.sendRaw(RespClient.encode(bytes("FUNCTION"), bytes("RESTORE"), dump));
      assertOk(client.read());
      assertEquals(now.texts().get(1), plain.call("FCALL", "now", "0", "a").texts().get(1));
      assertTrue(plain.call("FUNCTION", "LIST", "WITHCODE").toString().contains(code));
      plainDump = plain.call("FUNCTION", "DUMP").bytes();
    }

    assertError("ERR Library lib already exists", restore(plainDump));
    assertOk(restore(plainDump, bytes("REPLACE")));
    assertError("ERR Wrong restore policy given", restore(plainDump, bytes("NEITHER")));
    assertError(
        "ERR unknown subcommand or wrong number of arguments for 'RESTORE'. Try FUNCTION HELP.",
        restore(plainDump, bytes("REPLACE"), bytes("FLUSH")));
    assertEquals("2", raft("FCALL", "now", "0", "a", "b").texts().get(1));
    dump[3] ^= 1;
    assertError("ERR DUMP payload version or checksum are wrong", restore(dump));
    assertOk(raft("FUNCTION", "FLUSH"));
    assertOk(restore(plainDump));
    assertTrue(raft("FUNCTION", "LIST", "WITHCODE").toString().contains(code));
    ClosingInvariants.checkSameData(cluster);
  }

  private static byte[] bytes(String text) {
    return text.getBytes(StandardCharsets.US_ASCII);
  }

  private static Reply restore(byte[] dump, byte[]... policy) throws IOException {
    List<byte[]> words =
        new ArrayList<>(List.of(bytes("RAFT"), bytes("FUNCTION"), bytes("RESTORE")));
    words.add(dump);
    words.addAll(List.of(policy));
    try (RespClient client = cluster.awaitLeader().client()) {
      client.sendRaw(RespClient.encode(words.toArray(new byte[0][])));
      return client.read();
    }
  }
}
