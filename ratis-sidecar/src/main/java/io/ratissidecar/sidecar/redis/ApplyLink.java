package io.ratissidecar.sidecar.redis;

import io.ratissidecar.sidecar.raft.Applier;
import io.ratissidecar.sidecar.raft.FatalHandler;
import io.ratissidecar.sidecar.resp.FrontLoop;
import io.ratissidecar.sidecar.resp.RespConnection;
import io.ratissidecar.snapshot.InvalidSnapshotException;
import io.ratissidecar.snapshot.RecoveryPlan;
import io.ratissidecar.snapshot.RecoveryPlanner;
import io.ratissidecar.snapshot.Snapshot;
import io.ratissidecar.statemachine.apply.AppliedMarker;
import io.ratissidecar.statemachine.apply.CommandApplier;
import io.ratissidecar.statemachine.apply.MissedCommand;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.LinkedHashSet;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.concurrent.atomic.AtomicBoolean;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The connection on which entries are applied: brings the data of the local Redis to the log, then
 * hands a fresh connection to the {@link Applier}.
 *
 * <p>{@link #attach} is the control thread's; the rest may be called on any thread.
 */
final class ApplyLink {
  private static final Logger LOG = LoggerFactory.getLogger(ApplyLink.class);

  private static final int MOST_MISSED = 1000;

  private final FrontLoop front;
  private final RedisConnector connector;
  private final FatalHandler fatal;
  private final Runnable onLost;
  private final Runnable onScriptVoided;
  private final ReloadMark reload;
  private final SnapshotLoader loader;
  private final AtomicBoolean refused = new AtomicBoolean();
  private volatile RespConnection connection;
  private volatile boolean loading;

  /** What ended connections before for a reason of Redis's, the latest last; the front loop's. */
  private final Set<MissedCommand> missed = new LinkedHashSet<>();

  /** The log that was attached last; the control thread's. */
  private FollowedLog followed;

  /** Number of the latest attempt; older connections are of no concern any more. */
  private volatile int attempt;

  /**
   * @param onLost called on the front loop when the connection ends; time to attach again
   * @param onScriptVoided called on the front loop when Redis has to end the script that it is at
   *     work with
   */
  ApplyLink(
      FrontLoop front,
      RedisConnector connector,
      ReloadMark reload,
      SnapshotLoader loader,
      FatalHandler fatal,
      Runnable onLost,
      Runnable onScriptVoided) {
    this.onScriptVoided = onScriptVoided;
    this.reload = reload;
    this.loader = loader;
    this.front = front;
    this.connector = connector;
    this.fatal = fatal;
    this.onLost = onLost;
  }

  boolean isOpen() {
    RespConnection current = connection;
    return current != null && current.isOpen();
  }

  /** True once after Redis missed a command, or took no snapshot: time to wait. */
  boolean takeRefused() {
    return refused.getAndSet(false);
  }

  /** Before what Redis holds is believed: another run of it may have begun with an old file. */
  void doubt(RedisControl control) throws IOException {
    if (reload.doubts(control.runId())) {
      reload.set();
    }
  }

  /**
   * Makes Redis's data and the log agree, and goes on applying.
   *
   * @return false when the node has to stop
   */
  boolean attach(RedisControl control, FollowedLog log, int reservedDatabase)
      throws IOException, InterruptedException {
    attempt++; // on this thread alone
    close();
    FollowedLog former = followed;
    followed = log;
    front
        .loop()
        .execute(
            () -> {
              if (former != null && !former.equals(log)) {
                former.redisLost(); // one that was closed must not take Redis for its own
              }
              log.redisLost();
            });
    control.fenceApplyConnections();
    RecoveryPlanner.LogRange range = log.range();
    Optional<AppliedMarker> marker = control.marker(reservedDatabase);
    RecoveryPlan plan =
        RecoveryPlanner.plan(
            marker, control.isEmpty(), reload.isSet(), range, index -> termAt(log, index));
    if (log.isClosed()) {
      return true; // the next one is about to come
    }
    if (plan instanceof RecoveryPlan.Refuse refuse) {
      fatal.stop(refuse.reason(), null);
      return false;
    }
    if (plan instanceof RecoveryPlan.Reload load) {
      OptionalLong index = reload(load, log, control, reservedDatabase);
      if (index.isEmpty()) {
        return false;
      }
      control.loadScripts(reservedDatabase);
      open(log, range.clusterId(), reservedDatabase, index.getAsLong());
    } else if (plan instanceof RecoveryPlan.Continue go) {
      LOG.info("The local Redis holds the state of entry {}", go.appliedIndex());
      control.loadScripts(reservedDatabase);
      open(log, range.clusterId(), reservedDatabase, go.appliedIndex());
    }
    return true;
  }

  /** Returns the entry whose state Redis then has; empty when the node has to stop. */
  private OptionalLong reload(
      RecoveryPlan.Reload load, FollowedLog log, RedisControl control, int reservedDatabase)
      throws IOException, InterruptedException {
    // What is half loaded must not be believed, whoever dies meanwhile.
    long mark = reload.set();
    loading = true;
    String damage = "";
    for (Snapshot snapshot : load.snapshots()) {
      long index = snapshot.manifest().index();
      try {
        LOG.info("Loading the snapshot of entry {}: {}", index, load.reason());
        loader.load(snapshot, control, reservedDatabase);
        believe(control, mark);
        return OptionalLong.of(index);
      } catch (InvalidSnapshotException e) {
        LOG.error("The snapshot of entry {} can't be loaded: {}", index, e.getMessage());
        damage = e.getMessage();
        log.damaged(snapshot);
      } catch (IOException | UnfitRedisException e) {
        refused.set(true); // time to wait before the next attempt
        throw e;
      }
    }
    if (!load.logIsWhole()) {
      fatal.stop(
          load.reason()
              + ", and no snapshot of this node is sound: "
              + damage
              + ". Remove this node and join it again under a new id",
          null);
      return OptionalLong.empty();
    }
    LOG.info("Loading the local Redis from the log: {}", load.reason());
    control.flushAll();
    believe(control, mark);
    return OptionalLong.of(0);
  }

  private void believe(RedisControl control, long mark) throws IOException {
    reload.clear(mark, control.hasOldFile() ? Optional.of(control.runId()) : Optional.empty());
  }

  private static long termAt(FollowedLog log, long index) {
    try {
      return log.termAt(index);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private void open(FollowedLog log, String clusterId, int reservedDatabase, long appliedIndex)
      throws IOException, InterruptedException {
    int number = attempt;
    connector.openNamed(
        RedisControl.APPLY_CONNECTION,
        opened -> {
          if (number != attempt) {
            opened.close(); // it came after its attempt was given up
            return;
          }
          connection = opened;
          opened(opened, number, log, clusterId, reservedDatabase, appliedIndex);
        });
  }

  private void opened(
      RespConnection opened,
      int number,
      FollowedLog log,
      String clusterId,
      int reservedDatabase,
      long appliedIndex) {
    opened.onClosed(
        c -> {
          if (number == attempt) {
            if (reload.isSet()) {
              log.redisLost(); // it was ended on purpose
            } else {
              log.redisDied();
            }
            onLost.run();
          }
        });
    CommandApplier.Listener listener =
        new CommandApplier.Listener() {
          @Override
          public void onApplied(long index) {
            if (number == attempt) {
              log.acknowledged(index);
            }
          }

          @Override
          public void onAnswer() {
            if (number == attempt) {
              log.answered();
            }
          }

          @Override
          public void onMissed(MissedCommand missed) {
            remember(missed);
            missed(missed.toString());
            opened.close();
          }

          @Override
          public void onScriptVoided() {
            onScriptVoided.run();
          }

          @Override
          public void onUnfit(long index, String error) {
            missed("entry " + index + ": " + error);
            opened.close();
            fatal.stop(
                "the local Redis can't take entry "
                    + index
                    + " of the log: "
                    + error
                    + ". It must know the same commands under the same names as the other nodes' (no rename-command, no"
                    + " older version) and have as many databases ('databases'). Mend its configuration, then start this"
                    + " node again: its data will be loaded anew",
                null);
          }
        };
    loading = false;
    log.redisReady(
        new CommandApplier(opened, reservedDatabase, clusterId, appliedIndex, missed, listener),
        appliedIndex);
  }

  /** As many as one reload meets, and no more than a few kilobytes. */
  private void remember(MissedCommand command) {
    missed.add(command);
    if (missed.size() > MOST_MISSED) {
      missed.remove(missed.iterator().next());
    }
  }

  /**
   * Before the connection is closed: a process that dies in between must know it at its next start.
   */
  private void missed(String what) {
    if (!reload.isSet()) {
      LOG.warn(
          "The local Redis did not do with a committed command what the other nodes' do, at {}. Its data will be loaded anew",
          what);
    }
    refused.set(true);
    try {
      reload.set();
    } catch (IOException e) {
      fatal.stop("can't note that the local Redis has to be loaded anew", e);
    }
  }

  /** True while a snapshot is loaded, or has to be: what Redis holds is nothing to show. */
  boolean isLoading() {
    return loading;
  }

  /** Ends the connection. */
  void close() {
    RespConnection current = connection;
    if (current != null) {
      front.loop().execute(current::close);
    }
  }
}
