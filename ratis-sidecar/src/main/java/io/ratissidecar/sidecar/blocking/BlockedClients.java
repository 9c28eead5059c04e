package io.ratissidecar.sidecar.blocking;

import io.netty.buffer.ByteBuf;
import io.ratissidecar.sidecar.expiry.Expirer;
import io.ratissidecar.sidecar.raft.Failure;
import io.ratissidecar.sidecar.raft.Replication;
import io.ratissidecar.sidecar.raft.ReplyReceiver;
import io.ratissidecar.sidecar.resp.FrontLoop;
import io.ratissidecar.sidecar.resp.RespEndpoint;
import io.ratissidecar.statemachine.command.CommandTable;
import io.ratissidecar.statemachine.command.DatabaseKey;
import io.ratissidecar.statemachine.command.Plan;
import io.ratissidecar.statemachine.command.WaitingMove;
import io.ratissidecar.statemachine.resp.Request;
import io.ratissidecar.statemachine.resp.Resp;
import io.ratissidecar.statemachine.resp.RespValue;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import java.util.function.Supplier;

/**
 * Clients that wait for keys to hold something, first come, first served for each key. Waiting
 * leaves no trace in the log: a client's command goes there, in its form that does not wait, when a
 * key of it holds something and nobody came before. Whoever finds nothing then waits on.
 *
 * <p>Only a leader has waiting clients; when it leads no more, they are told. Confined to the front
 * loop.
 */
public final class BlockedClients {
  /** In Redis's words, which clients know. */
  public static final String NOT_LEADING =
      "UNBLOCKED force unblock from blocking operation, instance state changed (master -> replica?)";

  /** The error for who was unblocked by another client that wanted it to be one. */
  public static final String UNBLOCKED = "UNBLOCKED client unblocked via CLIENT UNBLOCK";

  /** In the words of Redis 7.0, to who waits in a group. */
  private static final String KEY_GONE = "UNBLOCKED the stream key no longer exists";

  private static final String GROUP_GONE =
      "NOGROUP the consumer group this client was blocked on no longer exists";

  /** So often the keys are looked at without a reason. */
  private static final int TICKS_TO_LOOK = 10;

  /** The word of a move that says where to. */
  private static final int DESTINATION = 2;

  private final FrontLoop front;
  private final Supplier<Optional<Replication>> replication;
  private final BooleanSupplier goneGroupsInOldWords;
  private final Execution execution;
  private final KeyWatch keys;
  private final Set<Waiter> all = new LinkedHashSet<>();
  private final Queues queues = new Queues();
  private final NamedKeys named = new NamedKeys(this::tryFirst);
  private int ticks;

  /**
   * @param redis the local one
   * @param replication this node's part in a cluster, if it has any
   * @param expirer that of this part
   * @param table what commands are, once there is a part
   * @param goneGroupsInOldWords whether Redis, before 7.2, has errors of their own for consumers
   *     whose group goes while they wait
   */
  public BlockedClients(
      FrontLoop front,
      Supplier<RespEndpoint> redis,
      Supplier<Optional<Replication>> replication,
      Supplier<Expirer> expirer,
      Supplier<CommandTable> table,
      BooleanSupplier goneGroupsInOldWords) {
    this.goneGroupsInOldWords = goneGroupsInOldWords;
    this.execution = new Execution(front, expirer, table);
    this.front = front;
    this.replication = replication;
    this.keys =
        new KeyWatch(
            front,
            redis,
            new KeyWatch.Listener() {
              @Override
              public void onChanged(byte[] key) {
                changed(key);
              }

              @Override
              public void onLost() {
                all.forEach(Waiter::keyChanged);
                queues.keys().forEach(BlockedClients.this::ask);
              }

              @Override
              public void onAnswer(DatabaseKey key, String type, boolean askedAgain) {
                looked(key, type);
                if (askedAgain) {
                  ask(key);
                }
              }
            });
  }

  /** Has the client wait until it is served, its time is over, or it is unblocked. */
  public void add(Waiter waiter) {
    all.add(waiter);
    long millis = waiter.plan().timeoutMillis();
    if (millis > 0) {
      waiter.timeout(front.loop().schedule(() -> timeOut(waiter), millis, TimeUnit.MILLISECONDS));
    }
    if (LastIds.areAskedFor(waiter.plan())) {
      askForLastIds(waiter);
    } else {
      queue(waiter);
    }
  }

  private void queue(Waiter waiter) {
    waiter.keys().forEach(named::waitedFor);
    queues.add(waiter);
    if (waiter.keys().isEmpty()) {
      attempt(waiter, true); // Redis says what is wrong with it
    } else {
      // What is of no use to who came before is of none to this one, who might still take what
      // comes in this moment from the other.
      waiter.passOver(all.stream().anyMatch(o -> o.isPassedOver() && waiter.isLike(o)));
      waiter.keys().forEach(this::ask);
    }
  }

  private void askForLastIds(Waiter waiter) {
    execute(
        waiter,
        new Plan.ReadInstead(LastIds.question(waiter.plan())),
        new ReplyReceiver() {
          @Override
          public void reply(ByteBuf frame) {
            waiter.waitOn();
            RespValue answer = RespValue.parse(frame.duplicate());
            if (waiter.isOver()) {
              return;
            }
            if (waiter.lastError() != null) {
              end(waiter, waiter.lastError());
            } else if (answer.isError()) { // such as WRONGTYPE, or BUSY
              answer(waiter, frame);
            } else {
              waiter.plan(LastIds.completed(waiter.plan(), answer));
              waiter.cameBefore(); // so what is no stream from now on is no error
              queue(waiter);
            }
          }

          @Override
          public void failed(Failure failure) {
            BlockedClients.this.failed(waiter, failure);
          }
        },
        () -> {
          if (!waiter.isOver()) {
            askForLastIds(waiter);
          }
        });
  }

  /**
   * A command has just gone into the log that may bring what clients wait for. For each key that it
   * names, the one who came first tries its luck right behind it, so that nobody sees in between
   * what is that client's, as in Redis. Whether the command writes, and what, only Redis knows; who
   * finds nothing waits on. Others in line are served once Redis tells of a change.
   */
  public void proposed(Request command, int name, int database) {
    if (!queues.isEmpty()) {
      named.in(command, name, database);
      if (command.argIs(name, "FLUSHDB") || command.argIs(name, "FLUSHALL")) {
        tryGroups();
      }
    }
  }

  /** As {@link #proposed(Request, int, int)}, for commands that take the place of one. */
  public void proposed(byte[][][] commands, int database) {
    if (!queues.isEmpty()) {
      named.in(commands, database);
      if (Arrays.stream(commands).anyMatch(command -> isFlush(command[0]))) {
        tryGroups();
      }
    }
  }

  private static boolean isFlush(byte[] name) {
    String text = new String(name, StandardCharsets.US_ASCII);
    return text.equalsIgnoreCase("FLUSHDB") || text.equalsIgnoreCase("FLUSHALL");
  }

  /** Streams may go that no command names: who waits in a group hears at that place in the log. */
  private void tryGroups() {
    List<Waiter> consumers = all.stream().filter(Waiter::isInGroup).toList();
    consumers.forEach(waiter -> serve(waiter, false));
  }

  private void tryFirst(DatabaseKey key) {
    if (!queues.has(key)) {
      return; // as for most words
    }
    List<Waiter> queue = queues.at(key);
    List<Waiter> groups = new ArrayList<>();
    for (Waiter waiter : queue) {
      if (waiter.isInGroup() && groups.stream().noneMatch(waiter::isLike)) {
        groups.add(waiter); // each gets what comes, and hears when it is destroyed
      }
    }
    Optional<Waiter> first = queue.stream().filter(waiter -> !waiter.isReader()).findFirst();
    // A key that is known to hold another type costs no entries.
    if (first.isPresent() && queues.mayServe(key, first.get())) {
      serve(first.get(), false);
    }
    groups.stream().filter(w -> !w.isTrying()).forEach(waiter -> serve(waiter, false));
  }

  /** How many wait; not those for whom it is not yet known whether there is something. */
  public int count() {
    return (int) all.stream().filter(Waiter::hasWaited).count();
  }

  /** The client has gone, or waits no more for another reason; nothing is told. */
  public void remove(Waiter waiter) {
    waiter.over();
    all.remove(waiter);
    queues.remove(waiter).forEach(this::ask);
    if (queues.isEmpty()) {
      named.clear();
    }
  }

  /**
   * Ends the waiting as {@code CLIENT UNBLOCK} does. One whose command is on its way through the
   * log gets what that brings, if it is something.
   *
   * @return whether it was waiting
   */
  public boolean unblock(Waiter waiter, boolean withError) {
    if (waiter.isOver()) {
      return false;
    }
    if (withError) {
      end(waiter, UNBLOCKED);
    } else {
      timeOut(waiter);
    }
    return true;
  }

  /** Looks whether this node still leads; call it on the front loop a few times a second. */
  public void tick() {
    if (all.isEmpty()) {
      return;
    }
    if (!keys.isReady()) {
      List.copyOf(all).stream().filter(Waiter::isExpired).forEach(this::timeOut);
    }
    if (leading() == null) {
      endAll();
    } else if (keys.isReady() && ++ticks % TICKS_TO_LOOK == 0) {
      // Redis tells of every change but SWAPDB.
      queues.keys().forEach(this::ask);
    }
  }

  /** Tells all that this node serves no more. */
  public void endAll() {
    List.copyOf(all).forEach(waiter -> end(waiter, NOT_LEADING));
  }

  private void failed(Waiter waiter, Failure failure) {
    if (waiter.isOver()) {
      return;
    }
    if (failure == Failure.NOT_LEADER) { // nothing has happened
      waiter.waitOn();
      end(waiter, NOT_LEADING);
    } else {
      remove(waiter);
      waiter.client().failed(failure);
    }
  }

  /** One whose command is on its way hears it if that brings nothing. */
  private void end(Waiter waiter, String error) {
    if (waiter.isTrying()) {
      waiter.endWith(error);
      return;
    }
    remove(waiter);
    waiter.client().reply(out -> Resp.writeError(out, error));
  }

  /**
   * The waiting is over, as after its time: nobody is there who could wait on. Who has just come
   * gets what there is, however short its time: so its keys are looked at first.
   *
   * <p>That there was nothing is for a leader to say, as with every read: another node may lead by
   * now, and have had something for long. So a majority confirms this one first.
   */
  public void timeOut(Waiter waiter) {
    if (waiter.isTrying() || waiter.hasToLook() && keys.isReady()) {
      waiter.expired();
    } else if (waiter.isOver()) {
      return;
    } else if (waiter.isConfirmed()) {
      remove(waiter);
      waiter.client().reply(out -> Resp.writeNullArray(out, waiter.protocol()));
    } else if (waiter.beginConfirming()) {
      confirm(waiter);
    }
  }

  /** Behind all that was committed by now its keys are looked at for the last time. */
  private void confirm(Waiter waiter) {
    Replication current = leading();
    if (current == null) {
      end(waiter, NOT_LEADING);
      return;
    }
    execution.confirm(
        current,
        waiter,
        new ReplyReceiver() {
          @Override
          public void reply(ByteBuf frame) {
            if (!waiter.isOver()) {
              waiter.confirmed();
              timeOut(waiter);
              waiter.keys().forEach(BlockedClients.this::ask);
            }
          }

          @Override
          public void failed(Failure failure) {
            notConfirmed(waiter, failure);
          }
        });
  }

  /** An attempt that is under way may still bring something: that counts. */
  private void notConfirmed(Waiter waiter, Failure failure) {
    if (!waiter.isTrying()) {
      failed(waiter, failure);
      return;
    }
    waiter.confirmAgain();
    waiter.expired();
    if (failure == Failure.NOT_LEADER) {
      end(waiter, NOT_LEADING);
    }
  }

  /**
   * Databases were swapped, which Redis does not tell who tracks keys: the next look finds what
   * there is.
   */
  public void databasesSwapped() {
    all.forEach(Waiter::keyChanged);
  }

  private void changed(byte[] key) {
    for (DatabaseKey waitedFor : queues.keys()) {
      if (Arrays.equals(waitedFor.name(), key)) {
        queues.at(waitedFor).forEach(Waiter::keyChanged);
        ask(waitedFor);
      }
    }
  }

  /** Finds out what a key holds, and serves the first who waits for such a thing. */
  private void ask(DatabaseKey key) {
    if (queues.has(key) && keys.isReady()) {
      keys.ask(key);
    }
  }

  private void looked(DatabaseKey key, String type) {
    List<Waiter> waiting = queues.at(key);
    queues.holds(key, type);
    // An attempt from before the look does not know what is an error for who has just come.
    List<Waiter> looking =
        waiting.stream().filter(waiter -> !waiter.isTrying() && !waiter.isStale(key)).toList();
    List<Waiter> next = waiting.stream().filter(waiter -> !waiter.isPassedOver()).toList();
    if (type.equals(KeyWatch.NOTHING)) {
      next.stream().filter(Waiter::isInGroup).forEach(this::serve); // there is no group any more
    } else {
      List<Waiter> able = next.stream().filter(waiter -> waiter.canUse(type)).toList();
      able.stream().filter(waiter -> !waiter.isReader()).findFirst().ifPresent(this::serve);
      able.stream().filter(Waiter::isReader).forEach(this::serve);
      // A key of another type is an error for who has just come, and for a group's consumers. To
      // the others it is nothing, and costs no entry.
      next.stream()
          .filter(waiter -> !waiter.canUse(type))
          .filter(waiter -> waiter.hasJustCome() || waiter.isInGroup())
          .forEach(this::serve);
    }
    looking.forEach(waiter -> waiter.lookedAt(key));
    looking.stream().filter(Waiter::isGroupGone).forEach(waiter -> groupGone(waiter, type));
    waiting.stream().filter(Waiter::isExpired).forEach(this::timeOut);
  }

  /** Who was told that there is no group any more hears whether there is a stream at least. */
  private void groupGone(Waiter waiter, String type) {
    if (!waiter.canUse(type)) {
      end(waiter, KEY_GONE);
    } else if (!waiter.hasToLook()) {
      end(waiter, GROUP_GONE);
    }
  }

  private void serve(Waiter first) {
    serve(first, first.hasJustCome());
  }

  private void serve(Waiter first, boolean errorCounts) {
    if (first.isOver() || first.isGroupGone()) {
      return;
    }
    if (first.isTrying()) {
      first.tryAgain();
    } else {
      attempt(first, errorCounts);
    }
  }

  /**
   * @param justCome whether an error is its answer
   */
  private void attempt(Waiter waiter, boolean justCome) {
    byte[][] move = justCome ? null : WaitingMove.of(waiter.plan().words());
    execute(
        waiter,
        move == null ? waiter.plan().attempt() : Plan.Rewritten.single(move),
        new Attempt(waiter, justCome || move != null, move != null),
        () -> attemptUnlessOver(waiter, justCome));
  }

  /**
   * Executes a command for a waiter, which is trying meanwhile.
   *
   * @param again what to do when that is not possible yet; the waiter may be over by then
   */
  private void execute(Waiter waiter, Plan planned, ReplyReceiver receiver, Runnable again) {
    Replication current = leading();
    if (current == null) {
      end(waiter, NOT_LEADING);
      return;
    }
    Optional<String> error = execution.begin(current, waiter, planned, receiver, again);
    if (error.isPresent()) {
      end(waiter, error.get());
    } else if (waiter.isTrying() && WaitingMove.of(waiter.plan().words()) != null) {
      named.add(new DatabaseKey(waiter.database(), waiter.plan().words()[DESTINATION]));
    }
  }

  /** Null when this node does not lead. */
  private Replication leading() {
    return replication.get().filter(r -> r.raft().group().isLeaderReady()).orElse(null);
  }

  /**
   * Whether nobody who wants the same has to come before. A look instead, when another key was
   * looked at meanwhile, would have it try for ever.
   */
  private boolean mayTryAtOnce(Waiter waiter) {
    return waiter.isReader()
        || waiter.isInGroup()
            && all.stream()
                .takeWhile(other -> other != waiter) // identity: it is one of them
                .allMatch(other -> other.isPassedOver() || !waiter.isLike(other));
  }

  private void attemptUnlessOver(Waiter waiter, boolean justCome) {
    if (!waiter.isOver() && !waiter.isTrying()) {
      attempt(waiter, justCome);
    }
  }

  private final class Attempt implements ReplyReceiver {
    private final Waiter waiter;
    private final boolean errorCounts;

    /** Whether it moves something on, if there is something of the right type. */
    private final boolean passesOn;

    Attempt(Waiter waiter, boolean errorCounts, boolean passesOn) {
      this.waiter = waiter;
      this.errorCounts = errorCounts;
      this.passesOn = passesOn;
    }

    @Override
    public void reply(ByteBuf frame) {
      if (waiter.isOver()) {
        return;
      }
      switch (Outcome.of(frame, waiter, errorCounts)) {
        case NOTHING -> {
          if (!passesOn) {
            waiter.cameBefore(); // so there was nothing wrong with any key
          }
          foundNothing(waiter);
        }
        case OTHER_TYPE -> foundNothing(waiter);
        case GROUP_GONE -> foundNoGroup(waiter, frame);
        case ANSWER -> answer(waiter, frame);
      }
    }

    @Override
    public void failed(Failure failure) {
      BlockedClients.this.failed(waiter, failure);
    }
  }

  private void foundNothing(Waiter waiter) {
    // A look that is under way may be at something that came behind the command. Redis told of no
    // change then, since it tells of those behind a look only.
    boolean again = waiter.waitOn() || waiter.keys().stream().anyMatch(keys.underWay()::contains);
    if (waiter.lastError() != null) {
      end(waiter, waiter.lastError());
    } else if (waiter.isExpired()) {
      timeOut(waiter);
      waiter.keys().forEach(this::ask); // it may have to look first
    } else if (again && mayTryAtOnce(waiter)) {
      attempt(waiter, false); // Redis tells of whatever comes behind the look
    } else {
      // What is there may be of use to the next one.
      waiter.passOver(!again);
      if (!again) {
        all.stream().filter(waiter::isLike).forEach(other -> other.passOver(true));
      }
      waiter.keys().forEach(this::ask);
    }
  }

  private void foundNoGroup(Waiter waiter, ByteBuf error) {
    // Redis tells those who track a key nothing of its groups.
    all.stream().filter(waiter::isOfSameGroup).forEach(Waiter::keyChanged);
    if (goneGroupsInOldWords.getAsBoolean()) {
      waiter.waitOn();
      waiter.groupGone(keys.underWay());
      waiter.keys().forEach(this::ask);
    } else {
      answer(waiter, error);
    }
  }

  private void answer(Waiter waiter, ByteBuf frame) {
    remove(waiter);
    waiter.client().reply(frame);
  }
}
