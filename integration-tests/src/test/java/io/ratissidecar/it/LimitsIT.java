package io.ratissidecar.it;

import static io.ratissidecar.it.Replies.assertError;
import static io.ratissidecar.it.Replies.assertOk;
import static io.ratissidecar.it.Replies.assertText;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.ratissidecar.jepsen.Reply;
import io.ratissidecar.jepsen.RespClient;
import java.io.EOFException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/** What is too much gets a clear error; slow and broken clients hurt nobody else. */
@ExtendWith(PrintLogsOnFailure.class)
class LimitsIT {
  private static final int MAX_CLIENTS = 40;

  @AutoClose("checkAndClose")
  private static TestCluster cluster;

  private static Node node;

  @BeforeAll
  static void start() {
    cluster =
        TestCluster.of(
            1,
            "--max-clients",
            "" + MAX_CLIENTS,
            "--max-bulk-bytes",
            "100000",
            "--max-array-length",
            "100",
            "--max-entry-bytes",
            "1100000",
            "--query-buffer-bytes",
            "500000",
            "--output-buffer-bytes",
            "4000000",
            "--read-timeout-millis", // others wait behind 180 MB that a client asks for
            "20000");
    node = cluster.leader();
  }

  private static Reply raw(String text) throws IOException {
    try (RespClient client = node.client()) {
      client.sendRaw(text.getBytes(StandardCharsets.ISO_8859_1));
      Reply reply = client.read();
      assertThrows(IOException.class, client::read, "the connection ends after a protocol error");
      return reply;
    }
  }

  @Test
  void when_a_request_is_beyond_a_limit_then_the_error_is_that_of_redis() throws Exception {
    assertError("ERR Protocol error: invalid bulk length", raw("*2\r\n$4\r\nECHO\r\n$100001\r\n"));
    assertError("ERR Protocol error: invalid multibulk length", raw("*101\r\n"));
    assertError("ERR Protocol error: invalid bulk length", raw("*1\r\n$-5\r\n"));
    assertError("ERR Protocol error: expected '$', got 'x'", raw("*1\r\nx\r\n"));
    assertError("ERR Protocol error: invalid multibulk length", raw("*a\r\n"));
    assertError("ERR Protocol error: unbalanced quotes", raw("SET \"abc\r\n"));
    assertError("ERR Protocol error: too big inline request", raw("x".repeat(70_000)));
    assertText("PONG", node.call("PING"));
  }

  @Test
  void when_there_are_too_many_clients_then_the_next_is_told() throws Exception {
    List<RespClient> clients = new ArrayList<>();
    try {
      Poll.until(
          "the limit",
          Duration.ofSeconds(10),
          () -> {
            RespClient client = node.client();
            clients.add(client);
            client.send("PING");
            Reply reply = client.read();
            return reply.toString().equals("-ERR max number of clients reached");
          });
      assertTrue(clients.size() > MAX_CLIENTS / 2, clients.size() + " clients");
      assertText("PONG", clients.get(0).call("PING"));
    } finally {
      clients.forEach(RespClient::close);
    }
    Poll.until(
        "clients are taken again",
        Duration.ofSeconds(10),
        () -> node.call("PING").toString().equals("+PONG"));
  }

  @Test
  void when_a_client_never_reads_then_others_are_served_and_memory_is_bounded() throws Exception {
    assertOk(node.call("RAFT", "SET", "limits:big", "x".repeat(90_000)));
    RespClient slow = node.client();
    try (RespClient other = node.client()) {
      slow.useSmallBuffers();
      Thread flood = new Thread(() -> flood(slow), "flood");
      flood.start();
      for (int i = 0; i < 200; i++) {
        assertOk(other.call("RAFT", "SET", "limits:o", "" + i));
        assertText("" + i, other.call("RAFT", "GET", "limits:o"));
      }
      slow.close();
      flood.join(10_000);
      assertTrue(!flood.isAlive());
    } finally {
      slow.close();
    }
  }

  @Test
  void when_a_client_queues_behind_a_blocked_command_then_it_has_to_wait() throws Exception {
    for (String command : List.of("ECHO", "SET limits:q")) {
      RespClient client = node.client();
      Thread sender = new Thread(() -> sendMany(client, command));
      try {
        client.send("BLPOP", "limits:none", "0");
        sender.start();
        sender.join(2000);
        assertTrue(sender.isAlive(), "90 MB were taken behind a blocked " + command);
      } finally {
        client.close();
        sender.join();
      }
    }
    assertText("PONG", node.call("PING"));
  }

  private static void sendMany(RespClient client, String command) {
    String[] words = (command + " " + "x".repeat(90_000)).split(" ");
    try {
      for (int i = 0; i < 1000; i++) {
        client.send(words);
      }
    } catch (IOException e) {
      // Closed by the test.
    }
  }

  private static void flood(RespClient slow) {
    try {
      for (int i = 0; i < 2000; i++) {
        slow.send("RAFT", "GET", "limits:big");
      }
    } catch (IOException e) {
      // Cut off, or closed by the test.
    }
  }

  @Test
  void when_clients_send_garbage_then_others_are_served() throws Exception {
    long seed = Long.getLong("seed", System.nanoTime());
    System.out.println("garbage with -Dseed=" + seed);
    Random random = new Random(seed);
    try (RespClient other = node.client()) {
      for (int i = 0; i < 100; i++) {
        try (RespClient broken = node.client()) {
          byte[] garbage = new byte[1 + random.nextInt(300)];
          random.nextBytes(garbage);
          broken.sendRaw(garbage);
          broken.sendRaw("\r\n*3\r\n$3\r\nSET\r\n".getBytes(StandardCharsets.ISO_8859_1));
        } catch (IOException e) {
          // Refused: all that it deserves.
        }
        assertText("PONG", other.call("PING"));
        assertOk(other.call("RAFT", "SET", "limits:g", "" + i));
      }
    }
  }

  @Test
  void when_a_request_never_ends_then_it_is_cut_at_the_query_buffer() throws Exception {
    try (RespClient client = node.client()) {
      StringBuilder start = new StringBuilder("*90\r\n");
      for (int i = 0; i < 20; i++) {
        start.append("$50000\r\n").append("y".repeat(50_000)).append("\r\n");
      }
      assertThrows(
          IOException.class,
          () -> {
            client.sendRaw(start.toString().getBytes(StandardCharsets.ISO_8859_1));
            Reply reply = client.read();
            assertTrue(reply.isError(), reply.toString());
            client.read();
          });
    }
    assertText("PONG", node.call("PING"));
  }

  @Test
  void when_idle_connections_end_then_no_error() throws Exception {
    RespClient client = node.client();
    assertText("PONG", client.call("PING"));
    assertOk(client.call("QUIT"));
    assertThrows(EOFException.class, client::read);
    client.close();
  }
}
