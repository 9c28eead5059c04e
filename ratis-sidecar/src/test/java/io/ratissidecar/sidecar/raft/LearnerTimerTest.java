package io.ratissidecar.sidecar.raft;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.ratissidecar.sidecar.UnusedPort;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.TimeUnit;
import org.apache.ratis.RaftConfigKeys;
import org.apache.ratis.conf.RaftProperties;
import org.apache.ratis.netty.NettyConfigKeys;
import org.apache.ratis.proto.RaftProtos.RaftPeerRole;
import org.apache.ratis.protocol.ClientId;
import org.apache.ratis.protocol.RaftClientReply;
import org.apache.ratis.protocol.RaftGroup;
import org.apache.ratis.protocol.RaftGroupId;
import org.apache.ratis.protocol.RaftPeer;
import org.apache.ratis.protocol.SetConfigurationRequest;
import org.apache.ratis.rpc.SupportedRpcType;
import org.apache.ratis.server.RaftServer;
import org.apache.ratis.server.RaftServerConfigKeys;
import org.apache.ratis.statemachine.impl.BaseStateMachine;
import org.apache.ratis.util.TimeDuration;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** With two servers of Ratis. */
class LearnerTimerTest {
  private static final RaftGroupId GROUP = RaftGroupId.randomId();
  private static final long PATIENCE_NANOS = TimeUnit.SECONDS.toNanos(30);

  @TempDir Path dir;
  @AutoClose private RaftServer leader;
  @AutoClose private RaftServer learner;

  private static RaftPeer peer(String id, RaftPeerRole role) {
    return RaftPeer.newBuilder()
        .setId(id)
        .setAddress("127.0.0.1:" + UnusedPort.next())
        .setStartupRole(role)
        .build();
  }

  private RaftServer start(RaftPeer self, RaftGroup group) throws IOException {
    RaftProperties p = new RaftProperties();
    RaftConfigKeys.Rpc.setType(p, SupportedRpcType.NETTY);
    NettyConfigKeys.Server.setHost(p, "127.0.0.1");
    NettyConfigKeys.Server.setPort(p, Integer.parseInt(self.getAddress().split(":")[1]));
    // Long, so that the leader does not lose touch on a slow machine; the first election is soon.
    RaftServerConfigKeys.Rpc.setTimeoutMin(p, TimeDuration.valueOf(5, TimeUnit.SECONDS));
    RaftServerConfigKeys.Rpc.setTimeoutMax(p, TimeDuration.valueOf(10, TimeUnit.SECONDS));
    RaftServerConfigKeys.Rpc.setFirstElectionTimeoutMin(
        p, TimeDuration.valueOf(1, TimeUnit.SECONDS));
    RaftServerConfigKeys.Rpc.setFirstElectionTimeoutMax(
        p, TimeDuration.valueOf(1, TimeUnit.SECONDS));
    RaftServerConfigKeys.setStorageDir(p, List.of(dir.resolve(self.getId().toString()).toFile()));
    RaftServer server =
        RaftServer.newBuilder()
            .setServerId(self.getId())
            .setGroup(group)
            .setStateMachine(new BaseStateMachine())
            .setProperties(p)
            .build();
    server.start();
    return server;
  }

  private static void await(String what, Callable<Boolean> condition) throws Exception {
    long end = System.nanoTime() + PATIENCE_NANOS;
    while (!condition.call()) {
      assertTrue(System.nanoTime() < end, what);
      TimeUnit.MILLISECONDS.sleep(20);
    }
  }

  @Test
  void when_a_learner_becomes_a_voter_then_its_timer_begins_only_then() throws Exception {
    RaftPeer voter = peer("n1", RaftPeerRole.FOLLOWER);
    RaftPeer newcomer = peer("n2", RaftPeerRole.LISTENER);
    RaftGroup group = RaftGroup.valueOf(GROUP, voter, newcomer);
    leader = start(voter, group);
    learner = start(newcomer, group);
    RaftServer.Division division = learner.getDivision(GROUP);
    assertTrue(LearnerTimer.find(division).isPresent());

    LearnerTimer.end(division);
    assertTrue(LearnerTimer.find(division).isEmpty());

    await("no leader", () -> leader.getDivision(GROUP).getInfo().isLeaderReady());
    await("nothing comes", () -> division.getRaftLog().getNextIndex() > 0);
    LearnerTimer.end(leader.getDivision(GROUP)); // no learner: nothing happens
    RaftClientReply reply = leader.setConfiguration(twoVoters(voter, newcomer));
    assertTrue(reply.isSuccess(), reply::toString);
    await("no voter", () -> division.getInfo().isFollower());
    LearnerTimer.end(division);
    assertTrue(LearnerTimer.find(division).isPresent());
    assertEquals(leader.getId(), division.getInfo().getLeaderId(), "the voter hears of its leader");
  }

  private SetConfigurationRequest twoVoters(RaftPeer first, RaftPeer second) {
    RaftPeer promoted = RaftPeer.newBuilder(second).setStartupRole(RaftPeerRole.FOLLOWER).build();
    return new SetConfigurationRequest(
        ClientId.randomId(),
        leader.getId(),
        GROUP,
        1,
        SetConfigurationRequest.Arguments.newBuilder()
            .setServersInNewConf(List.of(first, promoted))
            .build());
  }
}
