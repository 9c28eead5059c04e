package io.ratissidecar.it;

import static io.ratissidecar.it.Replies.assertError;
import static io.ratissidecar.it.Replies.assertOk;
import static io.ratissidecar.it.Replies.assertText;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.ratissidecar.jepsen.Reply;
import io.ratissidecar.jepsen.RespClient;
import java.io.IOException;
import java.net.Socket;
import java.net.SocketTimeoutException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/** Many clients that hold memory can't take it from the others, nor from the local Redis. */
@Tag("alone")
@ExtendWith(PrintLogsOnFailure.class)
class ClientMemoryIT {
  private static final int GREEDY = 260;
  private static final int MEGABYTE = 1 << 20;

  @AutoClose("checkAndClose")
  private static TestCluster cluster;

  private static Node node;

  @BeforeAll
  static void start() {
    cluster = TestCluster.of(1);
    node = cluster.leader();
  }

  @Test
  void when_many_send_half_a_request_then_some_are_cut_and_the_others_are_served()
      throws Exception {
    List<Socket> greedy = new ArrayList<>();
    byte[] head = "*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$2000000\r\n".getBytes(StandardCharsets.US_ASCII);
    try (RespClient innocent = node.client()) {
      for (int i = 0; i < GREEDY; i++) {
        Socket socket = new Socket("127.0.0.1", node.port());
        greedy.add(socket);
        try {
          socket.getOutputStream().write(head);
          socket.getOutputStream().write(new byte[MEGABYTE]);
        } catch (IOException e) {
          // Cut while it was sending.
        }
        assertOk(innocent.call("RAFT", "SET", "innocent", "" + i));
        assertText("" + i, innocent.call("RAFT", "GET", "innocent"));
      }
      int cut = 0;
      for (Socket socket : greedy) {
        cut += isClosed(socket) ? 1 : 0;
      }
      assertTrue(cut > GREEDY / 3, cut + " were cut");
      assertTrue(cut < GREEDY, "all were cut");
    } finally {
      for (Socket socket : greedy) {
        socket.close();
      }
    }
    // What they held counts no more.
    String large = "x".repeat(4 * MEGABYTE);
    for (int i = 0; i < 40; i++) {
      assertOk(node.call("RAFT", "SET", "large", large));
    }
  }

  @Test
  void when_many_queue_large_transactions_then_some_are_refused_and_the_node_goes_on()
      throws Exception {
    String value = "x".repeat(MEGABYTE);
    List<RespClient> clients = new ArrayList<>();
    int refused = 0;
    try {
      for (int i = 0; i < 20; i++) {
        RespClient client = node.client();
        clients.add(client);
        assertOk(client.call("RAFT", "MULTI"));
        for (int j = 0; j < 15; j++) {
          Reply reply = client.call("RAFT", "SET", "large", value);
          if (reply.isError()) {
            assertError("ERR too much is queued in the transactions of all clients", reply);
            refused++;
            break;
          }
        }
      }
      assertEquals(18, refused, "two have room");
      assertEquals(15, clients.get(0).call("RAFT", "EXEC").elements().size());
      assertError("EXECABORT", clients.get(19).call("RAFT", "EXEC"));
    } finally {
      clients.forEach(RespClient::close);
    }
    try (RespClient client = node.client()) { // what they held counts no more
      assertOk(client.call("RAFT", "MULTI"));
      for (int j = 0; j < 15; j++) {
        assertEquals("+QUEUED", client.call("RAFT", "SET", "large", value).toString());
      }
      assertEquals(15, client.call("RAFT", "EXEC").elements().size());
    }
  }

  private static boolean isClosed(Socket socket) throws IOException {
    socket.setSoTimeout(1);
    try {
      return socket.getInputStream().read() < 0;
    } catch (SocketTimeoutException e) {
      return false;
    } catch (IOException e) {
      return true;
    }
  }
}
