package io.ratissidecar.it;

import static io.ratissidecar.it.Replies.assertError;
import static io.ratissidecar.it.Replies.assertNumber;
import static io.ratissidecar.it.Replies.assertOk;
import static io.ratissidecar.it.Replies.assertText;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.ratissidecar.jepsen.Reply;
import io.ratissidecar.jepsen.RespClient;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/** RESP as clients send it, well and badly. */
@ExtendWith(PrintLogsOnFailure.class)
class ProtocolIT {
  @AutoClose("compareAndClose")
  private static TestCluster cluster;

  private static Node leader;

  @BeforeAll
  static void start() {
    cluster = TestCluster.of(3);
    leader = cluster.leader();
  }

  @Test
  void when_resp3_then_replies_have_its_types() throws Exception {
    try (RespClient client = leader.client()) {
      Reply hello = client.call("HELLO", "3");
      assertEquals('%', hello.type());
      assertTrue(hello.texts().contains("proto"));
      client.call("RAFT", "HSET", "proto:h", "f", "v");
      Reply map = client.call("RAFT", "HGETALL", "proto:h");
      assertEquals('%', map.type());
      assertEquals(List.of("f", "v"), map.texts());
      client.call("RAFT", "ZADD", "proto:z", "1.5", "m");
      assertEquals(",1.5", client.call("RAFT", "ZSCORE", "proto:z", "m").toString());
      assertEquals('_', client.call("RAFT", "GET", "proto:none").type());
      assertEquals('%', client.call("HGETALL", "proto:h").type());
      assertNumber(2, client.call("RAFT", "HSET", "proto:h2", "a", "1", "b", "2"));
      assertEquals('*', client.call("HELLO", "2").type());
      assertEquals('*', client.call("RAFT", "HGETALL", "proto:h").type());
      assertError("NOPROTO", client.call("HELLO", "4"));
    }
  }

  @Test
  void when_resp3_writes_return_maps_or_doubles_then_each_client_gets_its_protocol()
      throws Exception {
    try (RespClient two = leader.client();
        RespClient three = leader.client()) {
      three.call("HELLO", "3");
      for (int i = 1; i <= 20; i++) {
        two.send("RAFT", "ZINCRBY", "proto:zi", "1", "m");
        three.send("RAFT", "ZINCRBY", "proto:zi", "1", "m");
        assertEquals('$', two.read().type());
        assertEquals(',', three.read().type());
      }
    }
  }

  @Test
  void when_keys_and_values_are_binary_then_they_come_back_as_they_were() throws Exception {
    long seed = Long.getLong("seed", System.nanoTime());
    Random random = new Random(seed);
    try (RespClient client = leader.client()) {
      for (int size : new int[] {0, 1, 7, 1000, 70_000, 3_000_000}) {
        byte[] key = ("proto:bin\r\n\0" + size).getBytes(StandardCharsets.ISO_8859_1);
        byte[] value = new byte[size];
        random.nextBytes(value);
        client.sendRaw(RespClient.encode(bytes("RAFT"), bytes("SET"), key, value));
        assertOk(client.read());
        client.sendRaw(RespClient.encode(bytes("RAFT"), bytes("GET"), key));
        assertArrayEquals(value, client.read().bytes(), "-Dseed=" + seed);
      }
    }
  }

  @Test
  void when_ten_thousand_commands_are_pipelined_then_replies_come_in_order() throws Exception {
    try (RespClient client = leader.client()) {
      client.setTimeoutMillis(60_000);
      ByteArrayOutputStream out = new ByteArrayOutputStream();
      int count = 10_000;
      List<String> expected = new ArrayList<>();
      for (int i = 0; i < count; i++) {
        // Long stretches of one kind, and changes between all kinds.
        int kind = i < 6_000 ? 0 : i < 8_000 ? 1 : i % 5;
        switch (kind) {
          case 0 -> add(out, expected, "" + (i + 1), "RAFT", "RPUSH", "proto:p", "" + i);
          case 1 -> add(out, expected, "" + i % 6_000, "RAFT", "LINDEX", "proto:p", "" + i % 6_000);
          case 2 -> add(out, expected, "e" + i, "ECHO", "e" + i);
          case 3 -> add(out, expected, "6000", "RAFT", "LLEN", "proto:p2");
          default -> add(out, expected, "PONG", "PING");
        }
      }
      client.sendRaw(setUp());
      for (int i = 0; i < 6_000; i++) {
        client.read();
      }
      replaceKindZeroLater(expected);
      CompletableFuture<Void> sent = CompletableFuture.runAsync(() -> send(client, out));
      for (int i = 0; i < count; i++) {
        Reply reply = client.read();
        if (expected.get(i) != null) {
          assertEquals(expected.get(i), reply.text(), "reply " + i);
        }
      }
      sent.join();
    }
  }

  private static void replaceKindZeroLater(List<String> expected) {
    for (int i = 8_000; i < expected.size(); i++) {
      if (i % 5 == 0) {
        // Its length depends on how many came before; order is checked around it.
        expected.set(i, null);
      }
    }
  }

  private static byte[] setUp() {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    for (int i = 0; i < 6_000; i++) {
      out.writeBytes(RespClient.encode("RAFT", "RPUSH", "proto:p2", "x"));
    }
    return out.toByteArray();
  }

  private static void add(
      ByteArrayOutputStream out, List<String> expected, String reply, String... words) {
    out.writeBytes(RespClient.encode(words));
    expected.add(reply);
  }

  private static void send(RespClient client, ByteArrayOutputStream out) {
    try {
      client.sendRaw(out.toByteArray());
    } catch (IOException e) {
      throw new java.io.UncheckedIOException(e);
    }
  }

  @Test
  void when_lanes_are_mixed_in_a_pipeline_then_a_client_reads_its_own_writes() throws Exception {
    try (RespClient client = leader.client()) {
      ByteArrayOutputStream out = new ByteArrayOutputStream();
      for (int i = 0; i < 500; i++) {
        out.writeBytes(RespClient.encode("RAFT", "SET", "proto:own", "" + i));
        out.writeBytes(RespClient.encode("RAFT", "GET", "proto:own"));
        out.writeBytes(RespClient.encode("GET", "proto:own"));
      }
      client.sendRaw(out.toByteArray());
      for (int i = 0; i < 500; i++) {
        assertOk(client.read());
        assertText("" + i, client.read());
        assertText("" + i, client.read());
      }
    }
  }

  @Test
  void when_commands_are_inline_then_they_work() throws Exception {
    try (RespClient client = leader.client()) {
      client.sendRaw(
          bytes("RAFT SET proto:inline \"a b\\x41\"\r\nPING\nRAFT GET proto:inline\r\n"));
      assertOk(client.read());
      assertText("PONG", client.read());
      assertText("a bA", client.read());
    }
  }

  @Test
  void when_inline_commands_have_to_wait_then_each_runs_once() throws Exception {
    try (RespClient client = leader.client()) {
      client.sendRaw(bytes("RAFT INCR proto:once\r\nRAFT GET proto:once\r\n".repeat(50)));
      for (int i = 1; i <= 50; i++) {
        assertEquals(":" + i, client.read().toString());
        assertEquals("$" + i, client.read().toString());
      }
    }
  }

  @Test
  void when_requests_come_byte_by_byte_then_they_work() throws Exception {
    try (RespClient client = leader.client()) {
      ByteArrayOutputStream out = new ByteArrayOutputStream();
      out.writeBytes(RespClient.encode("RAFT", "SET", "proto:split", "value"));
      out.writeBytes(RespClient.encode("RAFT", "GET", "proto:split"));
      out.writeBytes(bytes("PING\r\n"));
      for (byte b : out.toByteArray()) {
        client.sendRaw(new byte[] {b});
      }
      assertOk(client.read());
      assertText("value", client.read());
      assertText("PONG", client.read());
    }
  }

  private static byte[] bytes(String text) {
    return text.getBytes(StandardCharsets.ISO_8859_1);
  }

  @Test
  void when_another_node_speaks_a_newer_version_then_it_is_refused_by_name() throws Exception {
    String cluster = leader.info().get("raft_dbid");
    for (String word : List.of("STATUS", "TERM", "DESCRIBE", "ATTACH", "MEMBER", "DETACH", "NEW")) {
      assertError(
          "ERR node-to-node protocol version 2 is newer than 1, which this node speaks",
          leader.call("RAFT.PEER", word, "2", cluster, "1"));
    }
    // The words are known in this version.
    assertFalse(leader.call("RAFT.PEER", "STATUS", "1", cluster).isError());
    assertFalse(leader.call("RAFT.PEER", "TERM", "1", cluster).isError());
    assertError("ERR unknown message 'NEW'", leader.call("RAFT.PEER", "NEW", "1", cluster));
    assertError("ERR", leader.call("RAFT.PEER", "STATUS", "x", cluster));
    assertError("ERR this node is not of cluster x", leader.call("RAFT.PEER", "TERM", "1", "x"));
    assertError("ERR wrong number of arguments", leader.call("RAFT.PEER", "STATUS", "1"));
  }
}
