package io.ratissidecar.sidecar.raft;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.lang.management.ThreadMXBean;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.apache.ratis.protocol.RaftClientReply;
import org.apache.ratis.protocol.RaftGroup;
import org.apache.ratis.protocol.RaftPeer;
import org.apache.ratis.protocol.RaftPeerId;
import org.apache.ratis.protocol.SetConfigurationRequest;
import org.apache.ratis.rpc.CallId;
import org.apache.ratis.server.RaftServer;
import org.apache.ratis.server.protocol.TermIndex;
import org.apache.ratis.util.TimeDuration;
import org.junit.jupiter.api.Test;

/** What followers are sent, and when they are told that they need a snapshot. */
class NotifyingLogAppenderTest extends LoopbackServers {
  private static long cpuNanos(RaftServer leader, RaftPeerId follower) {
    ThreadMXBean threads = ManagementFactory.getThreadMXBean();
    for (var info : threads.getThreadInfo(threads.getAllThreadIds())) {
      if (info != null
          && info.getThreadName().startsWith(leader.getId() + "@")
          && info.getThreadName()
              .contains("->" + follower + "-" + NotifyingLogAppender.class.getSimpleName())) {
        return threads.getThreadCpuTime(info.getThreadId());
      }
    }
    throw new AssertionError("no appender for " + follower);
  }

  @Test
  void when_a_followers_entries_are_purged_then_it_is_notified_at_the_pace_of_heartbeats()
      throws Exception {
    RaftGroup group = RaftGroup.valueOf(GROUP, n1, n2, n3);
    RaftServer leader = twoWithAPurgedLog(group);
    long term = division(leader).getInfo().getCurrentTerm();
    long first = start(leader);

    RaftServer follower = start(n3, group);
    Machine machine = machines.get("n3");
    await("not notified", () -> !machine.notified().isEmpty());
    assertEquals(division(leader).getRaftLog().getTermIndex(first), machine.notified().get(0));

    long cpu = cpuNanos(leader, n3.getId());
    long begin = System.nanoTime();
    write(leader, 200); // while others go on
    await(
        "time does not pass",
        () ->
            System.nanoTime() - begin > TimeUnit.MILLISECONDS.toNanos(3 * ELECTION_TIMEOUT_MILLIS));
    double share = (double) (cpuNanos(leader, n3.getId()) - cpu) / (System.nanoTime() - begin);
    System.out.printf("CPU of the notifying appender: %.2f %% of a core%n", 100 * share);
    assertTrue(share < 0.1, () -> "the appender spins: " + share);
    assertTrue(division(follower).getInfo().isFollower());
    assertEquals(leader.getId(), division(follower).getInfo().getLeaderId());
    assertTrue(division(leader).getInfo().isLeaderReady());
    assertEquals(term, division(leader).getInfo().getCurrentTerm(), "nobody stood for election");
    assertEquals(1, machine.notified().size());

    machine.snapshot = TermIndex.valueOf(term, first + 5);
    machine.install.complete(machine.snapshot);
    await("the entries behind it don't come", () -> applied(follower) == applied(leader));
    write(leader, 20);
    await("later entries don't come", () -> applied(follower) == applied(leader));
    assertEquals(term, division(leader).getInfo().getCurrentTerm());
  }

  /** With the last entry of all, since nothing is sent behind it but heartbeats. */
  @Test
  void when_an_entry_is_committed_then_followers_hear_it_before_the_next_heartbeat()
      throws Exception {
    electionTimeoutMillis = 60_000;
    RaftGroup group = RaftGroup.valueOf(GROUP, n1, n2);
    RaftServer leader = leaderOf(start(n1, group), start(n2, group));
    write(leader, 1);
    long begin = System.nanoTime();
    for (int i = 0; i < 5; i++) {
      write(leader, 1);
      for (RaftServer server : servers.values()) {
        await("not applied", () -> applied(server) == applied(leader));
      }
    }
    long millis = TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - begin);
    assertTrue(millis < electionTimeoutMillis / 4, () -> "not before a heartbeat: " + millis);
  }

  @Test
  void when_a_follower_is_not_ready_then_it_is_asked_once_a_heartbeat() throws Exception {
    RaftGroup group = RaftGroup.valueOf(GROUP, n1, n2, n3);
    RaftServer leader = twoWithAPurgedLog(group);
    start(n3, group);
    Machine machine = machines.get("n3");
    machine.install.complete(null); // that there is none yet: each notification gets to it
    await("not notified", () -> !machine.notified().isEmpty());
    int before = machine.notified().size();
    long begin = System.nanoTime();
    await("heartbeats stop", () -> machine.notified().size() >= before + 5);
    long millis = TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - begin);
    assertTrue(millis >= 4 * HEARTBEAT_MILLIS / 2, () -> "5 notifications in " + millis + " ms");
    assertTrue(division(leader).getInfo().isLeaderReady());
  }

  /** A leader that steps down holds its lock until its appenders have ended. */
  @Test
  void when_the_leaders_lock_is_held_then_notifying_does_not_wait_for_it() throws Exception {
    RaftGroup group = RaftGroup.valueOf(GROUP, n1, n2, n3);
    RaftServer leader = twoWithAPurgedLog(group);
    start(n3, group);
    Machine machine = machines.get("n3");
    machine.install.complete(null);
    await("not notified", () -> !machine.notified().isEmpty());
    synchronized (division(leader)) {
      int before = machine.notified().size();
      await("it waits for the lock", () -> machine.notified().size() >= before + 3);
    }
  }

  @Test
  void when_payload_is_gone_before_the_header_then_that_counts() throws Exception {
    RaftGroup group = RaftGroup.valueOf(GROUP, n1, n2, n3);
    RaftServer leader = leaderOf(start(n1, group), start(n2, group));
    write(leader, 50);
    for (Machine machine : machines.values()) {
      machine.keptFrom = 1; // so that the message of entry 0, on its way all the time, is too old
    }
    assertEquals(0, start(leader));
    start(n3, group);
    Machine machine = machines.get("n3");
    await("not notified", () -> !machine.notified().isEmpty());
    assertEquals(division(leader).getRaftLog().getTermIndex(1), machine.notified().get(0));
  }

  @Test
  void when_a_newcomer_needs_no_snapshot_then_it_gets_none() throws Exception {
    RaftServer leader = leaderOf(start(n1, RaftGroup.valueOf(GROUP, n1)));
    write(leader, 50);
    start(n2, RaftGroup.valueOf(GROUP));
    add(leader, n1, n2);
    assertEquals(List.of(), machines.get("n2").notified());
    await("it does not follow", () -> applied(servers.get("n2")) == applied(leader));
  }

  @Test
  void when_a_newcomer_needs_a_snapshot_then_it_is_added_once_it_has_it() throws Exception {
    RaftServer leader = leaderOf(start(n1, RaftGroup.valueOf(GROUP, n1)));
    write(leader, 50);
    purge(leader);
    start(n2, RaftGroup.valueOf(GROUP));
    Machine machine = machines.get("n2");
    machine.snapshot = machines.get("n1").snapshot;
    machine.install.complete(machine.snapshot);
    add(leader, n1, n2);
    assertFalse(machine.notified().isEmpty());
    write(leader, 5);
    await("it does not follow", () -> applied(servers.get("n2")) == applied(leader));
  }

  @Test
  void when_an_appender_starts_afresh_then_a_follower_that_needs_nothing_is_not_notified()
      throws Exception {
    RaftGroup group = RaftGroup.valueOf(GROUP, n1, n2);
    RaftServer leader = twoWithAPurgedLog(group);
    RaftPeer other = leader.getId().equals(n1.getId()) ? n2 : n1;
    RaftServer follower = servers.get(other.getId().toString());
    await("it does not follow", () -> applied(follower) == applied(leader));
    Machine machine = machines.get(leader.getId().toString());
    machine.failsOnce.set(true);
    await("the appender goes on", () -> !machine.failsOnce.get());
    write(leader, 20);
    await("it does not follow", () -> applied(follower) == applied(leader));
    assertEquals(List.of(), machines.get(other.getId().toString()).notified());
  }

  /** A heartbeat is then all that it sends. */
  @Test
  void when_an_appender_starts_afresh_then_a_heartbeat_tells_it_what_the_follower_has()
      throws Exception {
    RaftGroup group = RaftGroup.valueOf(GROUP, n1, n2);
    RaftServer leader = twoWithAPurgedLog(group);
    long next = division(leader).getRaftLog().getNextIndex();
    long[] all = {next - 1};
    await("it does not follow", () -> Arrays.equals(all, matches(leader)));
    Machine machine = machines.get(leader.getId().toString());
    machine.failsOnce.set(true);
    await("the appender goes on", () -> !machine.failsOnce.get());
    await("the leader has forgotten nothing", () -> !Arrays.equals(all, matches(leader)));
    await("the match is not known", () -> Arrays.equals(all, matches(leader)));
    assertEquals(next, division(leader).getRaftLog().getNextIndex(), "an entry was written");
  }

  @Test
  void when_an_appender_fails_each_time_then_ratis_replaces_it_at_a_pace() throws Exception {
    RaftGroup group = RaftGroup.valueOf(GROUP, n1, n2);
    RaftServer leader = twoWithAPurgedLog(group);
    Machine machine = machines.get(leader.getId().toString());
    TimeDuration pause = division(leader).properties().rpcSleepTime();
    int replaced = 5; // before the leader misses its follower and steps down
    machine.fails = true;
    await("it does not fail", () -> machine.failures.get() > 0);
    int before = machine.failures.get();
    long begin = System.nanoTime();
    await("it is not replaced", () -> machine.failures.get() > before + replaced);
    machine.fails = false;
    assertTrue(System.nanoTime() - begin >= replaced * pause.toLong(TimeUnit.NANOSECONDS));
    write(leader, 20);
  }

  private static long[] matches(RaftServer leader) throws IOException {
    return division(leader).getInfo().getFollowerMatchIndices();
  }

  private void add(RaftServer leader, RaftPeer... all) throws IOException {
    RaftClientReply reply =
        leader.setConfiguration(
            new SetConfigurationRequest(
                client,
                leader.getId(),
                GROUP,
                CallId.getAndIncrement(),
                SetConfigurationRequest.Arguments.newBuilder()
                    .setServersInNewConf(List.of(all))
                    .build()));
    assertTrue(reply.isSuccess(), reply::toString);
  }
}
