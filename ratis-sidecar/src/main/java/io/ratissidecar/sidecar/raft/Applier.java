package io.ratissidecar.sidecar.raft;

import io.netty.buffer.ByteBuf;
import io.ratissidecar.logstore.PayloadLog;
import io.ratissidecar.statemachine.apply.CommandApplier;
import io.ratissidecar.statemachine.apply.EntryReplies;
import io.ratissidecar.statemachine.apply.PayloadCommands;
import io.ratissidecar.statemachine.entry.Entry;
import io.ratissidecar.statemachine.entry.VoidedCommand;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.TreeSet;
import java.util.concurrent.Executor;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.LongSupplier;

/**
 * Brings committed entries to the local Redis. It pulls: Ratis only says how far the log is
 * committed, and entries are read from the log store as fast as Redis takes them. So nothing piles
 * up in memory, and starting again after Redis was lost is nothing but a smaller next index.
 *
 * <p>Confined to the front loop, but for {@link #committed} and {@link #gap}.
 */
public final class Applier {
  /** A node that is further behind than this does not count as serving. */
  private static final long SERVING_LAG_ENTRIES = 2000;

  /** How much is read from disk in one go when entries are not in memory any more. */
  private static final int READ_AHEAD_BYTES = 4 << 20;

  /** Entries sent in one turn of the loop, so that clients get their turn too. */
  private static final int ENTRIES_PER_TURN = 64;

  /** A Redis that has answered no command for longer than this does not count as serving. */
  private static final long SERVING_PATIENCE_NANOS = 1_000_000_000;

  /** Entries wait no longer than this for whoever holds them. */
  private static final long LONGEST_HOLD_NANOS = 5_000_000_000L;

  private final Executor loop;
  private final LongSupplier nanoClock;
  private final ExecutorService reader;
  private final FatalHandler fatal;
  private final AtomicBoolean pumpScheduled = new AtomicBoolean();
  private final PendingBatches batches;
  private final TreeSet<Long> gaps = new TreeSet<>();
  private final PendingReads reads;
  private final OwnReplies ownReplies;
  private final List<Entry> readAhead = new ArrayList<>();
  private final SendWindow window;
  private volatile long committed;
  private volatile long acknowledged;
  private volatile boolean stopped;
  private PayloadLog log;
  private volatile CommandApplier redis;
  private long handled;
  private boolean reading;

  /** What was committed when Redis came, and whether the last of it that was sent has a script. */
  private long replayedUpTo;

  private boolean scriptSent;
  private volatile long acknowledgedEntry;
  private boolean held;
  private long heldSinceNanos;
  private final List<EntryWatcher> watchers = new ArrayList<>();
  private Runnable onQuiet;
  private final ScriptVoiding voiding;
  private final DeadlyEntry deadly = new DeadlyEntry();

  Applier(Executor loop, ExecutorService reader, FatalHandler fatal, LongSupplier nanoClock) {
    this.loop = loop;
    this.nanoClock = nanoClock;
    this.reader = reader;
    this.fatal = fatal;
    this.voiding = new ScriptVoiding(loop, this::pump);
    this.batches = new PendingBatches(nanoClock);
    this.window = new SendWindow(nanoClock);
    this.reads = new PendingReads(nanoClock);
    this.ownReplies = new OwnReplies(nanoClock, () -> isServing() && !stopped);
  }

  /** The log to read entries from; before anything is committed. */
  void use(PayloadLog payloadLog) {
    this.log = payloadLog;
  }

  /** Shows what is sent, from the next connection to Redis on; before there is one. */
  public void watch(EntryWatcher entryWatcher) {
    watchers.add(entryWatcher);
  }

  /** Nothing more is sent or read from the log, which may be closed from now on. Any thread. */
  void stop() {
    stopped = true;
  }

  boolean isStopped() {
    return stopped;
  }

  /**
   * The entry at the index is committed, and all before it. Called in order by Ratis's apply
   * thread.
   */
  void committed(long index) {
    committed = index;
    schedulePump();
  }

  /**
   * Ratis uses this committed index itself; there is no payload. Called in order by Ratis's apply
   * thread.
   */
  void gap(long index) {
    loop.execute(() -> gaps.add(index));
    committed(index);
  }

  /**
   * The entry at the index, which is committed, declares commands void. Called before {@link
   * #committed}, by Ratis's apply thread.
   */
  void voided(long at, List<VoidedCommand> commands) {
    voiding.announce(at, commands);
  }

  /**
   * The entry at the index, which a snapshot holds, declares commands void. Before Redis is there.
   */
  void knownVoid(long at, List<VoidedCommand> commands) {
    voiding.known(at, commands);
  }

  /** Whether data of this index may have the effect of a command that is void. Any thread. */
  public boolean isSpoilt(long index) {
    return voiding.isSpoilt(index);
  }

  /** As {@link CommandApplier#scriptsUnderWay}. */
  public List<VoidedCommand> scriptsUnderWay() {
    return voiding.underWay();
  }

  /** Whether Redis has been sent a command that is void by now, and has not answered. */
  public boolean isVoidUnderWay() {
    return redis != null && redis.hasVoidedUnderWay();
  }

  /** As {@link ScriptVoiding#hold}. */
  boolean hold(List<VoidedCommand> scripts, Batch batch) {
    return voiding.hold(scripts, batch);
  }

  /** As {@link ScriptVoiding#failed}. */
  void voidingFailed(Batch batch) {
    voiding.failed(batch);
  }

  /** Index up to which the log is known to be committed. */
  public long committedIndex() {
    return committed;
  }

  /** Index up to which the local Redis has acknowledged the entries. */
  public long appliedIndex() {
    return acknowledged;
  }

  /** The last entry with a payload that the local Redis has acknowledged. */
  public long appliedEntry() {
    return acknowledgedEntry;
  }

  /** How long the local Redis has answered nothing of what it was sent; 0 when nothing is due. */
  public long silenceNanos() {
    return redis == null ? 0 : window.silenceNanos();
  }

  /** True while the local Redis takes entries. */
  public boolean redisIsReady() {
    return redis != null;
  }

  /**
   * True while the local Redis is there, answers, and is close enough to the log to serve clients
   * without delay.
   */
  public boolean isServing() {
    return redis != null
        && !deadly.isSuspected()
        && committed - acknowledged < SERVING_LAG_ENTRIES
        && window.silenceNanos() < SERVING_PATIENCE_NANOS;
  }

  /** What clients of this node wait for whose commands the leader puts into the log. */
  public OwnReplies ownReplies() {
    return ownReplies;
  }

  /** The batch was appended at its index; its clients get the replies when the entry is applied. */
  void await(Batch batch, PendingBatches.Progress progress) {
    batches.add(batch, progress);
  }

  /** Redis holds the state of {@code appliedIndex} and takes what comes behind it. */
  public void redisReady(CommandApplier newRedis, long appliedIndex) {
    if (redis != null) {
      redisLost(); // what is under way on the former connection does not count any more
    }
    redis = newRedis;
    handled = appliedIndex;
    replayedUpTo = committed;
    scriptSent = false;
    acknowledgedEntry = appliedIndex;
    acknowledged = appliedIndex;
    deadly.acknowledged(appliedIndex);
    readAhead.clear();
    window.clear();
    gaps.headSet(appliedIndex, true).clear();
    voiding.redisReady(newRedis, appliedIndex);
    batches.applied(appliedIndex);
    watchers.forEach(EntryWatcher::redisReady);
    noticeQuiet();
    pump();
  }

  /** Redis is gone; entries stay in the log until it is ready again. */
  public void redisLost() {
    redis = null;
    voiding.redisLost();
    watchers.forEach(EntryWatcher::redisLost);
    window.clear();
    batches.expectAgain();
    ownReplies.redisLost();
    reads.lost();
  }

  /** As {@link #redisLost}, and it was not this node that has ended it. */
  public void redisDied() {
    if (redis != null) {
      deadly.redisDied(redis);
    }
    redisLost();
  }

  /** Whether the entry with which Redis ends is being looked for. Any thread. */
  public boolean suspectsDeadlyEntry() {
    return deadly.isSuspected();
  }

  /** The entry with which Redis has ended again and again, if there is one. Any thread. */
  public Optional<DeadlyEntry.Found> deadlyEntry() {
    return deadly.found();
  }

  /** Redis has acknowledged everything up to the index. */
  public void acknowledged(long index) {
    acknowledgedEntry = index;
    deadly.acknowledged(index);
    window.acknowledged(index);
    updateAcknowledged();
    batches.answered(index);
    noticeQuiet();
    pump();
  }

  /** Redis has answered a command of an entry; one entry may keep it at work for a while. */
  public void answered() {
    window.answered();
  }

  private void updateAcknowledged() {
    // Behind the last acknowledged entry there can only be indexes without payload, unless an entry
    // is under way.
    acknowledged = window.isEmpty() ? handled : acknowledgedEntry;
  }

  /**
   * Runs one of the two: the action once every entry up to the index was sent to Redis, the other
   * one when Redis is lost before, or does not come that far in time.
   */
  void whenSent(long index, Runnable action, Runnable onLost) {
    if (redis == null) {
      onLost.run();
    } else if (handled >= index) {
      action.run();
    } else {
      reads.await(index, action, onLost);
    }
  }

  /**
   * Sends no entry from now on, and runs the action once Redis has answered those that it got: its
   * data is then that of one entry, and stays so until {@link #release}. Never runs it while there
   * is no Redis.
   *
   * @return false when somebody else holds the entries: then nothing happens
   */
  public boolean hold(Runnable whenQuiet) {
    if (held) {
      return false;
    }
    held = true;
    heldSinceNanos = nanoClock.getAsLong();
    onQuiet = whenQuiet;
    noticeQuiet();
    return true;
  }

  private void noticeQuiet() {
    if (onQuiet != null && redis != null && window.isEmpty()) {
      Runnable action = onQuiet;
      onQuiet = null;
      action.run();
    }
  }

  /** Goes on after {@link #hold}. */
  public void release() {
    held = false;
    onQuiet = null;
    pump();
  }

  /** Asks the local Redis; the answer shows every entry sent before. */
  public void read(int database, int protocol, ByteBuf command, ReplyReceiver receiver) {
    if (redis == null) {
      command.release();
      receiver.failed(Failure.REDIS_LOST);
      return;
    }
    redis.read(database, protocol, command, reads.asked(receiver));
  }

  /** Gives up waiting for batches that were appended too long ago, and for reads. */
  void expire(long writeTimeoutNanos, long readTimeoutNanos) {
    if (held && nanoClock.getAsLong() - heldSinceNanos > LONGEST_HOLD_NANOS) {
      release(); // who holds them has gone; what it wanted to take is not of one entry any more
    }
    batches.expire(writeTimeoutNanos);
    reads.expire(readTimeoutNanos);
    ownReplies.expire(readTimeoutNanos);
  }

  private void schedulePump() {
    if (pumpScheduled.compareAndSet(false, true)) {
      loop.execute(
          () -> {
            pumpScheduled.set(false);
            pump();
          });
    }
  }

  private void pump() {
    guarded(this::pumpEntries);
  }

  private void guarded(Runnable work) {
    if (log == null || stopped) {
      return;
    }
    try {
      work.run();
    } catch (RuntimeException | Error e) {
      // An entry may have been taken for sent that was not: going on would leave it out.
      stopped = true;
      fatal.stop("internal error while applying the entries behind " + acknowledgedEntry, e);
    }
  }

  private void pumpEntries() {
    voiding.committed(committed);
    batches.committed(committed);
    reads.sentUpTo(handled);
    long limit = committed;
    int turn = 0;
    while (!stopped && redis != null && !held && handled < limit) {
      if (window.isFull()) {
        return; // the next acknowledgement goes on
      }
      if (turn == ENTRIES_PER_TURN) {
        schedulePump();
        return;
      }
      long next = handled + 1;
      if (voiding.holdsAll() || voiding.holds(next) || waitsBehind()) {
        return;
      }
      if (gaps.remove(next)) {
        skipTo(next);
      } else {
        Entry entry = find(next);
        if (entry == null) {
          readAhead(next, limit);
          return;
        }
        send(entry);
        turn++;
      }
      reads.sentUpTo(handled);
    }
  }

  /** Indexes up to this one carry no payload. */
  private void skipTo(long index) {
    if (handled + 1 < log.startIndex()) {
      // Nobody can tell any more what was there.
      stopped = true;
      fatal.stop(
          "the log begins with entry "
              + log.startIndex()
              + ", but entry "
              + (handled + 1)
              + " was not applied yet. Start this node again: it loads a snapshot then",
          null);
      return;
    }
    batches.skipped(handled, index);
    gaps.headSet(index, true).clear();
    handled = index;
    updateAcknowledged();
  }

  /**
   * What was committed before Redis came may have been answered long ago. Of that nothing is sent
   * behind a script that is not answered: if it does not end, it alone is under way. Where Redis
   * has ended again and again, each entry is alone.
   */
  private boolean waitsBehind() {
    boolean alone = deadly.isSuspected(handled + 1) || (handled < replayedUpTo && scriptSent);
    return alone && !window.isEmpty();
  }

  private void send(Entry entry) {
    Batch batch = batches.settle(entry.index(), entry.term());
    handled = entry.index();
    window.sent(entry.index(), entry.header().payloadLength());
    EntryReplies replies = batch != null ? batch : ownReplies.in(entry);
    redis.apply(entry, replies, voiding.of(entry.index()));
    scriptSent = handled <= replayedUpTo && PayloadCommands.callsAnyScript(entry.payload());
    watchers.forEach(watcher -> watcher.sent(entry));
  }

  private Entry find(long index) {
    Entry entry = log.recent(index);
    if (entry != null) {
      return entry;
    }
    while (!readAhead.isEmpty()) {
      Entry first = readAhead.get(readAhead.size() - 1);
      if (first.index() > index) {
        // Nothing between: those indexes are Ratis's own, from before this process started.
        skipTo(first.index() - 1);
        return stopped ? null : readAhead.remove(readAhead.size() - 1);
      }
      readAhead.remove(readAhead.size() - 1);
      if (first.index() == index) {
        return first;
      }
    }
    return null;
  }

  private void readAhead(long from, long to) {
    if (reading) {
      return;
    }
    reading = true;
    reader.execute(
        () -> {
          try {
            List<Entry> entries = log.readRange(from, to, READ_AHEAD_BYTES);
            loop.execute(() -> guarded(() -> readAheadDone(from, to, entries)));
          } catch (IOException | RuntimeException | Error e) {
            if (!stopped) {
              fatal.stop("can't read entry " + from + " of the payload log", e);
            }
          }
        });
  }

  private void readAheadDone(long from, long to, List<Entry> entries) {
    reading = false;
    if (redis != null && handled + 1 == from) {
      readAhead.clear();
      for (int i = entries.size() - 1; i >= 0; i--) {
        readAhead.add(entries.get(i));
      }
      if (entries.isEmpty()) {
        // All of them are Ratis's own.
        skipTo(to);
      }
    }
    pumpEntries();
  }
}
