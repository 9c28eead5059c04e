package io.ratissidecar.sidecar.raft;

import static org.junit.jupiter.api.Assertions.assertTrue;

import io.ratissidecar.sidecar.UnusedPort;
import io.ratissidecar.sidecar.config.SidecarConfig;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
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
import org.junit.jupiter.api.io.TempDir;

/** Servers of Ratis on loopback, set up as in production but for tiny segments. */
abstract class LoopbackServers {
  static final RaftGroupId GROUP = RaftGroupId.randomId();
  private static final long PATIENCE_NANOS = TimeUnit.SECONDS.toNanos(40);
  static final int ELECTION_TIMEOUT_MILLIS = 2000;

  private static final TimeDuration FIRST_ELECTION_MIN =
      TimeDuration.valueOf(300, TimeUnit.MILLISECONDS);
  private static final TimeDuration FIRST_ELECTION_MAX =
      TimeDuration.valueOf(600, TimeUnit.MILLISECONDS);

  /** Half of the shortest election time-out. */
  static final int HEARTBEAT_MILLIS = ELECTION_TIMEOUT_MILLIS / 4;

  @TempDir Path dir;
  final Map<String, RaftServer> servers = new HashMap<>();
  final Map<String, Machine> machines = new HashMap<>();

  /** What those have that are started from now on. */
  final Map<String, TermIndex> snapshotAtStart = new HashMap<>();

  long keptFromAtStart;
  int electionTimeoutMillis = ELECTION_TIMEOUT_MILLIS;
  final ClientId client = ClientId.randomId();
  RaftPeer n1;
  RaftPeer n2;
  RaftPeer n3;

  /** Counts entries; a snapshot is nothing but its index. */
  static final class Machine extends BaseStateMachine implements NotifyingLogAppender.PayloadRange {
    private final List<TermIndex> notified = new ArrayList<>();
    final CompletableFuture<TermIndex> install = new CompletableFuture<>();
    volatile TermIndex snapshot;
    volatile long keptFrom;
    final AtomicBoolean failsOnce = new AtomicBoolean();
    final AtomicInteger failures = new AtomicInteger();
    volatile boolean fails;

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
      if (failsOnce.getAndSet(false) || fails) {
        failures.incrementAndGet();
        throw new IllegalStateException("Ratis replaces an appender that fails");
      }
      return keptFrom;
    }
  }

  @BeforeEach
  void choosePorts() {
    n1 = peer("n1");
    n2 = peer("n2");
    n3 = peer("n3");
  }

  @AfterEach
  void stop() {
    close();
  }

  private static RaftPeer peer(String id) {
    return RaftPeer.newBuilder()
        .setId(id)
        .setAddress("127.0.0.1:" + UnusedPort.next())
        .setStartupRole(RaftPeerRole.FOLLOWER)
        .build();
  }

  RaftServer start(RaftPeer self, RaftGroup group) throws IOException {
    String id = self.getId().toString();
    RaftProperties p =
        RatisSettings.of(
            SidecarConfig.of(
                Map.of(
                    "dir", dir.resolve(id).toString(),
                    "raft-port", self.getAddress().split(":")[1],
                    "election-timeout-millis", Integer.toString(electionTimeoutMillis))));
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

  static void await(String what, Callable<Boolean> condition) throws Exception {
    long end = System.nanoTime() + PATIENCE_NANOS;
    while (!condition.call()) {
      assertTrue(System.nanoTime() < end, what);
      TimeUnit.MILLISECONDS.sleep(20);
    }
  }

  static RaftServer.Division division(RaftServer server) throws IOException {
    return server.getDivision(GROUP);
  }

  RaftServer leaderOf(RaftServer... some) throws Exception {
    return leaderOf(List.of(some));
  }

  RaftServer leaderOf(Collection<RaftServer> some) throws Exception {
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

  void write(RaftServer leader, int count) throws Exception {
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

  void purge(RaftServer leader) throws Exception {
    long before = start(leader);
    Machine machine = (Machine) division(leader).getStateMachine();
    division(leader).getRaftLog().purge(machine.takeSnapshot()).get(30, TimeUnit.SECONDS);
    await("nothing is purged", () -> start(leader) > before);
  }

  static long start(RaftServer server) throws IOException {
    return division(server).getRaftLog().getStartIndex();
  }

  static long applied(RaftServer server) throws IOException {
    return division(server).getInfo().getLastAppliedIndex();
  }

  RaftServer twoWithAPurgedLog(RaftGroup group) throws Exception {
    RaftServer leader = leaderOf(start(n1, group), start(n2, group));
    write(leader, 50);
    purge(leader);
    return leader;
  }

  /** All at once: each waits for its own threads and for those of its connections. */
  void close() {
    servers.values().parallelStream().forEach(LoopbackServers::close);
    servers.clear();
  }

  private static void close(RaftServer server) {
    try {
      server.close();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
