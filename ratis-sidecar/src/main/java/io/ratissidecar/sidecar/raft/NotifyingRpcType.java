package io.ratissidecar.sidecar.raft;

import java.util.HashMap;
import java.util.Map;
import org.apache.ratis.conf.Parameters;
import org.apache.ratis.netty.NettyFactory;
import org.apache.ratis.protocol.RaftPeerId;
import org.apache.ratis.rpc.RpcFactory;
import org.apache.ratis.rpc.RpcType;
import org.apache.ratis.server.RaftServer;
import org.apache.ratis.server.RaftServerRpc;
import org.apache.ratis.server.ServerFactory;
import org.apache.ratis.server.leader.FollowerInfo;
import org.apache.ratis.server.leader.LeaderState;
import org.apache.ratis.server.leader.LogAppender;

/**
 * Ratis's RPC over Netty, with {@link NotifyingLogAppender} as the leader's side of replication,
 * and links that {@link ReconnectingServerRpc} mends.
 *
 * <p>Ratis makes it from the name of the class, which stands in its properties.
 */
final class NotifyingRpcType implements RpcType {
  @Override
  public String name() {
    return getClass().getName();
  }

  @Override
  public RpcFactory newFactory(Parameters parameters) {
    return new Factory(parameters);
  }

  private static final class Factory implements ServerFactory {
    private final NettyFactory netty;
    private final Map<RaftPeerId, NotifyingLogAppender> appenders = new HashMap<>();
    private LeaderState leading;

    Factory(Parameters parameters) {
      netty = new NettyFactory(parameters);
    }

    @Override
    public RpcType getRpcType() {
      return netty.getRpcType();
    }

    @Override
    public RaftServerRpc newRaftServerRpc(RaftServer server) {
      return new ReconnectingServerRpc(netty.newRaftServerRpc(server));
    }

    /**
     * Ratis 3.3 makes two for one node when a leader begins in the middle of a change that makes a
     * voter of a learner, one for each role, and then finds that two are one too many: nobody could
     * lead any more. It goes by the second, so the first gives way.
     */
    @Override
    public synchronized LogAppender newLogAppender(
        RaftServer.Division server, LeaderState leader, FollowerInfo follower) {
      if (leader != leading) { // identity: one for each term
        leading = leader;
        appenders.clear();
      }
      NotifyingLogAppender appender = new NotifyingLogAppender(server, leader, follower);
      NotifyingLogAppender former = appenders.put(follower.getId(), appender);
      if (former != null) {
        former.giveWay();
      }
      return appender;
    }
  }
}
