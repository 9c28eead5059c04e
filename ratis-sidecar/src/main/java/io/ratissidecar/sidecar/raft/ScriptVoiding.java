package io.ratissidecar.sidecar.raft;

import io.ratissidecar.statemachine.apply.CommandApplier;
import io.ratissidecar.statemachine.entry.VoidedCommand;
import java.util.List;
import java.util.Set;
import java.util.concurrent.Executor;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What the {@link Applier} has to know of void commands: which are, and which may be in a moment. A
 * leader that proposes to declare scripts void holds them: until the log has decided nobody hears
 * of what they have done, and no other Redis gets them. See docs/adr/0018.
 *
 * <p>Confined to the front loop, but for {@link #isSpoilt}.
 */
final class ScriptVoiding {
  private static final Logger LOG = LoggerFactory.getLogger(ScriptVoiding.class);

  private record Held(List<VoidedCommand> scripts, Batch batch) {}

  private final Executor loop;
  private final Runnable onReleased;
  private final VoidedCommands declared = new VoidedCommands();
  private CommandApplier redis;

  /** Index that Redis was at when it came. */
  private long readyAt;

  /** What is being declared void; null for nothing. */
  private Held held;

  /**
   * @param onReleased called when nothing is held any more
   */
  ScriptVoiding(Executor loop, Runnable onReleased) {
    this.loop = loop;
    this.onReleased = onReleased;
  }

  /** Redis holds the state of an index. */
  void redisReady(CommandApplier newRedis, long appliedIndex) {
    redis = newRedis;
    readyAt = appliedIndex;
    redis.voided(declared.spoiling(appliedIndex));
  }

  void redisLost() {
    redis = null;
  }

  /** The entry at the index, which is committed, declares commands void. */
  void declare(long at, List<VoidedCommand> commands) {
    List<VoidedCommand> added = commands.stream().filter(c -> declared.add(at, c)).toList();
    if (!added.isEmpty()) {
      LOG.warn("Entry {} declares void what a script would have done: {}", at, added);
    }
    if (redis != null && readyAt < at) {
      redis.voided(added);
    }
    if (held != null && held.scripts().equals(commands)) {
      release();
    }
  }

  /** Places of commands in an entry that are left out. */
  Set<Integer> of(long index) {
    return declared.of(index);
  }

  /** Whether data of this index may have the effect of a command that is void. Any thread. */
  boolean isSpoilt(long index) {
    return !declared.spoiling(index).isEmpty();
  }

  /** As {@link CommandApplier#scriptsUnderWay}. */
  List<VoidedCommand> underWay() {
    return redis == null ? List.of() : redis.scriptsUnderWay();
  }

  /**
   * A batch is about to be proposed that declares these void.
   *
   * @return false when it is too late, or others are being declared void
   */
  boolean hold(List<VoidedCommand> scripts, Batch batch) {
    if (held != null || redis == null || !redis.hold(scripts)) {
      return false;
    }
    held = new Held(scripts, batch);
    return true;
  }

  /** Whether an entry has to wait, in front of a Redis that did not get it yet. */
  boolean holds(long index) {
    return held != null && index >= held.scripts().get(0).index();
  }

  /** The batch that was to declare scripts void came to nothing, unless it is in the log. */
  void failed(Batch batch) {
    if (held != null && held.batch() == batch && batch.index() == 0) {
      release();
    }
  }

  /** The log is committed up to an index: the batch has got its place, or another entry has. */
  void committed(long index) {
    Held now = held;
    if (now != null && now.batch().index() > 0 && index >= now.batch().index()) {
      // Behind what declare() is told of entries up to there.
      loop.execute(
          () -> {
            if (now.equals(held)) {
              release();
            }
          });
    }
  }

  private void release() {
    held = null;
    if (redis != null) {
      redis.release();
    }
    onReleased.run();
  }
}
