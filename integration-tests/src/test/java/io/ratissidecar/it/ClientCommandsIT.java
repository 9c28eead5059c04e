package io.ratissidecar.it;

import static io.ratissidecar.it.Replies.assertError;
import static io.ratissidecar.it.Replies.assertNumber;
import static io.ratissidecar.it.Replies.assertOk;
import static io.ratissidecar.it.Replies.assertText;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.ratissidecar.jepsen.Reply;
import io.ratissidecar.jepsen.RespClient;
import java.io.EOFException;
import java.io.IOException;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/** Commands about the connection and the node; with a password. */
@ExtendWith(PrintLogsOnFailure.class)
class ClientCommandsIT {
  private static final String PASSWORD = "correct horse";

  @AutoClose("checkAndClose")
  private static TestCluster cluster;

  private static Node node;

  @BeforeAll
  static void start() throws IOException {
    cluster = TestCluster.unformed(2, "--password", PASSWORD);
    node = cluster.node(0);
    assertTrue(node.call("RAFT.CLUSTER", "INIT").text().startsWith("OK "));
    assertOk(cluster.node(1).call("RAFT.CLUSTER", "JOIN", node.address()));
  }

  @Test
  void when_not_authenticated_then_nothing_works() throws Exception {
    try (RespClient client = node.client()) {
      for (String command :
          List.of("PING", "GET x", "RAFT GET x", "RAFT.NODE LIST", "INFO", "CLUSTER SLOTS")) {
        assertError("NOAUTH", client.call(command.split(" ")));
      }
      assertError("WRONGPASS", client.call("AUTH", "wrong"));
      assertError("WRONGPASS", client.call("AUTH", "someone", PASSWORD));
      assertError("WRONGPASS", client.call("HELLO", "3", "AUTH", "default", "wrong"));
      assertOk(client.call("AUTH", "default", PASSWORD));
      assertText("PONG", client.call("PING"));
      assertEquals("+RESET", client.call("RESET").toString());
      assertError("NOAUTH", client.call("PING"));
      assertEquals('%', client.call("HELLO", "3", "AUTH", "default", PASSWORD).type());
      assertText("PONG", client.call("PING"));
    }
  }

  @Test
  void when_not_authenticated_then_long_requests_are_refused_before_they_come() throws Exception {
    assertEquals(
        "-ERR Protocol error: unauthenticated bulk length\r\n",
        RawClient.untilClosed(node, "*2\r\n$4\r\nAUTH\r\n$16385\r\n"));
    assertEquals(
        "-ERR Protocol error: unauthenticated multibulk length\r\n",
        RawClient.untilClosed(node, "*11\r\n"));
    try (RespClient client = node.loggedIn()) {
      assertText("x".repeat(20_000), client.call("ECHO", "x".repeat(20_000)));
      client.call("RESET");
      assertError("ERR Protocol error", client.call("ECHO", "x".repeat(20_000)));
    }
  }

  @Test
  void when_clients_are_listed_then_in_redis_own_form_and_number() throws Exception {
    try (RespClient client = node.loggedIn();
        RespClient other = node.loggedIn()) {
      assertText("PONG", other.call("PING"));
      String info = client.call("CLIENT", "INFO").text();
      assertTrue(info.matches("(?s)id=.* multi=-1 qbuf=26 qbuf-free=.* cmd=client.info .*"), info);
      String told = client.call("INFO", "clients").text();
      long listed =
          client.call("CLIENT", "LIST").text().lines().filter(l -> l.contains("flags=N")).count();
      assertTrue(told.contains("connected_clients:" + listed + "\r\n"), told);
      assertError("ERR wrong number of arguments for 'client|kill'", client.call("CLIENT", "KILL"));
    }
  }

  @Test
  void when_replies_are_on_again_then_that_is_answered() throws Exception {
    try (RespClient client = node.loggedIn()) {
      client.send("CLIENT", "REPLY", "SKIP");
      assertOk(client.call("CLIENT", "REPLY", "ON"));
      assertText("PONG", client.call("PING"));
    }
  }

  @Test
  void when_reset_then_transaction_name_database_and_protocol_are_forgotten() throws Exception {
    try (RespClient client = node.loggedIn()) {
      client.call("HELLO", "3");
      assertOk(client.call("SELECT", "3"));
      assertOk(client.call("CLIENT", "SETNAME", "x"));
      assertOk(client.call("RAFT", "MULTI"));
      assertEquals("+RESET", client.call("RESET").toString());
      assertOk(client.call("AUTH", PASSWORD));
      assertError("ERR EXEC without MULTI", client.call("RAFT", "EXEC"));
      assertEquals("$null", client.call("CLIENT", "GETNAME").toString());
      assertTrue(client.call("CLIENT", "INFO").text().contains(" db=0 "));
    }
  }

  @Test
  void when_listed_named_and_killed_then_as_in_redis() throws Exception {
    try (RespClient one = node.loggedIn();
        RespClient two = node.loggedIn()) {
      assertOk(one.call("CLIENT", "SETNAME", "first"));
      assertText("first", one.call("CLIENT", "GETNAME"));
      assertError("ERR Client names", one.call("CLIENT", "SETNAME", "a b"));
      assertOk(one.call("CLIENT", "SETINFO", "LIB-NAME", "lib"));
      assertOk(one.call("CLIENT", "NO-EVICT", "on"));
      long id = one.call("CLIENT", "ID").number();
      long other = two.call("CLIENT", "ID").number();
      String list = two.call("CLIENT", "LIST").text();
      assertTrue(list.contains("id=" + id + " ") && list.contains("name=first"), list);
      assertTrue(list.contains("id=" + other + " ") && list.contains("lib-name=lib"), list);
      assertTrue(
          two.call("CLIENT", "LIST", "ID", "" + id).text().startsWith("id=" + id + " addr="));
      one.call("SUBSCRIBE", "a", "b");
      one.call("SUBSCRIBE", "c");
      one.call("PSUBSCRIBE", "p*");
      one.read();
      String subscribed = two.call("CLIENT", "LIST", "TYPE", "pubsub").text();
      assertTrue(subscribed.contains(" flags=P db=0 sub=3 psub=1 ssub=0 multi=-1 "), subscribed);
      assertEquals(1, subscribed.lines().count(), subscribed);
      list = two.call("CLIENT", "LIST", "TYPE", "normal").text();
      assertTrue(list.contains("id=" + other + " ") && !list.contains("id=" + id + " "), list);
      for (String prefix : List.of("", "RAFT ")) {
        assertOk(two.call((prefix + "MULTI").split(" ")));
        assertText("QUEUED", two.call((prefix + "GET k").split(" ")));
        try (RespClient third = node.loggedIn()) {
          list = third.call("CLIENT", "LIST", "ID", "" + other).text();
          assertTrue(list.contains(" flags=x ") && list.contains(" multi=1 "), prefix + list);
        }
        assertOk(two.call((prefix + "DISCARD").split(" ")));
      }
      assertError(
          "ERR CLIENT PAUSE is refused: it would stop the clients of one node only",
          two.call("CLIENT", "PAUSE", "1"));
      assertNumber(0, two.call("CLIENT", "KILL", "TYPE", "replica"));
      assertNumber(1, two.call("CLIENT", "KILL", "TYPE", "pubsub"));
      assertThrows(EOFException.class, one::read);
      assertError("ERR No such client", two.call("CLIENT", "KILL", "1.2.3.4:5"));
      assertText("PONG", two.call("PING"));
    }
  }

  @Test
  void when_replies_are_switched_off_then_commands_still_run() throws Exception {
    try (RespClient client = node.loggedIn()) {
      client.send("CLIENT", "REPLY", "OFF");
      client.send("RAFT", "SET", "client:off", "1");
      client.send("PING");
      assertOk(client.call("CLIENT", "REPLY", "ON"));
      assertText("1", client.call("RAFT", "GET", "client:off"));
      client.send("CLIENT", "REPLY", "SKIP");
      client.send("RAFT", "INCR", "client:off");
      assertText("2", client.call("RAFT", "GET", "client:off"));
    }
  }

  @Test
  void when_commands_are_listed_then_ours_are_among_them() throws Exception {
    try (RespClient client = node.loggedIn()) {
      List<String> ours =
          List.of("raft", "raft.cluster", "raft.node", "raft.snapshot", "raft.transfer_leader");
      List<String> names =
          client.call("COMMAND").elements().stream().map(e -> e.elements().get(0).text()).toList();
      assertTrue(names.containsAll(ours) && names.contains("get"));
      assertEquals(names.size(), client.call("COMMAND", "COUNT").number());
      List<Reply> info = client.call("COMMAND", "INFO", "raft", "get", "nosuch").elements();
      assertEquals("raft", info.get(0).elements().get(0).text());
      assertEquals("get", info.get(1).elements().get(0).text());
      assertTrue(info.get(2).isNull());
    }
  }

  @Test
  void when_asked_for_info_then_raft_is_in_it() throws Exception {
    try (RespClient client = node.loggedIn()) {
      String raft = client.call("INFO", "raft").text();
      for (String field :
          List.of(
              "raft_version",
              "raft_dbid",
              "raft_node_id:1",
              "raft_state:up",
              "raft_role:leader",
              "raft_is_voting:yes",
              "raft_leader_id:1",
              "raft_current_term",
              "raft_num_nodes:2",
              "raft_num_voting_nodes",
              "raft_node1:id=1,voting=yes,addr=",
              "raft_node2:id=2,state=connected,voting=",
              ",conn_errors=0,conn_oks=1",
              "raft_log_entries",
              "raft_current_index",
              "raft_commit_index",
              "raft_last_applied_index",
              "raft_file_size",
              "raft_proxy_reqs",
              "raft_proxy_failed_reqs")) {
        assertTrue(raft.contains(field), field + " is not in:\n" + raft);
      }
      String all = client.call("INFO").text();
      assertTrue(all.contains("redis_version:") && all.contains("raft_role:leader"));
      assertTrue(!all.contains("db15"));
    }
  }

  @Test
  void when_hello_then_it_tells_who_answers() throws Exception {
    try (RespClient client = node.loggedIn()) {
      Reply hello = client.call("HELLO", "2", "SETNAME", "me");
      Map<String, String> fields = new java.util.HashMap<>();
      for (int i = 0; i < hello.elements().size(); i += 2) {
        fields.put(hello.elements().get(i).text(), hello.elements().get(i + 1).text());
      }
      assertEquals("redis", fields.get("server"));
      assertEquals("2", fields.get("proto"));
      assertTrue(fields.containsKey("version") && fields.containsKey("role"));
      assertText("me", client.call("CLIENT", "GETNAME"));
      assertOk(client.call("QUIT"));
      assertThrows(EOFException.class, client::read);
    }
  }
}
