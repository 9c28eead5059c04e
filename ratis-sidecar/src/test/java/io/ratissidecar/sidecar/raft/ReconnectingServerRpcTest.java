package io.ratissidecar.sidecar.raft;

import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.util.concurrent.atomic.AtomicInteger;
import org.apache.ratis.client.impl.ClientProtoUtils;
import org.apache.ratis.proto.RaftProtos.RaftRpcReplyProto;
import org.apache.ratis.proto.RaftProtos.RequestVoteRequestProto;
import org.apache.ratis.proto.RaftProtos.TermIndexProto;
import org.apache.ratis.protocol.RaftGroup;
import org.apache.ratis.protocol.RaftGroupMemberId;
import org.apache.ratis.protocol.RaftPeer;
import org.apache.ratis.protocol.RaftPeerId;
import org.apache.ratis.server.RaftServerRpc;
import org.junit.jupiter.api.Test;

/** What becomes of the link to a node that comes and goes. */
class ReconnectingServerRpcTest extends LoopbackServers {
  /** Ratis alone gives a link up for good within the first hundred or so. */
  private static final int TRIES = 500;

  private RaftServerRpc rpc;

  /** Takes connections, and resets each at once: as a node does that is just ending. */
  private static final class Resetting implements AutoCloseable {
    private final ServerSocket socket;
    private final AtomicInteger connections = new AtomicInteger();

    Resetting(RaftPeer as) throws IOException {
      int port = Integer.parseInt(as.getAddress().split(":")[1]);
      socket = new ServerSocket(port, 50, InetAddress.getLoopbackAddress());
      Thread thread = new Thread(this::run, "resetting");
      thread.setDaemon(true);
      thread.start();
    }

    private void run() {
      while (!socket.isClosed()) {
        try (Socket accepted = socket.accept()) {
          accepted.setSoLinger(true, 0);
          connections.incrementAndGet();
        } catch (IOException e) {
          // It is closed, or the other side was faster.
        }
      }
    }

    @Override
    public void close() throws IOException {
      socket.close();
    }
  }

  private RequestVoteRequestProto voteOf(RaftPeer peer) {
    return RequestVoteRequestProto.newBuilder()
        .setServerRequest(
            ClientProtoUtils.toRaftRpcRequestProtoBuilder(
                RaftGroupMemberId.valueOf(n1.getId(), GROUP), peer.getId()))
        .setCandidateTerm(1)
        .setCandidateLastEntry(TermIndexProto.newBuilder().setIndex(-1))
        .setPreVote(true)
        .build();
  }

  private boolean isReached() {
    try {
      RaftRpcReplyProto reply = rpc.requestVote(voteOf(n2)).getServerReply();
      return n2.getId().equals(RaftPeerId.valueOf(reply.getReplyId()));
    } catch (IOException e) {
      return false;
    }
  }

  @Test
  void when_a_node_resets_connections_as_they_are_made_then_it_is_reached_once_it_is_there()
      throws Exception {
    RaftGroup group = RaftGroup.valueOf(GROUP, n1, n2);
    rpc = start(n1, group).getServerRpc();
    try (Resetting ending = new Resetting(n2)) {
      for (int i = 0; i < TRIES; i++) {
        assertThrows(IOException.class, () -> rpc.requestVote(voteOf(n2)));
      }
      assertTrue(ending.connections.get() > TRIES / 10, () -> ending.connections + " connections");
    }
    start(n2, group);
    await("no answer", () -> isReached());
  }
}
