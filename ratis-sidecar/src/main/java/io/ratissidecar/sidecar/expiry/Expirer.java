package io.ratissidecar.sidecar.expiry;

import io.netty.buffer.ByteBuf;
import io.ratissidecar.logstore.DeadlineIndex;
import io.ratissidecar.sidecar.raft.EntryWatcher;
import io.ratissidecar.sidecar.raft.Failure;
import io.ratissidecar.sidecar.raft.FatalHandler;
import io.ratissidecar.sidecar.raft.ReplyReceiver;
import io.ratissidecar.sidecar.raft.WaitList;
import io.ratissidecar.statemachine.command.CommandTable;
import io.ratissidecar.statemachine.command.DatabaseKey;
import io.ratissidecar.statemachine.command.DeadlineReader;
import io.ratissidecar.statemachine.command.DeadlineScript;
import io.ratissidecar.statemachine.command.LogicalTime;
import io.ratissidecar.statemachine.entry.Entry;
import io.ratissidecar.statemachine.entry.EntryType;
import io.ratissidecar.statemachine.resp.Request;
import io.ratissidecar.statemachine.resp.RespValue;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.Consumer;
import java.util.function.LongSupplier;

/**
 * Knows which keys are due, and has them deleted by the log. Keys come from the index to the due
 * ones when their deadline passes; Redis is asked whether they really are due; the leader proposes
 * to delete them, and what was deleted is forgotten when its entry is applied.
 *
 * <p>A node knows the deadlines once it has scanned its Redis, and the leader once it has applied
 * what earlier leaders left behind. As long as it does not, every key may be due. A key whose
 * deadline is being moved may be due as well.
 *
 * <p>Confined to the front loop.
 */
public final class Expirer implements EntryWatcher {
  /** How many keys are deleted by one command. */
  static final int MOST_AT_ONCE = 500;

  /** How long the keys of such a command are together, so that it fits into every entry. */
  private static final int MOST_BYTES = 256 << 10;

  /** How many due keys are in memory; the others stay in the index. */
  private static final int MOST_DUE = 10_000;

  private final CommandTable table;
  private final DeadlineIndex index;
  private final ExpiryLog log;
  private final LongSupplier nanoClock;
  private final FatalHandler fatal;
  private final DueKeys due = new DueKeys();
  private final MovingKeys moving;
  private final KeyScan scan;
  private final DeadlineReader proposedReader = new DeadlineReader(new Proposed());
  private final DeadlineReader sentReader = new DeadlineReader(new Sent());
  private final List<DatabaseKey> toAsk = new ArrayList<>();
  private final WaitList waiters = new WaitList();
  private Runnable onSwapped = () -> {};
  private boolean redisThere;
  private boolean complete;
  private boolean caughtUp;
  private long termOfBarrier = -1;
  private long barrier;

  /** Answers to what was asked before do not count. */
  private int epoch;

  /**
   * @param index empty, and nobody else's
   * @param patienceNanos how long a command may be under way
   */
  public Expirer(
      CommandTable table,
      DeadlineIndex index,
      ExpiryLog log,
      long patienceNanos,
      LongSupplier nanoClock,
      FatalHandler fatal) {
    this.table = table;
    this.index = index;
    this.log = log;
    this.nanoClock = nanoClock;
    this.fatal = fatal;
    this.moving = new MovingKeys(patienceNanos);
    this.scan = new KeyScan(log, table.reservedDatabase(), this::visit, this::scanned);
  }

  /** The log's clock, milliseconds since 1970. */
  public long clockMillis() {
    return log.clockMillis();
  }

  @Override
  public void redisReady() {
    redisThere = true;
    rescan();
  }

  @Override
  public void redisLost() {
    redisThere = false;
    forget();
  }

  private void forget() {
    epoch++;
    complete = false;
    scan.stop();
    due.clear();
    guarded(index::clear);
  }

  private void rescan() {
    forget();
    if (redisThere) {
      scan.start();
    }
  }

  @Override
  public void sent(Entry entry) {
    if (entry.header().type() != EntryType.COMMANDS) {
      return;
    }
    sentReader.read(entry.payload());
    // Behind the whole entry, on the same connection.
    for (DatabaseKey key : toAsk) {
      ask(key, moving::arrived);
    }
    toAsk.clear();
  }

  /** A command goes into the log: request's words from the one that is its name. On the leader. */
  public void proposed(Request request, int name, int database) {
    proposedReader.read(request, name, database);
  }

  /** As {@link #proposed(Request, int, int)}, for commands that take the place of one. */
  public void proposed(byte[][][] commands, int database) {
    int in = database;
    for (byte[][] command : commands) {
      in = proposedReader.read(Request.of(command), 0, in);
    }
  }

  /**
   * What has to happen before a command. On the leader; costs next to nothing while no key is due.
   *
   * @param name the argument that is the command's name
   */
  public Guard guard(Request request, int name, int database) {
    return guard(List.of(request), name, database);
  }

  /** The same for commands that are executed as one. */
  public Guard guard(Collection<Request> requests, int name, int database) {
    if (isQuiet()) {
      return Guard.NONE;
    }
    long now = log.clockMillis();
    pull(now);
    Set<DatabaseKey> keys = new LinkedHashSet<>();
    int selected = database;
    for (Request request : requests) {
      if (request.argIs(name, "SELECT")) {
        selected = (int) request.argLong(name + 1);
      }
      Optional<Set<DatabaseKey>> named =
          table.keys().find(request, name, table.find(request, name), selected);
      if (named.isPresent()) {
        named.get().stream().filter(this::exists).filter(this::maybeDue).forEach(keys::add);
      } else if (!knowsAll() || due.size() > MOST_AT_ONCE) {
        return Guard.WAIT;
      } else {
        keys.addAll(due.all());
        keys.addAll(moving.all());
      }
    }
    if (keys.isEmpty()) {
      return Guard.NONE;
    }
    if (keys.stream().mapToLong(key -> key.name().length).sum() > MOST_BYTES) {
      return Guard.WAIT; // they don't fit into the command's entry, and go in others
    }
    return new Guard(false, deletes(keys, now, database));
  }

  /** The same for keys that a command does not name, but depends on. */
  public Guard guard(Collection<DatabaseKey> watched, int database) {
    if (isQuiet()) {
      return Guard.NONE;
    }
    long now = log.clockMillis();
    pull(now);
    Set<DatabaseKey> keys = new LinkedHashSet<>(watched);
    keys.removeIf(key -> !exists(key) || !maybeDue(key));
    return keys.isEmpty() ? Guard.NONE : new Guard(false, deletes(keys, now, database));
  }

  /** Whether no key can be due. */
  private boolean isQuiet() {
    return complete
        && due.isEmpty()
        && moving.isEmpty()
        && caughtUp()
        && log.clockMillis() < index.earliestMillis();
  }

  /**
   * Whether clients have the key's database. {@code MOVE} and {@code COPY} may name any number,
   * which Redis answers with an error; a {@code SELECT} of it in the log would be fatal on every
   * node.
   */
  private boolean exists(DatabaseKey key) {
    return key.database() < table.reservedDatabase();
  }

  private boolean maybeDue(DatabaseKey key) {
    return !knowsAll() || due.contains(key) || moving.contains(key);
  }

  /** Whether all that are due are among the due ones; behind {@link #pull}. */
  private boolean knowsAll() {
    return complete && caughtUp() && due.size() < MOST_DUE;
  }

  /** Whether the deadlines that earlier leaders have set were seen. */
  private boolean caughtUp() {
    long term = log.term();
    if (term != termOfBarrier) {
      termOfBarrier = term;
      barrier = log.lastIndex();
      caughtUp = false;
    }
    if (!caughtUp) {
      caughtUp = log.appliedIndex() >= barrier;
    }
    return caughtUp;
  }

  private static List<byte[][]> deletes(Set<DatabaseKey> keys, long upToMillis, int database) {
    Map<Integer, List<byte[]>> byDatabase = new TreeMap<>();
    for (DatabaseKey key : keys) {
      byDatabase.computeIfAbsent(key.database(), d -> new ArrayList<>()).add(key.name());
    }
    List<byte[][]> commands = new ArrayList<>();
    int selected = database;
    for (Map.Entry<Integer, List<byte[]>> group : byDatabase.entrySet()) {
      selected = select(commands, selected, group.getKey());
      commands.add(DeadlineScript.expire(group.getValue(), upToMillis));
    }
    select(commands, selected, database);
    return commands;
  }

  private static int select(List<byte[][]> commands, int selected, int database) {
    if (selected != database) {
      commands.add(DeadlineScript.select(database));
    }
    return database;
  }

  /** Calls back whenever databases were swapped. */
  public void whenSwapped(Runnable listener) {
    onSwapped = listener;
  }

  /** Calls back when a command that has to wait may come again. */
  public void whenSettled(Runnable waiter) {
    waiters.add(waiter);
  }

  /** Has what is due deleted. Some ten times a second. */
  public void tick() {
    if (redisThere) {
      long now = log.clockMillis();
      long nanos = nanoClock.getAsLong();
      pull(now);
      moving.expire(nanos);
      scan.tick();
      for (DatabaseKey key : due.next(false, MOST_AT_ONCE, nanos)) {
        ask(key, k -> {});
      }
      if (log.isLeaderReady()) {
        propose(now, nanos);
      } else {
        due.doubt(nanos);
      }
    }
    wake();
  }

  /** Has the commands that wait come again: whether they are taken at all may have changed. */
  public void wake() {
    waiters.wake();
  }

  private void propose(long now, long nanos) {
    if (log.isFull()) {
      return;
    }
    Map<Integer, List<byte[]>> byDatabase = new TreeMap<>();
    long bytes = 0;
    for (DatabaseKey key : due.next(true, MOST_AT_ONCE, nanos)) {
      byDatabase.computeIfAbsent(key.database(), d -> new ArrayList<>()).add(key.name());
      bytes += key.name().length;
      if (bytes > MOST_BYTES) {
        propose(byDatabase, now);
        bytes = 0;
      }
    }
    propose(byDatabase, now);
  }

  private void propose(Map<Integer, List<byte[]>> byDatabase, long upToMillis) {
    byDatabase.forEach((in, names) -> log.propose(in, DeadlineScript.expire(names, upToMillis)));
    byDatabase.clear();
  }

  /** Brings what is due by now from the index to memory, as far as there is room. */
  private void pull(long now) {
    if (index.earliestMillis() <= now && due.size() < MOST_DUE) {
      long nanos = nanoClock.getAsLong();
      guarded(
          () ->
              index.takeUpTo(
                  now,
                  MOST_DUE - due.size(),
                  (in, name, deadline) -> due.add(new DatabaseKey(in, name), deadline, nanos)));
    }
  }

  private void visit(DatabaseKey key) {
    ask(key, k -> {});
  }

  private void scanned() {
    // Behind the questions for the last keys.
    int asked = epoch;
    log.ask(
        0,
        DeadlineScript.select(0),
        new ReplyReceiver() {
          @Override
          public void reply(ByteBuf frame) {
            complete |= asked == epoch;
          }

          @Override
          public void failed(Failure failure) {
            lostAnswer(asked);
          }
        });
  }

  /** Asks Redis for the deadline of a key. */
  private void ask(DatabaseKey key, Consumer<DatabaseKey> done) {
    int asked = epoch;
    log.ask(
        key.database(),
        table.deadlineQuestion(key.name()),
        new ReplyReceiver() {
          @Override
          public void reply(ByteBuf frame) {
            if (asked == epoch) {
              answered(key, RespValue.parse(frame));
              done.accept(key);
            }
          }

          @Override
          public void failed(Failure failure) {
            lostAnswer(asked);
          }
        });
  }

  private void answered(DatabaseKey key, RespValue reply) {
    long stored = reply instanceof RespValue.Int number ? number.value() : -1;
    if (stored < 0 || !LogicalTime.isLogical(stored)) {
      due.remove(key); // gone, without a deadline, or with one that Redis itself looks after
      return;
    }
    long deadline = LogicalTime.fromRedis(stored);
    if (deadline <= log.clockMillis()) {
      due.add(key, deadline, nanoClock.getAsLong());
      due.confirm(key);
    } else {
      due.remove(key);
      note(key, deadline);
    }
  }

  private void note(DatabaseKey key, long deadline) {
    guarded(
        () -> {
          if (!index.contains(key.database(), key.name(), deadline)) {
            index.add(key.database(), key.name(), deadline);
          }
        });
  }

  /** A deadline may have been missed: look at all of them again. */
  private void lostAnswer(int asked) {
    if (asked == epoch) {
      rescan();
    }
  }

  private interface IndexWork {
    void run() throws IOException;
  }

  private void guarded(IndexWork work) {
    try {
      work.run();
    } catch (IOException e) {
      fatal.stop("can't keep the deadlines of keys", e);
    }
  }

  /** Before it is known whether the command will be part of the log. */
  private final class Proposed implements DeadlineReader.Listener {
    @Override
    public void mayExpire(DatabaseKey key, long deadlineMillis) {
      guarded(() -> index.add(key.database(), key.name(), deadlineMillis));
    }

    @Override
    public void mayHaveMoved(DatabaseKey key) {
      if (exists(key)) {
        moving.departed(key, nanoClock.getAsLong());
      }
    }

    @Override
    public void swapped() {
      rescan();
    }

    @Override
    public void expired(DatabaseKey key, long upToMillis) {}
  }

  /** What is part of the log, and was sent to Redis just now. */
  private final class Sent implements DeadlineReader.Listener {
    @Override
    public void mayExpire(DatabaseKey key, long deadlineMillis) {
      note(key, deadlineMillis);
    }

    @Override
    public void mayHaveMoved(DatabaseKey key) {
      if (exists(key)) {
        toAsk.add(key);
      }
    }

    @Override
    public void swapped() {
      rescan();
      onSwapped.run();
    }

    @Override
    public void expired(DatabaseKey key, long upToMillis) {
      due.expired(key, upToMillis);
    }
  }
}
