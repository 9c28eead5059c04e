package io.ratissidecar.sidecar.raft;

import io.netty.buffer.ByteBuf;
import io.ratissidecar.statemachine.entry.EntryType;
import io.ratissidecar.statemachine.entry.VoidedCommand;
import io.ratissidecar.statemachine.resp.Request;
import io.ratissidecar.statemachine.resp.Resp;
import java.util.ArrayDeque;
import java.util.List;
import java.util.concurrent.Executor;
import java.util.function.Consumer;
import java.util.function.LongSupplier;

/**
 * Puts clients' writes into one order and into batches. While a batch is on its way the next one
 * grows; when it is committed, or none was under way, the next one is proposed, see {@link
 * Gathering}. So latency is best when idle and batches grow by themselves under load. A batch that
 * can't grow any more goes as soon as fewer than {@code batchesInFlight} are on their way.
 *
 * <p>Confined to the front loop.
 */
public final class Sequencer {
  /** What a waiting request costs besides its bytes: its places in batch and session. */
  private static final int REQUEST_COST_BYTES = 128;

  private final Proposer proposer;
  private final Applier applier;
  private final Executor loop;
  private final Timer timer;
  private final LongSupplier nanoClock;
  private final FatalHandler fatal;
  private final int batchBytes;
  private final int batchesInFlight;
  private final long pendingLimitBytes;
  private final ArrayDeque<Batch> ready = new ArrayDeque<>();
  private final WaitList waiters = new WaitList();
  private final Gathering gathering = new Gathering();
  private Batch open;
  private int inFlight;
  private int requestsInFlight;
  private long pendingBytes;
  private int unanswered;
  private boolean asking;
  private boolean scheduled;
  private boolean waitingForMore;
  private boolean broken;

  /** Decides about commands at the last moment. */
  @FunctionalInterface
  public interface Condition {
    /** Called on the front loop; answers there, once, whatever happens. */
    void check(Consumer<Boolean> verdict);
  }

  /** Runs a task on the front loop after a while. */
  interface Timer {
    void in(long nanos, Runnable task);
  }

  Sequencer(
      Proposer proposer,
      Applier applier,
      Executor loop,
      Timer timer,
      LongSupplier nanoClock,
      FatalHandler fatal,
      int batchBytes,
      int batchesInFlight) {
    this.proposer = proposer;
    this.applier = applier;
    this.loop = loop;
    this.timer = timer;
    this.nanoClock = nanoClock;
    this.fatal = fatal;
    this.batchBytes = batchBytes;
    this.batchesInFlight = batchesInFlight;
    this.pendingLimitBytes = 8L * batchBytes;
  }

  /**
   * The log's clock for the next command, milliseconds since 1970. Not its batch's, which is that
   * of the moment when the batch is proposed: it may wait for its turn, and what is counted from
   * the clock must not count from earlier.
   */
  public long clockMillis() {
    return proposer.nextLeaderTimeMillis();
  }

  /**
   * True when no more commands should come, since enough are waiting for the log or for Redis;
   * {@link #whenRoom} tells when to look again.
   */
  public boolean isFull() {
    return pendingBytes > pendingLimitBytes;
  }

  /** Calls back once there is room again, or it is clear that there will be none soon. */
  public void whenRoom(Runnable waiter) {
    waiters.add(waiter);
  }

  /** Adds a command as it came: the request's words from {@code firstArgument} on. */
  public void add(
      ReplyReceiver client, int database, int protocol, Request request, int firstArgument) {
    try {
      Batch batch = openBatch(request.frameEnd() - request.frameStart());
      request.writeFrom(firstArgument, batch.begin(database, protocol));
      added(batch, client, 1, 0);
    } catch (RuntimeException | Error e) {
      halfWritten(e);
      throw e;
    }
  }

  /**
   * Adds commands that belong to one request of a client.
   *
   * @param wanted which of their replies is the client's
   */
  public void add(
      ReplyReceiver client, int database, int protocol, byte[][][] commands, int wanted) {
    long bytes = 0;
    for (byte[][] command : commands) {
      bytes += encodedBytes(command);
    }
    try {
      Batch batch = openBatch(bytes);
      ByteBuf out = batch.begin(database, protocol);
      for (byte[][] command : commands) {
        Resp.writeArrayHeader(out, command.length);
        for (byte[] argument : command) {
          Resp.writeBulk(out, argument);
        }
      }
      if (commands.length > 1) {
        batch.forgetDatabase();
      }
      added(batch, client, commands.length, wanted);
    } catch (RuntimeException | Error e) {
      halfWritten(e);
      throw e;
    }
  }

  /**
   * The open batch may end in the middle of a command, memory ran out for example. It must never
   * become an entry, which every node would stumble over for ever.
   */
  private void halfWritten(Throwable cause) {
    broken = true;
    fatal.stop("internal error while putting a command into a batch", cause);
  }

  /**
   * Adds commands that become an entry of their own, and only if the condition agrees once the
   * local Redis has applied all that comes before them in the log. What comes later waits
   * meanwhile. When the condition does not agree, nothing happens, and it has told the client so.
   */
  public void addConditional(
      ReplyReceiver client,
      int database,
      int protocol,
      byte[][][] commands,
      int wanted,
      Condition condition) {
    if (open != null) {
      seal();
    }
    add(client, database, protocol, commands, wanted);
    if (open != null) { // else it was so long that it is sealed
      seal();
    }
    ready.peekLast().condition(condition);
  }

  /** Adds a command on the reserved database, as an entry of its own. */
  public void addClusterEntry(ReplyReceiver waiting, int reservedDatabase, String... command) {
    addOwnEntry(EntryType.CLUSTER, waiting, reservedDatabase, command);
  }

  /** Adds an entry behind which every node computes the digest of its data. */
  public void addDigestEntry(ReplyReceiver waiting, int reservedDatabase) {
    addOwnEntry(EntryType.DIGEST, waiting, reservedDatabase, "PING");
  }

  /**
   * Adds an entry that declares commands void, in front of all that is waiting: that may wait for
   * them.
   *
   * @return false when one is under way no more, or others are being declared void
   */
  public boolean addVoidEntry(
      ReplyReceiver waiting, int reservedDatabase, List<VoidedCommand> scripts) {
    if (scripts.isEmpty()) {
      throw new IllegalArgumentException("nothing to declare void");
    }
    Batch batch = new Batch(EntryType.VOID, nanoClock.getAsLong());
    if (!applier.hold(scripts, batch)) {
      return false;
    }
    Resp.command(batch.begin(reservedDatabase, 2), "PING", VoidedCommand.text(scripts));
    batch.end(
        new ReplyReceiver() {
          @Override
          public void reply(ByteBuf frame) {
            waiting.reply(frame);
          }

          @Override
          public void failed(Failure failure) {
            applier.voidingFailed(batch);
            waiting.failed(failure);
          }
        },
        1,
        0);
    pendingBytes += cost(batch);
    ready.addFirst(batch);
    schedule();
    return true;
  }

  private void addOwnEntry(
      EntryType type, ReplyReceiver waiting, int reservedDatabase, String... command) {
    if (open != null) {
      seal();
    }
    Batch batch = new Batch(type, nanoClock.getAsLong());
    Resp.command(batch.begin(reservedDatabase, 2), command);
    batch.end(waiting, 1, 0);
    pendingBytes += cost(batch);
    ready.add(batch);
    schedule();
  }

  /** Gives up everything that was not proposed: this node is not the leader any more. */
  public void failUnproposed() {
    if (open != null) {
      seal();
    }
    Batch batch;
    while ((batch = ready.poll()) != null) {
      giveUp(batch);
    }
    waiters.wake(); // also when it is full still: they are refused, or forwarded
  }

  /**
   * Gives up what has waited too long for its turn, since batches before it go nowhere; nothing of
   * it has happened. Lets those who wait for room hear when there will be none soon.
   */
  void expire(long timeoutNanos) {
    if (open != null && ready.isEmpty() && isOlder(open, timeoutNanos)) {
      seal();
    }
    while (!ready.isEmpty() && isOlder(ready.peek(), timeoutNanos)) {
      giveUp(ready.poll());
    }
    if (!ready.isEmpty()) {
      schedule(); // Redis may have applied meanwhile what a condition waits for
    }
    if (!isFull() || !applier.isServing() || !proposer.isLeaderReady()) {
      waiters.wake();
    }
  }

  private boolean isOlder(Batch batch, long nanos) {
    return nanoClock.getAsLong() - batch.createdNanos() > nanos;
  }

  private void giveUp(Batch batch) {
    pendingBytes -= cost(batch);
    batch.fail(Failure.NOT_LEADER);
  }

  private static long cost(Batch batch) {
    return batch.bytes() + (long) REQUEST_COST_BYTES * batch.requests();
  }

  /** How long a command is in a payload. */
  public static long encodedBytes(byte[][] command) {
    long bytes = lengthBytes(command.length);
    for (byte[] argument : command) {
      bytes += lengthBytes(argument.length) + argument.length + 2;
    }
    return bytes;
  }

  /** Marker, digits and line end. */
  private static int lengthBytes(int length) {
    int bytes = 4;
    for (int rest = length; rest >= 10; rest /= 10) {
      bytes++;
    }
    return bytes;
  }

  /** The batch that so many bytes go into; a large command starts one of its own. */
  private Batch openBatch(long bytes) {
    if (open != null && open.bytes() + bytes > batchBytes) {
      seal();
    }
    if (open == null) {
      open = new Batch(EntryType.COMMANDS, nanoClock.getAsLong());
    }
    return open;
  }

  private void added(Batch batch, ReplyReceiver client, int replies, int wanted) {
    batch.end(client, replies, wanted);
    if (batch.bytes() >= batchBytes) {
      seal();
    }
    schedule();
  }

  private void schedule() {
    if (!scheduled) {
      scheduled = true;
      // At the end of the loop's turn, so that whatever other clients sent meanwhile rides along.
      loop.execute(this::proposeReady);
    }
  }

  private void seal() {
    pendingBytes += cost(open);
    ready.add(open);
    open = null;
  }

  private void proposeReady() {
    scheduled = false;
    if (broken) {
      return;
    }
    while (inFlight < batchesInFlight && !ready.isEmpty() && mayGo(ready.peek())) {
      propose(ready.poll());
    }
    if (inFlight == 0 && ready.isEmpty() && open != null && hasGathered()) {
      seal();
      propose(ready.poll());
    }
  }

  /** True when nothing has to be asked before; else asks, when it is the moment to. */
  private boolean mayGo(Batch batch) {
    if (batch.condition() == null) {
      return true;
    }
    if (!asking && unanswered == 0 && applier.appliedIndex() >= proposer.lastIndex()) {
      asking = true;
      batch.condition().check(agreed -> decided(batch, agreed));
    }
    return false;
  }

  private void decided(Batch batch, boolean agreed) {
    asking = false;
    if (ready.peek() == batch) { // identity; else it was given up meanwhile
      if (agreed) {
        batch.condition(null);
      } else {
        ready.poll();
        pendingBytes -= cost(batch);
      }
    }
    schedule();
    wakeWaiters();
  }

  /** True when the open batch should go now; else looks again later. */
  private boolean hasGathered() {
    long left = gathering.remainingNanos(open.requests(), nanoClock.getAsLong());
    if (left > 0 && !waitingForMore) {
      waitingForMore = true;
      timer.in(
          left,
          () -> {
            waitingForMore = false;
            proposeReady();
          });
    }
    return left == 0;
  }

  private void propose(Batch batch) {
    inFlight++;
    unanswered++;
    requestsInFlight += batch.requests();
    Flight flight = new Flight(batch, nanoClock.getAsLong());
    batch.proposedAt(proposer.nextLeaderTimeMillis());
    proposer.propose(batch, flight::refused);
    if (batch.index() > 0) {
      applier.await(batch, flight);
    }
  }

  /** A batch from its proposal on: first it waits for the log, then for Redis. */
  private final class Flight implements PendingBatches.Progress {
    private final Batch batch;
    private final long cost;
    private final long proposedNanos;
    private boolean landed;
    private boolean over;

    Flight(Batch batch, long proposedNanos) {
      this.batch = batch;
      this.cost = cost(batch);
      this.proposedNanos = proposedNanos;
    }

    /** Ratis has given up the batch. When it was appended, the log still decides about it. */
    void refused() {
      if (batch.index() == 0) {
        batch.fail(Failure.NOT_LEADER);
        onOver();
      } else {
        onCommitted();
      }
    }

    @Override
    public void onCommitted() {
      if (landed) {
        return;
      }
      landed = true;
      long now = nanoClock.getAsLong();
      int unanswered = requestsInFlight + (open == null ? 0 : open.requests());
      gathering.committed(unanswered, now - proposedNanos, now);
      inFlight--;
      requestsInFlight -= batch.requests();
      proposeReady();
      wakeWaiters();
    }

    @Override
    public void onOver() {
      onCommitted();
      if (!over) {
        over = true;
        unanswered--;
        pendingBytes -= cost;
        if (!ready.isEmpty()) {
          schedule(); // a condition may wait for this
        }
        wakeWaiters();
      }
    }
  }

  private void wakeWaiters() {
    if (!isFull()) {
      waiters.wake();
    }
  }
}
