package io.ratissidecar.sidecar.raft;

import io.ratissidecar.statemachine.apply.CommandApplier;
import io.ratissidecar.statemachine.entry.VoidedCommand;
import java.util.List;
import java.util.Set;
import java.util.concurrent.Executor;
import java.util.concurrent.atomic.AtomicInteger;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What the {@link Applier} has to know of void commands: which are, and which may be in a moment. A
 * leader that proposes to declare commands void holds them: until the log has decided nobody hears
 * of what they have done, and no other Redis gets them. See docs/adr/0018.
 *
 * <p>Confined to the front loop, but for {@link #announce}, {@link #known} and {@link #isSpoilt}.
 */
final class ScriptVoiding {
  private static final Logger LOG = LoggerFactory.getLogger(ScriptVoiding.class);

  private record Held(List<VoidedCommand> scripts, Batch batch) {}

  private final Executor loop;
  private final Runnable onReleased;
  private final VoidedCommands declared = new VoidedCommands();
  private final AtomicInteger announced = new AtomicInteger();
  private CommandApplier redis;

  /** Index that Redis was at when it came. */
  private long readyAt;

  /** What is being declared void; null for nothing. */
  private Held held;

  /**
   * @param onReleased called when entries may be sent again
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
    if (holds(appliedIndex)) {
      redis.voided(held.scripts()); // what they have done must not be seen before it is decided
    }
  }

  void redisLost() {
    redis = null;
  }

  /**
   * The entry at the index declares commands void. Called before it is known to be committed, by
   * Ratis's apply thread: nothing is sent from then on until it was looked after.
   */
  void announce(long at, List<VoidedCommand> commands) {
    announced.incrementAndGet();
    loop.execute(
        () -> {
          announced.decrementAndGet();
          declare(at, commands);
          onReleased.run();
        });
  }

  /**
   * As {@link #announce}, of an entry that everything behind it was seen of. Before Redis comes.
   */
  void known(long at, List<VoidedCommand> commands) {
    commands.forEach(command -> declared.add(at, command));
  }

  /**
   * True while nothing may be sent to Redis: what was declared void was not looked after yet, or is
   * still under way there. So Redis's marker comes to the entry that says so only without it.
   */
  boolean holdsAll() {
    return announced.get() > 0 || (redis != null && redis.hasVoidedUnderWay());
  }

  private void declare(long at, List<VoidedCommand> commands) {
    List<VoidedCommand> added = commands.stream().filter(c -> declared.add(at, c)).toList();
    if (!added.isEmpty()) {
      LOG.warn("Entry {} declares commands void: {}", at, added);
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
    if (held != null || (redis != null && !redis.hold(scripts))) {
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
