package io.ratissidecar.sidecar.redis;

import io.lettuce.core.RedisException;
import io.lettuce.core.resource.ClientResources;
import io.lettuce.core.resource.DefaultClientResources;
import io.netty.buffer.ByteBuf;
import io.ratissidecar.sidecar.config.RedisTarget;
import io.ratissidecar.sidecar.config.SidecarConfig;
import io.ratissidecar.sidecar.raft.Applier;
import io.ratissidecar.sidecar.raft.FatalHandler;
import io.ratissidecar.sidecar.raft.RaftNode;
import io.ratissidecar.sidecar.raft.Replication;
import io.ratissidecar.sidecar.resp.FrontLoop;
import io.ratissidecar.sidecar.resp.RespConnection;
import io.ratissidecar.sidecar.resp.RespEndpoint;
import io.ratissidecar.snapshot.RecoveryPlan;
import io.ratissidecar.snapshot.RecoveryPlanner;
import io.ratissidecar.statemachine.apply.AppliedMarker;
import io.ratissidecar.statemachine.apply.CommandApplier;
import io.ratissidecar.statemachine.apply.IgnoredReplies;
import io.ratissidecar.statemachine.apply.ReplySink;
import io.ratissidecar.statemachine.command.CommandTable;
import io.ratissidecar.statemachine.entry.Entry;
import io.ratissidecar.statemachine.resp.RespValue;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicBoolean;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Keeps the local Redis connected to the log: starts it when it is managed, checks it, brings its
 * data to the log, opens the connection on which entries are applied, and does all that again
 * whenever it is lost.
 *
 * <p>A thread of its own, {@code redis-control}, does the waiting. Fields are volatile where others
 * read them.
 */
public final class LocalRedis implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(LocalRedis.class);
  private static final Duration CONTROL_TIMEOUT = Duration.ofSeconds(30);
  private static final long RETRY_MILLIS = 50;
  private static final long HEALTH_CHECK_MILLIS = 1000;
  private static final long START_PATIENCE_NANOS = TimeUnit.SECONDS.toNanos(10);

  private final FrontLoop front;
  private final FatalHandler fatal;
  private final ManagedRedis managed;
  private final RespEndpoint endpoint;
  private final ClientResources resources =
      DefaultClientResources.builder().ioThreadPoolSize(2).computationThreadPoolSize(2).build();
  private final CompletableFuture<CommandTable> commands = new CompletableFuture<>();
  private final Thread thread = new Thread(this::run, "redis-control");
  private final Semaphore wake = new Semaphore(0);
  private volatile boolean stopping;
  private volatile boolean connected;
  private volatile String version = "";
  private volatile boolean mustReload;
  private volatile RespConnection applyConnection;
  private volatile Replication replication;
  private final AtomicBoolean linkLost = new AtomicBoolean();
  private String lastProblem = "";

  public LocalRedis(SidecarConfig config, FrontLoop front, FatalHandler fatal) {
    this.front = front;
    this.fatal = fatal;
    this.managed = config.redis() instanceof RedisTarget.Managed ? new ManagedRedis(config) : null;
    this.endpoint = endpoint(config.redis());
  }

  private RespEndpoint endpoint(RedisTarget target) {
    if (target instanceof RedisTarget.Tcp t) {
      return new RespEndpoint(t.host(), t.port(), t.user(), t.password());
    }
    if (target instanceof RedisTarget.Unix u) {
      return new RespEndpoint(u.path(), 0, u.user(), u.password());
    }
    return managed.endpoint();
  }

  /** Starts to look after Redis. */
  public void start() {
    thread.start();
  }

  /** The command table, once Redis was reached for the first time. */
  public CommandTable awaitCommands(Duration timeout) throws IOException, InterruptedException {
    try {
      return commands.get(timeout.toMillis(), TimeUnit.MILLISECONDS);
    } catch (ExecutionException | TimeoutException e) {
      throw new IOException(
          "the local Redis at " + describe() + " can't be reached: " + lastProblem, e);
    }
  }

  /** Where clients' own commands go. */
  public RespEndpoint endpoint() {
    return endpoint;
  }

  /** Where a person can reach it. */
  public String describe() {
    return managed != null ? managed.describe() : endpoint.toString();
  }

  /** {@code up} with the version, or what is wrong, in a few words. */
  public String state() {
    return connected ? "up " + version : "down" + (lastProblem.isEmpty() ? "" : ": " + lastProblem);
  }

  /** From now on its data follows the log. Any thread. */
  public void follow(Replication log) {
    replication = log;
    linkLost.set(true);
    wake.release();
  }

  /** Version of the Redis that was reached last; empty before. */
  public String version() {
    return version;
  }

  /** True when Redis holds no key; blocks. */
  public boolean isEmpty() {
    try (RedisControl control = RedisControl.connect(resources, endpoint, CONTROL_TIMEOUT)) {
      return control.isEmpty();
    }
  }

  private void run() {
    while (!stopping) {
      try {
        session();
      } catch (UnfitRedisException e) {
        problem(e.getMessage());
        if (!commands.isDone() || managed == null) {
          fatal.stop(e.getMessage(), null);
          return;
        }
      } catch (RedisException | IOException e) {
        problem(String.valueOf(e.getMessage()));
      } catch (InterruptedException e) {
        return;
      } catch (RuntimeException e) {
        fatal.stop("internal error while looking after the local Redis", e);
        return;
      }
      connected = false;
      pause(RETRY_MILLIS);
    }
  }

  private void problem(String text) {
    if (!text.equals(lastProblem) && !stopping) {
      LOG.warn("The local Redis at {} is not usable: {}", describe(), text);
    }
    lastProblem = text;
  }

  /** One connection's life. */
  private void session() throws IOException, InterruptedException {
    try (RedisControl control = connect()) {
      int databases = RedisRequirements.check(control);
      version = control.info("server").getOrDefault("redis_version", "?");
      if (!commands.isDone()) {
        commands.complete(CommandTable.of(askForCommands(), databases));
      }
      lastProblem = "";
      connected = true;
      RespConnection apply = applyConnection;
      if (replication != null && (apply == null || !apply.isOpen())) {
        linkLost.set(true); // an attempt to attach was cut short
      }
      while (!stopping && control.isOpen()) {
        Replication log = nextToFollow();
        if (log != null && !attach(control, log, databases - 1)) {
          return;
        }
        control.ping();
      }
    }
  }

  /** Waits until there is something to do, a second at the most. */
  private Replication nextToFollow() throws InterruptedException {
    if (!linkLost.get() && wake.tryAcquire(HEALTH_CHECK_MILLIS, TimeUnit.MILLISECONDS)) {
      wake.drainPermits();
    }
    return linkLost.getAndSet(false) ? replication : null;
  }

  private RedisControl connect() throws IOException, InterruptedException {
    if (managed == null) {
      return RedisControl.connect(resources, endpoint, CONTROL_TIMEOUT);
    }
    // One that was left running by an earlier sidecar answers at once.
    long deadline = System.nanoTime() + START_PATIENCE_NANOS;
    while (true) {
      if (managed.accepts()) {
        try {
          return RedisControl.connect(resources, endpoint, CONTROL_TIMEOUT);
        } catch (RedisException e) {
          lastProblem = String.valueOf(e.getMessage());
          if (stopping) {
            throw e;
          }
          if (managed.isAlive() && System.nanoTime() > deadline && !isLoading(e)) {
            managed.kill();
            throw e;
          }
        }
      } else if (!managed.isAlive()) {
        if (System.nanoTime() > deadline) {
          throw new IOException("it does not stay up; its last words: " + managed.lastWords());
        }
        managed.start();
      }
      pause(RETRY_MILLIS);
      if (stopping) {
        throw new IOException("stopping");
      }
    }
  }

  private static boolean isLoading(Throwable e) {
    for (Throwable t = e; t != null; t = t.getCause()) {
      if (String.valueOf(t.getMessage()).contains("LOADING")) {
        return true;
      }
    }
    return false;
  }

  private RespValue askForCommands() throws IOException, InterruptedException {
    CompletableFuture<RespValue> reply = new CompletableFuture<>();
    openConnection(
        new RespConnection.OpenListener() {
          @Override
          public void onOpen(RespConnection connection) {
            connection.command(
                new ReplySink() {
                  @Override
                  public void onReply(ByteBuf frame) {
                    reply.complete(RespValue.parse(frame));
                    connection.close();
                  }

                  @Override
                  public void onLost() {
                    reply.completeExceptionally(new IOException("connection lost during COMMAND"));
                  }
                },
                "COMMAND");
          }

          @Override
          public void onFailed(Throwable cause) {
            reply.completeExceptionally(cause);
          }
        });
    return get(reply);
  }

  private void openConnection(RespConnection.OpenListener listener) {
    front.loop().execute(() -> RespConnection.open(front, endpoint, listener));
  }

  private static <T> T get(CompletableFuture<T> future) throws IOException, InterruptedException {
    try {
      return future.get(CONTROL_TIMEOUT.toMillis(), TimeUnit.MILLISECONDS);
    } catch (ExecutionException e) {
      throw new IOException(e.getCause().getMessage(), e.getCause());
    } catch (TimeoutException e) {
      throw new IOException("no answer within " + CONTROL_TIMEOUT.toSeconds() + " s", e);
    }
  }

  /** Brings the data to the log and opens the apply connection; false when the node has to stop. */
  private boolean attach(RedisControl control, Replication log, int reservedDatabase)
      throws IOException, InterruptedException {
    control.fenceApplyConnections();
    RaftNode raft = log.raft();
    Optional<AppliedMarker> marker = control.marker(reservedDatabase);
    RecoveryPlan plan =
        RecoveryPlanner.plan(
            marker,
            control.isEmpty(),
            mustReload,
            new RecoveryPlanner.LogRange(
                raft.identity().clusterId(),
                raft.payload().firstIndex(),
                raft.payload().lastIndex()),
            index -> termAt(raft, index));
    if (plan instanceof RecoveryPlan.Refuse refuse) {
      fatal.stop(refuse.reason(), null);
      return false;
    }
    if (plan instanceof RecoveryPlan.Reload reload) {
      LOG.info("Loading the local Redis from the log: {}", reload.reason());
      control.flushAll();
      mustReload = false;
      openApplyConnection(log, reservedDatabase, 0);
    } else if (plan instanceof RecoveryPlan.Continue go) {
      LOG.info("The local Redis holds the state of entry {}", go.appliedIndex());
      openApplyConnection(log, reservedDatabase, go.appliedIndex());
    }
    return true;
  }

  private static long termAt(RaftNode raft, long index) {
    try {
      Entry entry = raft.payload().read(index);
      return entry == null ? -1 : entry.term();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private void openApplyConnection(Replication log, int reservedDatabase, long appliedIndex)
      throws IOException, InterruptedException {
    CompletableFuture<RespConnection> opened = new CompletableFuture<>();
    openConnection(
        new RespConnection.OpenListener() {
          @Override
          public void onOpen(RespConnection connection) {
            connection.command(
                IgnoredReplies.INSTANCE, "CLIENT", "SETNAME", RedisControl.APPLY_CONNECTION);
            attached(connection, log, reservedDatabase, appliedIndex);
            opened.complete(connection);
          }

          @Override
          public void onFailed(Throwable cause) {
            opened.completeExceptionally(cause);
          }
        });
    applyConnection = get(opened);
  }

  private void attached(
      RespConnection connection, Replication log, int reservedDatabase, long appliedIndex) {
    Applier applier = log.applier();
    connection.onClosed(
        c -> {
          applier.redisLost();
          linkLost.set(true);
          wake.release();
        });
    applier.redisReady(
        new CommandApplier(
            connection,
            reservedDatabase,
            log.raft().identity().clusterId(),
            appliedIndex,
            new CommandApplier.Listener() {
              @Override
              public void onApplied(long index) {
                applier.acknowledged(index);
              }

              @Override
              public void onNodeLocalError(long index, String error) {
                LOG.error(
                    "The local Redis refused entry {} for a reason of its own: {}. Its data will be loaded anew",
                    index,
                    error);
                mustReload = true;
                connection.close();
              }
            }),
        appliedIndex);
  }

  private void pause(long millis) {
    try {
      if (!stopping) {
        wake.tryAcquire(millis, TimeUnit.MILLISECONDS);
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      stopping = true;
    }
  }

  /** Ends the thread; a managed Redis saves its data, with its marker, and exits. */
  @Override
  public void close() {
    stopping = true;
    wake.release();
    thread.interrupt();
    RespConnection connection = applyConnection;
    if (connection != null) {
      front.loop().execute(connection::close);
    }
    if (managed != null) {
      saveAndStop();
    }
    resources.shutdown(0, 500, TimeUnit.MILLISECONDS);
  }

  private void saveAndStop() {
    try {
      thread.join(1000);
      try (RedisControl control =
          RedisControl.connect(resources, endpoint, Duration.ofSeconds(2))) {
        control.fenceApplyConnections();
        control.shutdownAndSave();
      }
      managed.awaitExit(2500);
    } catch (RedisException e) {
      LOG.warn("The managed Redis could not be asked to save its data: {}", e.getMessage());
      managed.kill();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
