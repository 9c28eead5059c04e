package io.ratissidecar.sidecar.raft;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.ratissidecar.sidecar.config.SidecarConfig;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.management.ManagementFactory;
import java.lang.management.ThreadMXBean;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import org.apache.ratis.conf.RaftProperties;
import org.apache.ratis.proto.RaftProtos.RaftPeerRole;
import org.apache.ratis.proto.RaftProtos.RoleInfoProto;
import org.apache.ratis.protocol.ClientId;
import org.apache.ratis.protocol.Message;
import org.apache.ratis.protocol.RaftClientAsynchronousProtocol;
import org.apache.ratis.protocol.RaftClientReply;
import org.apache.ratis.protocol.RaftClientRequest;
import org.apache.ratis.protocol.RaftGroup;
import org.apache.ratis.protocol.RaftGroupId;
import org.apache.ratis.protocol.RaftPeer;
import org.apache.ratis.protocol.RaftPeerId;
import org.apache.ratis.protocol.SetConfigurationRequest;
import org.apache.ratis.rpc.CallId;
import org.apache.ratis.server.RaftServer;
import org.apache.ratis.server.RaftServerConfigKeys;
import org.apache.ratis.server.protocol.TermIndex;
import org.apache.ratis.server.storage.FileInfo;
import org.apache.ratis.server.storage.RaftStorage;
import org.apache.ratis.statemachine.SnapshotInfo;
import org.apache.ratis.statemachine.TransactionContext;
import org.apache.ratis.statemachine.impl.BaseStateMachine;
import org.apache.ratis.util.LifeCycle;
import org.apache.ratis.util.SizeInBytes;
import org.apache.ratis.util.TimeDuration;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** With servers of Ratis on loopback, set up as in production but for tiny segments. */
class NotifyingLogAppenderTest {
  private static final RaftGroupId GROUP = RaftGroupId.randomId();
  private static final long PATIENCE_NANOS = TimeUnit.SECONDS.toNanos(40);
  private static final int ELECTION_TIMEOUT_MILLIS = 2000;

  private static final TimeDuration FIRST_ELECTION_MIN =
      TimeDuration.valueOf(300, TimeUnit.MILLISECONDS);
  private static final TimeDuration FIRST_ELECTION_MAX =
      TimeDuration.valueOf(600, TimeUnit.MILLISECONDS);

  /** Half of the shortest election time-out. */
  private static final int HEARTBEAT_MILLIS = ELECTION_TIMEOUT_MILLIS / 4;

  @TempDir Path dir;
  private final Map<String, RaftServer> servers = new HashMap<>();
  private final Map<String, Machine> machines = new HashMap<>();

  /** What those have that are started from now on. */
  private final Map<String, TermIndex> snapshotAtStart = new HashMap<>();

  private long keptFromAtStart;
  private final ClientId client = ClientId.randomId();
  private RaftPeer n1;
  private RaftPeer n2;
  private RaftPeer n3;

  /** Counts entries; a snapshot is nothing but its index. */
  private static final class Machine extends BaseStateMachine
      implements NotifyingLogAppender.PayloadRange {
    private final List<TermIndex> notified = new ArrayList<>();
    private final CompletableFuture<TermIndex> install = new CompletableFuture<>();
    private volatile TermIndex snapshot;
    private volatile long keptFrom;
    private final AtomicBoolean failsOnce = new AtomicBoolean();

    @Override
    public void initialize(RaftServer server, RaftGroupId groupId, RaftStorage storage)
        throws IOException {
      super.initialize(server, groupId, storage);
      if (snapshot != null) {
        setLastAppliedTermIndex(snapshot);
      }
      getLifeCycle().startAndTransition(() -> {});
    }

    @Override
    public CompletableFuture<Message> applyTransaction(TransactionContext transaction) {
      var entry = transaction.getLogEntry();
      updateLastAppliedTermIndex(entry.getTerm(), entry.getIndex());
      return CompletableFuture.completedFuture(Message.EMPTY);
    }

    @Override
    public long takeSnapshot() {
      snapshot = getLastAppliedTermIndex();
      return snapshot.getIndex();
    }

    @Override
    public SnapshotInfo getLatestSnapshot() {
      TermIndex at = snapshot;
      return at == null
          ? null
          : new SnapshotInfo() {
            @Override
            public TermIndex getTermIndex() {
              return at;
            }

            @Override
            public List<FileInfo> getFiles() {
              return List.of();
            }
          };
    }

    @Override
    public synchronized CompletableFuture<TermIndex> notifyInstallSnapshotFromLeader(
        RoleInfoProto role, TermIndex firstAvailable) {
      notified.add(firstAvailable);
      return install;
    }

    synchronized List<TermIndex> notified() {
      return List.copyOf(notified);
    }

    @Override
    public void pause() {
      getLifeCycle().transition(LifeCycle.State.PAUSING);
      getLifeCycle().transition(LifeCycle.State.PAUSED);
    }

    @Override
    public void reinitialize() {
      setLastAppliedTermIndex(snapshot);
      getLifeCycle().transition(LifeCycle.State.STARTING);
      getLifeCycle().transition(LifeCycle.State.RUNNING);
    }

    @Override
    public long firstReadableIndex() {
      if (failsOnce.getAndSet(false)) {
        throw new IllegalStateException("Ratis replaces an appender that fails");
      }
      return keptFrom;
    }
  }

  @BeforeEach
  void choosePorts() throws IOException {
    n1 = peer("n1");
    n2 = peer("n2");
    n3 = peer("n3");
  }

  @AfterEach
  void stop() {
    close();
  }

  private static RaftPeer peer(String id) throws IOException {
    try (ServerSocket free = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      return RaftPeer.newBuilder()
          .setId(id)
          .setAddress("127.0.0.1:" + free.getLocalPort())
          .setStartupRole(RaftPeerRole.FOLLOWER)
          .build();
    }
  }

  private RaftServer start(RaftPeer self, RaftGroup group) throws IOException {
    String id = self.getId().toString();
    RaftProperties p =
        RatisSettings.of(
            SidecarConfig.of(
                Map.of(
                    "dir", dir.resolve(id).toString(),
                    "raft-port", self.getAddress().split(":")[1],
                    "election-timeout-millis", Integer.toString(ELECTION_TIMEOUT_MILLIS))));
    RaftServerConfigKeys.Log.setSegmentSizeMax(p, SizeInBytes.valueOf(1000));
    RaftServerConfigKeys.Log.setPreallocatedSize(p, SizeInBytes.valueOf(1000));
    RaftServerConfigKeys.Log.setPurgePreservationLogNum(p, 0);
    RaftServerConfigKeys.Log.setPurgeGap(p, 1);
    RaftServerConfigKeys.Snapshot.setCreationGap(p, 1);
    // The first leader is waited for, and can't be lost to a pause of the machine.
    RaftServerConfigKeys.Rpc.setFirstElectionTimeoutMin(p, FIRST_ELECTION_MIN);
    RaftServerConfigKeys.Rpc.setFirstElectionTimeoutMax(p, FIRST_ELECTION_MAX);
    RaftServerConfigKeys.setStagingTimeout(p, TimeDuration.valueOf(20, TimeUnit.SECONDS));
    Machine machine = new Machine();
    machine.snapshot = snapshotAtStart.get(id);
    machine.keptFrom = keptFromAtStart;
    RaftServer server =
        RaftServer.newBuilder()
            .setServerId(self.getId())
            .setGroup(group)
            .setStateMachine(machine)
            .setProperties(p)
            .setOption(RaftStorage.StartupOption.RECOVER)
            .build();
    server.start();
    servers.put(id, server);
    machines.put(id, machine);
    return server;
  }

  private static void await(String what, Callable<Boolean> condition) throws Exception {
    long end = System.nanoTime() + PATIENCE_NANOS;
    while (!condition.call()) {
      assertTrue(System.nanoTime() < end, what);
      TimeUnit.MILLISECONDS.sleep(20);
    }
  }

  private static RaftServer.Division division(RaftServer server) throws IOException {
    return server.getDivision(GROUP);
  }

  private RaftServer leaderOf(RaftServer... some) throws Exception {
    return leaderOf(List.of(some));
  }

  private RaftServer leaderOf(Collection<RaftServer> some) throws Exception {
    RaftServer[] leader = new RaftServer[1];
    await(
        "no leader",
        () -> {
          for (RaftServer server : some) {
            if (division(server).getInfo().isLeaderReady()) {
              leader[0] = server;
            }
          }
          return leader[0] != null;
        });
    return leader[0];
  }

  private void write(RaftServer leader, int count) throws Exception {
    var writes = (RaftClientAsynchronousProtocol) division(leader);
    for (int i = 0; i < count; i++) {
      RaftClientReply reply =
          writes
              .submitClientRequestAsync(
                  RaftClientRequest.newBuilder()
                      .setClientId(client)
                      .setServerId(leader.getId())
                      .setGroupId(GROUP)
                      .setCallId(CallId.getAndIncrement())
                      .setMessage(Message.valueOf("x".repeat(100)))
                      .setType(RaftClientRequest.writeRequestType())
                      .build())
              .get(30, TimeUnit.SECONDS);
      assertTrue(reply.isSuccess(), reply::toString);
    }
  }

  private void purge(RaftServer leader) throws Exception {
    long before = start(leader);
    Machine machine = (Machine) division(leader).getStateMachine();
    division(leader).getRaftLog().purge(machine.takeSnapshot()).get(30, TimeUnit.SECONDS);
    await("nothing is purged", () -> start(leader) > before);
  }

  private static long start(RaftServer server) throws IOException {
    return division(server).getRaftLog().getStartIndex();
  }

  private static long applied(RaftServer server) throws IOException {
    return division(server).getInfo().getLastAppliedIndex();
  }

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

  private RaftServer twoWithAPurgedLog(RaftGroup group) throws Exception {
    RaftServer leader = leaderOf(start(n1, group), start(n2, group));
    write(leader, 50);
    purge(leader);
    return leader;
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

  private static long[] matches(RaftServer leader) throws IOException {
    return division(leader).getInfo().getFollowerMatchIndices();
  }

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

  /** All at once: each waits for its own threads and for those of its connections. */
  private void close() {
    servers.values().parallelStream().forEach(NotifyingLogAppenderTest::close);
    servers.clear();
  }

  private static void close(RaftServer server) {
    try {
      server.close();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
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
