package io.ratissidecar.sidecar;

import io.netty.buffer.ByteBuf;
import io.ratissidecar.logstore.DeadlineIndex;
import io.ratissidecar.logstore.DirectoryLock;
import io.ratissidecar.sidecar.admin.AdminCommands;
import io.ratissidecar.sidecar.admin.LeaderNews;
import io.ratissidecar.sidecar.admin.RaftInfo;
import io.ratissidecar.sidecar.blocking.BlockedClients;
import io.ratissidecar.sidecar.config.FreePort;
import io.ratissidecar.sidecar.config.SidecarConfig;
import io.ratissidecar.sidecar.digest.Digests;
import io.ratissidecar.sidecar.expiry.Expirer;
import io.ratissidecar.sidecar.expiry.ReplicatedExpiryLog;
import io.ratissidecar.sidecar.membership.ClusterHost;
import io.ratissidecar.sidecar.membership.Membership;
import io.ratissidecar.sidecar.membership.SnapshotState;
import io.ratissidecar.sidecar.quota.MemoryQuota;
import io.ratissidecar.sidecar.raft.ClusterIdentity;
import io.ratissidecar.sidecar.raft.Failure;
import io.ratissidecar.sidecar.raft.FatalHandler;
import io.ratissidecar.sidecar.raft.Member;
import io.ratissidecar.sidecar.raft.Replication;
import io.ratissidecar.sidecar.redis.LocalRedis;
import io.ratissidecar.sidecar.resp.ClientServer;
import io.ratissidecar.sidecar.resp.FrontLoop;
import io.ratissidecar.sidecar.resp.LeaderErrors;
import io.ratissidecar.sidecar.resp.RespEndpoint;
import io.ratissidecar.sidecar.session.FormerLeader;
import io.ratissidecar.sidecar.session.Services;
import io.ratissidecar.sidecar.session.Session;
import io.ratissidecar.sidecar.session.SessionRegistry;
import io.ratissidecar.sidecar.snapshot.Snapshots;
import io.ratissidecar.snapshot.SnapshotStore;
import io.ratissidecar.statemachine.command.CommandTable;
import io.ratissidecar.statemachine.resp.Request;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** One node: the parts, wired, started and stopped in order. */
public final class Sidecar implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(Sidecar.class);

  /** The version of this software. */
  public static final String VERSION = "0.1.0";

  private static final Duration REDIS_START = Duration.ofSeconds(60);
  private static final long TICK_MILLIS = 50;
  private static final long EXPIRY_MILLIS = 100;
  private static final long DIGEST_TICK_MILLIS = 1000;

  /** A Redis that has answered nothing for so long may be at work with a script. */
  private static final long SILENCE_NANOS = TimeUnit.MILLISECONDS.toNanos(100);

  /** So long it may take before nobody is answered, and nothing is taken, without asking it. */
  private static final long LATE_NANOS = TimeUnit.MILLISECONDS.toNanos(50);

  /** A Redis that says neither yes nor no keeps nobody for longer. */
  private static final long LONGEST_QUESTION_MILLIS = 1000;

  /** Service managers kill what takes long to stop, and the Redis would not have saved its data. */
  private static final long STOP_NANOS = TimeUnit.MILLISECONDS.toNanos(3500);

  /** When to go on, so that Redis has time left, though Raft has not ended. */
  private static final long LEAVE_NANOS = TimeUnit.MILLISECONDS.toNanos(2800);

  /** To hand over leadership and answer what is under way. */
  private static final long HAND_OVER_AND_DRAIN_NANOS = TimeUnit.SECONDS.toNanos(2);

  /** In Redis's words, which clients know. */
  private static final String LOADING = "LOADING Redis is loading the dataset in memory";

  private final SidecarConfig config;
  private final FatalHandler fatal;
  private final DirectoryLock lock;
  private final FrontLoop front = new FrontLoop();
  private final ExecutorService reader =
      Executors.newSingleThreadExecutor(work -> new Thread(work, "log-reader"));
  private final SessionRegistry sessions = new SessionRegistry();
  private final BlockedClients blocked;
  private final SnapshotStore store;
  private final LocalRedis redis;
  private final Membership membership;
  private final Snapshots snapshots;
  private final Digests digests;
  private final MemoryQuota quota;
  private final FormerLeader formerLeader;
  private final LeaderNews news;
  private final AdminCommands admin;
  private final RaftInfo info;
  private final Node node = new Node();
  private final ClientServer clients;
  private CommandTable commands;
  private String redisVersion = "";
  private DeadlineIndex deadlines;
  private volatile Expirer expirer;

  /**
   * @param fatal ends the process
   * @throws IOException when the directory is in use
   */
  public Sidecar(SidecarConfig config, FatalHandler fatal) throws IOException {
    this.config = config;
    this.fatal = fatal;
    this.lock = take(config.dir());
    this.store = SnapshotStore.open(config.dir().resolve("snapshots"));
    this.redis = new LocalRedis(config, store, front, fatal);
    this.membership = new Membership(config, front, node, fatal);
    this.blocked =
        new BlockedClients(
            front,
            redis::endpoint,
            membership::replication,
            () -> expirer,
            () -> commands,
            () -> !redis.isAtLeast(7, 2));
    this.formerLeader = new FormerLeader(config, front, sessions);
    this.news =
        new LeaderNews(
            membership, config.sentinelMasterName(), formerLeader::promoted, formerLeader::demoted);
    this.quota = new MemoryQuota(config.maxMemory(), membership::replication);
    this.snapshots =
        new Snapshots(
            config,
            store,
            redis,
            front.loop(),
            membership::replication,
            membership::restartReplication);

    this.digests =
        new Digests(
            front,
            config.digestInterval(),
            config.digestRepair(),
            () -> commands.reservedDatabase(),
            snapshots,
            membership);
    this.admin =
        new AdminCommands(
            membership,
            snapshots,
            digests,
            redis,
            front,
            () -> commands.reservedDatabase(),
            config,
            node::failureText);
    this.info = new RaftInfo(membership, snapshots, digests, sessions, VERSION);
    this.clients = new ClientServer(front, config, client -> new Session(client, node));
  }

  private static DirectoryLock take(Path dir) throws IOException {
    Files.createDirectories(dir);
    return DirectoryLock.tryAcquire(dir)
        .orElseThrow(() -> new IOException("another sidecar is running with the directory " + dir));
  }

  /** Starts; returns when clients can connect. */
  public void start() throws IOException, InterruptedException {
    FreePort.require("clients", config.bind(), config.port());
    redis.start();
    commands = redis.awaitCommands(REDIS_START);
    redisVersion = redis.version();
    deadlines = DeadlineIndex.create(config.dir().resolve("deadlines"));
    membership.start();
    snapshots.start();
    clients.start();
    front
        .loop()
        .scheduleWithFixedDelay(membership::tick, TICK_MILLIS, TICK_MILLIS, TimeUnit.MILLISECONDS);
    front
        .loop()
        .scheduleWithFixedDelay(blocked::tick, TICK_MILLIS, TICK_MILLIS, TimeUnit.MILLISECONDS);
    front
        .loop()
        .scheduleWithFixedDelay(this::expire, EXPIRY_MILLIS, EXPIRY_MILLIS, TimeUnit.MILLISECONDS);
    front
        .loop()
        .scheduleWithFixedDelay(
            digests::tick, DIGEST_TICK_MILLIS, DIGEST_TICK_MILLIS, TimeUnit.MILLISECONDS);
    LOG.info(
        "Node {} takes clients at {}, its Redis is at {}",
        membership.nodeId() == 0 ? "(in no cluster)" : membership.nodeId(),
        config.clientAddress(),
        redis.describe());
  }

  private boolean isSilentFor(long nanos) {
    return membership.replication().map(r -> r.applier().silenceNanos() > nanos).orElse(false);
  }

  private boolean isVoidUnderWay() {
    return membership.replication().map(r -> r.applier().isVoidUnderWay()).orElse(false);
  }

  private void expire() {
    quota.tick();
    news.tick();
    if (isSilentFor(SILENCE_NANOS) || redis.busy().isPresent()) {
      redis.look();
    }
    if (redis.busy().isPresent() && isVoidUnderWay()) {
      redis.endScript(); // told once before, but perhaps before Redis had begun with it
    }
    if (membership.replication().isPresent()) {
      expirer.tick();
    } else if (expirer != null) {
      expirer.wake();
    }
  }

  /**
   * Stops in order: no new clients, the commands under way are answered, leadership is handed over,
   * files and Redis are closed.
   */
  @Override
  public void close() throws IOException {
    long start = System.nanoTime();
    clients.stop();
    front.loop().execute(blocked::endAll);
    GracefulStop stop = new GracefulStop(front, membership, sessions);
    stop.run(start + HAND_OVER_AND_DRAIN_NANOS);
    snapshots.close();
    digests.close();
    stop.leave(start + LEAVE_NANOS);
    redis.close(start + STOP_NANOS);
    front.close();
    if (deadlines != null && front.loop().isTerminated()) { // else it may be in use still
      deadlines.close();
    }
    reader.shutdown();
    lock.close();
  }

  /** What the parts see of the node. */
  private final class Node implements Services, ClusterHost {
    /** The local Redis has not said in time how it is: it is not asked again until it has. */
    private boolean unanswered;

    @Override
    public SidecarConfig config() {
      return config;
    }

    @Override
    public FrontLoop front() {
      return front;
    }

    @Override
    public CommandTable commands() {
      return commands;
    }

    @Override
    public SessionRegistry sessions() {
      return sessions;
    }

    @Override
    public RespEndpoint localRedis() {
      return redis.endpoint();
    }

    @Override
    public Optional<Replication> replication() {
      return membership.replication();
    }

    @Override
    public Expirer expirer() {
      return expirer;
    }

    @Override
    public long clockMillis() {
      return membership
          .replication()
          .map(r -> r.raft().clock().millis())
          .orElseGet(System::currentTimeMillis);
    }

    @Override
    public Optional<String> refusal() {
      return membership.refusal();
    }

    @Override
    public Optional<String> dataRefusal() {
      return membership
          .removal()
          .or(
              () ->
                  redis.isLoading() || snapshots.isInstalling()
                      ? Optional.of(LOADING)
                      : Optional.empty());
    }

    @Override
    public Optional<String> busy() {
      return redis.busy();
    }

    @Override
    public boolean isRedisLate() {
      return !unanswered && isSilentFor(LATE_NANOS);
    }

    @Override
    public void whenBusyAsked(Runnable callback) {
      CompletableFuture<Void> answered = new CompletableFuture<>();
      redis.whenLooked(() -> answered.complete(null));
      CompletableFuture<Boolean> asked = answered.thenApply(done -> true);
      var patience =
          front
              .loop()
              .schedule(
                  () -> asked.complete(false), LONGEST_QUESTION_MILLIS, TimeUnit.MILLISECONDS);
      asked.thenAcceptAsync(
          inTime -> {
            patience.cancel(false);
            if (!inTime) {
              unanswered = true;
              answered.thenRunAsync(() -> unanswered = false, front.loop());
            }
            callback.run();
          },
          front.loop());
    }

    @Override
    public void redisSetting(String name, long value) {
      if (name.equals(LocalRedis.STREAM_NODE_ENTRIES)) {
        redis.streamNodeEntries(value);
      }
    }

    @Override
    public MemoryQuota quota() {
      return quota;
    }

    @Override
    public BlockedClients blocked() {
      return blocked;
    }

    @Override
    public FormerLeader formerLeader() {
      return formerLeader;
    }

    @Override
    public Optional<Member> remoteLeader() {
      return membership
          .replication()
          .flatMap(r -> r.raft().group().leader())
          .filter(leader -> leader.id() != membership.nodeId());
    }

    @Override
    public String failureText(Failure failure) {
      return switch (failure) {
        case NOT_LEADER ->
            remoteLeader()
                .map(leader -> LeaderErrors.moved(leader.clientAddress()))
                .orElse(LeaderErrors.NO_LEADER);
        case NO_QUORUM_FOR_READ -> "TIMEOUT no quorum for read";
        case REDIS_LOST -> "CLUSTERDOWN The leader's Redis is not available at the moment";
        case OUTCOME_UNKNOWN -> "TIMEOUT no result yet; the command may or may not take effect";
        case REPLY_LOST -> "TIMEOUT the command took effect, but its reply was lost";
      };
    }

    @Override
    public void administer(Request request, Session session, Consumer<Consumer<ByteBuf>> reply) {
      admin.run(request, session, reply);
    }

    @Override
    public String redisVersion() {
      return redisVersion;
    }

    @Override
    public boolean isLeader() {
      return membership.replication().map(r -> r.raft().group().isLeaderReady()).orElse(true);
    }

    @Override
    public String infoRaft() {
      return info.text();
    }

    @Override
    public long nanoTime() {
      return System.nanoTime();
    }

    @Override
    public Replication createReplication(ClusterIdentity identity) {
      Replication replication = replication(identity);
      Expirer watching =
          new Expirer(
              commands,
              deadlines,
              new ReplicatedExpiryLog(replication),
              config.responseTimeout().toNanos(),
              System::nanoTime,
              fatal);
      replication.scripts().streamNodeEntries(redis::streamNodeEntries);
      replication.scripts().outOfMemory(quota::isExceeded);
      replication.applier().watch(watching);
      replication.applier().watch(digests.watch(replication));
      watching.whenSwapped(blocked::databasesSwapped);
      Expirer former = expirer;
      expirer = watching;
      if (former != null) {
        front.loop().execute(former::wake); // nobody ticks it any more
      }
      return replication;
    }

    private Replication replication(ClusterIdentity identity) {
      return new Replication(
          config,
          identity,
          store,
          front.loop(),
          reader,
          System::nanoTime,
          membership::askTerm,
          new Replication.Listener() {
            @Override
            public void onLeaderChanged() {
              membership
                  .replication()
                  .flatMap(r -> r.raft().group().leader())
                  .ifPresent(leader -> LOG.info("Node {} leads", leader.id()));
            }

            @Override
            public void onSnapshotNeeded(Replication replication, long firstAvailable) {
              snapshots.install(replication, firstAvailable);
            }

            @Override
            public void onClosed() {
              membership.raftClosed();
            }
          },
          fatal);
    }

    @Override
    public void followed(Replication replication) {
      redis.follow(replication);
    }

    @Override
    public boolean redisIsEmpty() {
      return redis.isEmpty();
    }

    @Override
    public void seed(Path rdb, ClusterIdentity identity, Member self) throws IOException {
      snapshots.seed(rdb, reservedDatabase(), identity, self);
    }

    @Override
    public void deleteSeeds() throws IOException {
      store.deleteSeeds();
    }

    @Override
    public int reservedDatabase() {
      return commands.reservedDatabase();
    }

    @Override
    public String redisAddress() {
      return redis.describe();
    }

    @Override
    public String redisState() {
      return redis.state();
    }

    @Override
    public SnapshotState snapshotState() {
      return snapshots.report().state(Instant.now());
    }

    @Override
    public String digestState() {
      return digests.state();
    }
  }
}
