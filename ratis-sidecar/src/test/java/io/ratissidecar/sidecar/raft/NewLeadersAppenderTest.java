package io.ratissidecar.sidecar.raft;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.apache.ratis.proto.RaftProtos.RaftPeerRole;
import org.apache.ratis.protocol.RaftGroup;
import org.apache.ratis.protocol.RaftPeer;
import org.apache.ratis.protocol.SetConfigurationRequest;
import org.apache.ratis.rpc.CallId;
import org.apache.ratis.server.RaftServer;
import org.apache.ratis.server.protocol.TermIndex;
import org.junit.jupiter.api.Test;

/** A leader that begins anew, with a follower whose log ends elsewhere, or with a promotion. */
class NewLeadersAppenderTest extends LoopbackServers {
  /**
   * The third of three goes away, and the others elect a leader and write. They end as well, so
   * that what the appenders had ready to be sent is gone.
   *
   * @param purged whether their logs then begin right behind the last entry of the third
   * @return that entry
   */
  private TermIndex withoutTheThird(boolean purged) throws Exception {
    RaftGroup group = RaftGroup.valueOf(GROUP, n1, n2, n3);
    startThree(group);
    write(leaderOf(servers.values()), 20);
    TermIndex last = awaitSame();
    close();
    start(n1, group);
    start(n2, group);
    write(leaderOf(servers.values()), 20);
    awaitSame();
    for (RaftServer server : servers.values()) {
      if (purged) { // Ratis begins a segment with each term, and drops whole ones
        division(server).getRaftLog().purge(last.getIndex()).get(30, TimeUnit.SECONDS);
        assertEquals(last.getIndex() + 1, start(server));
      }
    }
    close();
    return last;
  }

  private void startThree(RaftGroup group) throws IOException {
    for (RaftPeer peer : List.of(n1, n2, n3)) {
      start(peer, group);
    }
  }

  private TermIndex awaitSame() throws Exception {
    TermIndex last = division(leaderOf(servers.values())).getRaftLog().getLastEntryTermIndex();
    for (RaftServer server : servers.values()) {
      await("it does not follow", () -> applied(server) == last.getIndex());
    }
    return last;
  }

  @Test
  void when_a_follower_ends_where_the_leader_begins_and_that_has_a_snapshot_there_then_it_goes_on()
      throws Exception {
    TermIndex last = withoutTheThird(true);
    snapshotAtStart.put("n1", last);
    snapshotAtStart.put("n2", last);
    startThree(RaftGroup.valueOf(GROUP, n1, n2, n3));
    write(leaderOf(servers.values()), 1);
    awaitSame();
    assertEquals(List.of(), machines.get("n3").notified());
  }

  /** The leader has the next entry, but can't tell what term the one before it is of. */
  @Test
  void when_a_follower_ends_where_the_leader_begins_and_the_snapshot_is_newer_then_it_is_notified()
      throws Exception {
    TermIndex last = withoutTheThird(true);
    TermIndex newer = TermIndex.valueOf(last.getTerm() + 1, last.getIndex() + 10);
    snapshotAtStart.put("n1", newer);
    snapshotAtStart.put("n2", newer);
    startThree(RaftGroup.valueOf(GROUP, n1, n2, n3));
    Machine machine = machines.get("n3");
    await("not notified", () -> !machine.notified().isEmpty());
    assertEquals(last.getIndex() + 1, machine.notified().get(0).getIndex());
    machine.snapshot = newer;
    machine.install.complete(newer);
    awaitSame();
  }

  /** The header of that entry is there, so that it can be compared. */
  @Test
  void when_a_follower_ends_where_the_leaders_payload_begins_then_it_goes_on() throws Exception {
    TermIndex last = withoutTheThird(false);
    keptFromAtStart = last.getIndex() + 1;
    startThree(RaftGroup.valueOf(GROUP, n1, n2, n3));
    write(leaderOf(servers.values()), 1);
    awaitSame();
    assertEquals(List.of(), machines.get("n3").notified());
  }

  @Test
  void when_a_follower_ends_one_entry_before_the_leaders_payload_then_it_is_notified()
      throws Exception {
    TermIndex last = withoutTheThird(false);
    keptFromAtStart = last.getIndex() + 2;
    startThree(RaftGroup.valueOf(GROUP, n1, n2, n3));
    Machine machine = machines.get("n3");
    await("not notified", () -> !machine.notified().isEmpty());
    assertEquals(last.getIndex() + 2, machine.notified().get(0).getIndex());
  }

  /** Ratis gives such a leader two appenders for the node that changes its role. */
  @Test
  void when_a_leader_begins_in_the_middle_of_a_promotion_then_it_ends_that() throws Exception {
    RaftPeer learner = RaftPeer.newBuilder(n3).setStartupRole(RaftPeerRole.LISTENER).build();
    RaftGroup group = RaftGroup.valueOf(GROUP, n1, n2, learner);
    RaftServer leader = leaderOf(start(n1, group), start(n2, group));
    RaftServer third = start(learner, group);
    write(leader, 5);
    await("the learner does not follow", () -> applied(third) == applied(leader));

    RaftPeer other = leader.getId().equals(n1.getId()) ? n2 : n1;
    servers.remove(other.getId().toString()).close();
    leader.setConfigurationAsync(promoted(leader)); // which waits for the one that was closed
    await(
        "the change does not begin",
        () -> division(leader).getRaftConf().getCurrentPeers(RaftPeerRole.FOLLOWER).size() == 3);
    await("it leads without a majority", () -> !division(leader).getInfo().isLeader());
    start(other, group);
    RaftServer next = leaderOf(servers.values());
    write(next, 5);
    await("the third does not follow", () -> applied(third) == applied(next));
    assertTrue(division(next).getRaftConf().getAllPeers(RaftPeerRole.LISTENER).isEmpty());
    assertTrue(division(third).getInfo().isFollower());
  }

  private SetConfigurationRequest promoted(RaftServer leader) {
    return new SetConfigurationRequest(
        client,
        leader.getId(),
        GROUP,
        CallId.getAndIncrement(),
        SetConfigurationRequest.Arguments.newBuilder()
            .setServersInNewConf(List.of(n1, n2, n3))
            .build());
  }
}
