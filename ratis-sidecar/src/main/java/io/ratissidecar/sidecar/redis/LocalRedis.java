package io.ratissidecar.sidecar.redis;

import io.lettuce.core.RedisBusyException;
import io.lettuce.core.RedisException;
import io.ratissidecar.sidecar.config.RedisTarget;
import io.ratissidecar.sidecar.config.SidecarConfig;
import io.ratissidecar.sidecar.raft.DeadlyEntry;
import io.ratissidecar.sidecar.raft.FatalHandler;
import io.ratissidecar.sidecar.raft.Replication;
import io.ratissidecar.sidecar.resp.FrontLoop;
import io.ratissidecar.sidecar.resp.RespEndpoint;
import io.ratissidecar.snapshot.SnapshotStore;
import io.ratissidecar.statemachine.command.CommandTable;
import io.ratissidecar.statemachine.command.ModuleCommandException;
import io.ratissidecar.statemachine.script.ScriptCommands;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.time.Duration;
import java.util.Optional;
import java.util.Set;
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
public final class LocalRedis {
  private static final Logger LOG = LoggerFactory.getLogger(LocalRedis.class);

  /** The setting of Redis that {@link #streamNodeEntries()} is. */
  public static final String STREAM_NODE_ENTRIES = "stream-node-max-entries";

  private static final Duration CONTROL_TIMEOUT = Duration.ofSeconds(30);

  /**
   * At least so long a Redis has to answer when the node stops; one that has not by the deadline
   * hangs, and is killed.
   */
  private static final Duration LAST_WORD = Duration.ofMillis(700);

  private static final long END_MILLIS = 300;
  private static final long RETRY_MILLIS = 50;
  private static final long HEALTH_CHECK_MILLIS = 1000;
  private static final long START_PATIENCE_NANOS = TimeUnit.SECONDS.toNanos(10);

  private final SnapshotStore snapshots;
  private final FatalHandler fatal;
  private final ManagedRedis managed;
  private final RespEndpoint endpoint;
  private final ControlClient client;
  private final Set<String> moduleCommands;
  private final RedisConnector connector;
  private final ReloadMark reload;

  /** Whether this node had a log when it started. */
  private final boolean hasLog;

  private final ApplyLink link;
  private final Backoff betweenStarts = new Backoff(1, 5_000);
  private final Backoff afterRefusal = new Backoff(100, 10_000);
  private final CompletableFuture<CommandTable> commands = new CompletableFuture<>();
  private final Thread thread = new Thread(this::run, "redis-control");
  private final Semaphore wake = new Semaphore(0);
  private volatile boolean stopping;
  private volatile boolean connected;
  private volatile String version = "";
  private volatile long streamNodeEntries = ScriptCommands.STREAM_NODE_ENTRIES;
  private volatile Replication replication;
  private final AtomicBoolean linkLost = new AtomicBoolean();
  private volatile String lastProblem = "";

  private final ScriptWatch scripts;

  /**
   * @param snapshots what its data may be loaded from
   */
  public LocalRedis(
      SidecarConfig config, SnapshotStore snapshots, FrontLoop front, FatalHandler fatal) {
    this.snapshots = snapshots;
    this.fatal = fatal;
    this.managed = config.redis() instanceof RedisTarget.Managed ? new ManagedRedis(config) : null;
    this.endpoint = endpoint(config.redis());
    this.client = new ControlClient(endpoint);
    this.moduleCommands = config.replicatedModuleCommands();
    this.connector = new RedisConnector(front, endpoint);
    this.reload = new ReloadMark(config.dir());
    this.scripts = new ScriptWatch(reload, managed);
    this.hasLog = Files.isDirectory(config.dir().resolve("log"));
    this.link =
        new ApplyLink(
            front,
            connector,
            reload,
            new SnapshotLoader(endpoint),
            fatal,
            this::lookAfterLink,
            this::endScript);
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
    if (scripts.busy().isPresent()) {
      return "busy with a script; SCRIPT KILL or FUNCTION KILL at the leader ends it";
    }
    Optional<DeadlyEntry.Found> deadly = deadlyEntry();
    if (deadly.isPresent()) {
      return "down: it has ended "
          + deadly.get().deaths()
          + " times with entry "
          + deadly.get().index()
          + " of the log; SCRIPT KILL at the leader (behind RAFT in explicit mode) leaves out what that does";
    }
    return connected ? "up " + version : "down" + (lastProblem.isEmpty() ? "" : ": " + lastProblem);
  }

  private Optional<DeadlyEntry.Found> deadlyEntry() {
    Replication log = replication;
    return log == null ? Optional.empty() : log.applier().deadlyEntry();
  }

  /** False while it is known to lack something, or is being loaded. Any thread. */
  public boolean isSound() {
    return !reload.isSet() && !link.isLoading();
  }

  /** Redis's own words while it is at work with a script for long. Any thread. */
  public Optional<String> busy() {
    return scripts.busy();
  }

  /** Whether it has answered when it was asked last. Any thread. */
  public boolean isConnected() {
    return connected;
  }

  /** Asks Redis soon whether it is busy. Any thread. */
  public void look() {
    wake.release();
  }

  /**
   * Runs the callback, on the thread that looks after Redis, once it was asked whether it is busy
   * after this call: what {@link #busy} tells may be of a moment ago. Any thread.
   */
  public void whenLooked(Runnable callback) {
    scripts.whenLooked(callback);
    look();
  }

  /**
   * Ends the script that Redis is at work with. Where that has written, only the end of Redis is
   * its end, and the data is loaded anew. Any thread.
   */
  public void endScript() {
    scripts.wantEnd();
    wake.release();
  }

  /**
   * What it holds is wrong: the next log that it follows loads it anew. Any thread.
   *
   * @throws IOException when that can't be noted
   */
  public void distrust() throws IOException {
    reload.set();
  }

  /** True while its data is replaced by a snapshot's. Any thread. */
  public boolean isLoading() {
    return link.isLoading();
  }

  /** From now on its data follows the log. Any thread. */
  public void follow(Replication log) {
    replication = log;
    lookAfterLink();
  }

  private void lookAfterLink() {
    linkLost.set(true);
    wake.release();
  }

  /** Version of the Redis that was reached last; empty before. */
  public String version() {
    return version;
  }

  /** Whether the Redis that was reached last is not older; true before. Any thread. */
  public boolean isAtLeast(int major, int minor) {
    return version.isEmpty() || RedisRequirements.atLeast(version, major, minor);
  }

  /** How many entries of a stream it keeps together; at least 1. Any thread. */
  public long streamNodeEntries() {
    return streamNodeEntries;
  }

  /**
   * Its {@link #STREAM_NODE_ENTRIES} was set. Any thread.
   *
   * @param entries 0 for as many as go into a node's bytes
   */
  public void streamNodeEntries(long entries) {
    streamNodeEntries = entries > 0 ? entries : ScriptCommands.STREAM_NODE_ENTRIES;
  }

  /**
   * Connects as a replica would, to take an RDB. Blocks.
   *
   * @param patience how long a child of Redis's may be at work, without whose end it can't fork
   * @throws IOException also when the child is still at work then
   */
  public RdbSource openRdbSource(Duration patience) throws IOException, InterruptedException {
    boolean streamed;
    try (RedisControl control = client.connect(CONTROL_TIMEOUT)) {
      if (!isSound()) {
        throw new IOException("the local Redis is still being brought to the log");
      }
      awaitNoChild(control, patience);
      streamed = control.streamsRdbAtOnce();
    } catch (RedisException e) {
      throw new IOException(RedisWords.of(e), e);
    }
    return RdbSource.connect(endpoint, streamed);
  }

  /** Redis takes notice up to 100 ms later that a child has ended, as that of the last RDB. */
  private static void awaitNoChild(RedisControl control, Duration patience)
      throws IOException, InterruptedException {
    long deadline = System.nanoTime() + patience.toNanos();
    while (control.hasChild()) {
      if (System.nanoTime() > deadline) {
        throw new IOException("the local Redis is busy writing a file of its own");
      }
      Thread.sleep(RETRY_MILLIS);
    }
  }

  /** The newest version of the RDB format that it can load; once it is started. Blocks. */
  public int rdbVersion() throws IOException {
    try (RedisControl control = client.connect(CONTROL_TIMEOUT)) {
      return control.rdbVersion(commands.join().reservedDatabase());
    } catch (RedisException e) {
      throw new IOException(RedisWords.of(e), e);
    }
  }

  /** True when Redis holds no key; blocks. */
  public boolean isEmpty() {
    try (RedisControl control = client.connect(CONTROL_TIMEOUT)) {
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
        pause(HEALTH_CHECK_MILLIS);
      } catch (RedisBusyException e) {
        busyAtConnect(e.getMessage());
      } catch (RedisException e) {
        Optional<String> refusal = RedisWords.refusal(e);
        if (refusal.isPresent() && !commands.isDone()) {
          fatal.stop(
              "the local Redis at " + describe() + " refuses this node: " + refusal.get(), null);
          return;
        }
        problem(refusal.orElseGet(() -> RedisWords.of(e)));
      } catch (IOException e) {
        problem(String.valueOf(e.getMessage()));
      } catch (InterruptedException e) {
        return;
      } catch (RuntimeException e) {
        fatal.stop("internal error while looking after the local Redis", e);
        return;
      }
      connected = false;
      scripts.nobodyToAsk();
      pause(RETRY_MILLIS);
    }
  }

  private CommandTable table(int databases) throws IOException, InterruptedException {
    try {
      return CommandTable.of(connector.ask("COMMAND"), databases, moduleCommands);
    } catch (ModuleCommandException e) {
      throw new UnfitRedisException(
          "the local Redis at " + describe() + " can't be used: " + e.getMessage());
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
      link.doubt(control);
      if (reload.isSet()) {
        control.replicaOfNoOne(); // it may have been left in the middle of loading a snapshot
      }
      int databases = RedisRequirements.check(control);
      version = control.info("server").getOrDefault("redis_version", "?");
      control.setting(STREAM_NODE_ENTRIES).map(Long::valueOf).ifPresent(this::streamNodeEntries);
      if (!commands.isDone()) {
        commands.complete(table(databases));
      }
      lastProblem = "";
      if (deadlyEntry().isEmpty()) { // or it would be started, and end, many times a second
        betweenStarts.reset();
      }
      connected = true;
      if (replication != null && !link.isOpen()) {
        linkLost.set(true); // an attempt to attach was cut short
      }
      while (!stopping && control.isOpen()) {
        Replication log = nextToFollow();
        if (log != null) {
          follow(control, log, databases);
        }
        if (scripts.takeWantedEnd()) {
          scripts.end(control);
        }
        scripts.look(control, link::isOpen);
      }
    } finally {
      scripts.forget();
    }
  }

  /**
   * A connection for control could be made but not used. As long as entries are applied on theirs,
   * the script may be the log's, and is ended only if that is wanted. Else whatever runs is in the
   * way; what this Redis has been sent before is executed behind it, so that its marker is not to
   * be believed.
   */
  private void busyAtConnect(String problem) {
    scripts.busyAtConnect(problem);
    boolean applying = link.isOpen();
    if (applying && !scripts.takeWantedEnd()) {
      return;
    }
    problem(problem);
    if (!applying && !isOurs()) {
      return; // nothing of a Redis is touched that may hold data of others
    }
    try (RedisControl control = client.connect(CONTROL_TIMEOUT)) {
      if (!applying) {
        reload.set();
      }
      scripts.end(control);
    } catch (IOException | RedisException e) {
      problem(String.valueOf(e.getMessage()));
    }
  }

  /** True when this node has started it, or has followed a log with it. */
  private boolean isOurs() {
    return managed != null || hasLog;
  }

  private void follow(RedisControl control, Replication log, int databases)
      throws IOException, InterruptedException {
    if (link.takeRefused()) {
      Thread.sleep(afterRefusal.next());
    } else {
      afterRefusal.reset();
    }
    // Settings may have been changed since the connection was made.
    if (RedisRequirements.check(control) != databases) {
      throw new IOException("its number of databases has changed");
    }
    try {
      link.attach(control, new ReplicatedLog(log, snapshots), databases - 1);
    } catch (UncheckedIOException e) {
      if (!log.isClosed()) {
        throw e;
      }
    }
  }

  /** Waits until there is something to do, a second at the most. */
  private Replication nextToFollow() throws InterruptedException {
    if (!linkLost.get() && wake.tryAcquire(HEALTH_CHECK_MILLIS, TimeUnit.MILLISECONDS)) {
      wake.drainPermits();
    }
    Replication log = linkLost.getAndSet(false) ? replication : null;
    return log == null || log.isClosed() ? null : log;
  }

  private RedisControl connect() throws IOException, InterruptedException {
    if (managed == null) {
      return client.connect(CONTROL_TIMEOUT);
    }
    // One that was left running by an earlier sidecar answers at once.
    long deadline = System.nanoTime() + START_PATIENCE_NANOS;
    while (true) {
      if (managed.accepts()) {
        try {
          return client.connect(CONTROL_TIMEOUT);
        } catch (RedisException e) {
          lastProblem = RedisWords.of(e);
          if (stopping) {
            throw e;
          }
          if (System.nanoTime() > deadline && !RedisWords.isLoading(e)) {
            problem("it accepts connections but does not answer, and is started anew");
            managed.kill();
            throw e;
          }
        }
      } else if (!managed.isAlive()) {
        if (System.nanoTime() > deadline) {
          throw new IOException("it does not stay up; its last words: " + managed.lastWords());
        }
        if (!commands.isDone() && managed.foundPortInUse()) {
          throw new UnfitRedisException(
              "the managed Redis can't start: its port is in use by another process ("
                  + describe()
                  + "). Stop that process, or choose another 'redis-port'");
        }
        pause(betweenStarts.next());
        managed.start();
      }
      pause(RETRY_MILLIS);
      if (stopping) {
        throw new IOException("stopping");
      }
    }
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

  /**
   * Ends the thread; a managed Redis saves its data, with its marker, and exits.
   *
   * @param deadlineNanos when not to wait for Redis any longer
   */
  public void close(long deadlineNanos) {
    stopping = true;
    wake.release();
    thread.interrupt();
    link.close();
    if (managed != null) {
      saveAndStop(deadlineNanos);
    }
    client.close();
  }

  private static Duration patience(long deadlineNanos) {
    long left = deadlineNanos - System.nanoTime();
    return Duration.ofNanos(Math.max(LAST_WORD.toNanos(), left));
  }

  private void saveAndStop(long deadlineNanos) {
    try {
      thread.join(END_MILLIS);
      if (!managed.accepts()) {
        managed.kill(); // it has come to nothing yet, or is not running at all
        return;
      }
      Duration patience = patience(deadlineNanos);
      try (RedisControl control = client.connect(patience, patience)) {
        control.fenceApplyConnections();
        control.shutdown(!reload.isSet()); // data that lacks a command is not worth keeping
      }
      managed.awaitExit(patience(deadlineNanos).toMillis());
    } catch (RedisException e) {
      LOG.warn("The managed Redis could not be asked to save its data: {}", RedisWords.of(e));
      managed.kill();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
