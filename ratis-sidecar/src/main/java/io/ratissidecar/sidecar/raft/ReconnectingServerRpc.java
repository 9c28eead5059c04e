package io.ratissidecar.sidecar.raft;

import java.io.IOException;
import java.net.InetSocketAddress;
import java.util.Collection;
import org.apache.ratis.proto.RaftProtos.AppendEntriesReplyProto;
import org.apache.ratis.proto.RaftProtos.AppendEntriesRequestProto;
import org.apache.ratis.proto.RaftProtos.InstallSnapshotReplyProto;
import org.apache.ratis.proto.RaftProtos.InstallSnapshotRequestProto;
import org.apache.ratis.proto.RaftProtos.RaftRpcRequestProto;
import org.apache.ratis.proto.RaftProtos.RequestVoteReplyProto;
import org.apache.ratis.proto.RaftProtos.RequestVoteRequestProto;
import org.apache.ratis.proto.RaftProtos.StartLeaderElectionReplyProto;
import org.apache.ratis.proto.RaftProtos.StartLeaderElectionRequestProto;
import org.apache.ratis.protocol.RaftGroupId;
import org.apache.ratis.protocol.RaftPeer;
import org.apache.ratis.protocol.RaftPeerId;
import org.apache.ratis.rpc.RpcType;
import org.apache.ratis.server.RaftServerRpc;
import org.apache.ratis.server.protocol.RaftServerAsynchronousProtocol;

/**
 * An RPC service that gives no node up. When a connection ends while Ratis 3.3 is still making it,
 * as those do to a node that is just ending, Ratis takes the link for broken: every later request
 * to that node fails with an unchecked exception, for as long as this process lives, and nothing
 * connects anew. Here such a request fails as others do that did not arrive, and the next one
 * connects anew.
 *
 * <p>As thread-safe as the service that it stands before.
 */
final class ReconnectingServerRpc implements RaftServerRpc {
  /** How Ratis's error for a change of state that can't be begins. */
  private static final String OF_LIFE_CYCLE = "ILLEGAL TRANSITION";

  private final RaftServerRpc service;

  ReconnectingServerRpc(RaftServerRpc service) {
    this.service = service;
  }

  @FunctionalInterface
  private interface Request<T> {
    T send() throws IOException;
  }

  private <T> T send(RaftRpcRequestProto header, Request<T> request) throws IOException {
    try {
      return request.send();
    } catch (IllegalStateException e) {
      if (!String.valueOf(e.getMessage()).startsWith(OF_LIFE_CYCLE)) {
        throw e; // such as one of two requests with the same id, on a link that is sound
      }
      RaftPeerId to = RaftPeerId.valueOf(header.getReplyId());
      service.handleException(to, e, true);
      throw new IOException("The link to " + to + " broke: " + e.getMessage(), e);
    }
  }

  @Override
  public RequestVoteReplyProto requestVote(RequestVoteRequestProto request) throws IOException {
    return send(request.getServerRequest(), () -> service.requestVote(request));
  }

  @Override
  public AppendEntriesReplyProto appendEntries(AppendEntriesRequestProto request)
      throws IOException {
    return send(request.getServerRequest(), () -> service.appendEntries(request));
  }

  @Override
  public InstallSnapshotReplyProto installSnapshot(InstallSnapshotRequestProto request)
      throws IOException {
    return send(request.getServerRequest(), () -> service.installSnapshot(request));
  }

  @Override
  public StartLeaderElectionReplyProto startLeaderElection(StartLeaderElectionRequestProto request)
      throws IOException {
    return send(request.getServerRequest(), () -> service.startLeaderElection(request));
  }

  @Override
  public RaftServerAsynchronousProtocol async() {
    return service.async();
  }

  @Override
  public void handleException(RaftPeerId serverId, Exception e, boolean reconnect) {
    service.handleException(serverId, e, reconnect);
  }

  @Override
  public void notifyNotLeader(RaftGroupId groupId) {
    service.notifyNotLeader(groupId);
  }

  @Override
  public void addRaftPeers(Collection<RaftPeer> peers) {
    service.addRaftPeers(peers);
  }

  @Override
  public RpcType getRpcType() {
    return service.getRpcType();
  }

  @Override
  public InetSocketAddress getInetSocketAddress() {
    return service.getInetSocketAddress();
  }

  @Override
  public InetSocketAddress getClientServerAddress() {
    return service.getClientServerAddress();
  }

  @Override
  public InetSocketAddress getAdminServerAddress() {
    return service.getAdminServerAddress();
  }

  @Override
  public void start() throws IOException {
    service.start();
  }

  @Override
  public void close() throws IOException {
    service.close();
  }
}
