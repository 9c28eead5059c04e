package io.ratissidecar.sidecar.session;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.ratissidecar.sidecar.resp.RespConnection;
import io.ratissidecar.statemachine.apply.IgnoredReplies;
import io.ratissidecar.statemachine.apply.ReplySink;
import io.ratissidecar.statemachine.command.CommandSpec;
import io.ratissidecar.statemachine.resp.Request;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A client's own connection to the local Redis, opened with its first command without the RAFT
 * prefix. Transactions, WATCH, subscriptions, blocking commands and MONITOR work as if the client
 * were connected to Redis itself, since it is.
 */
final class LocalRedisLane {
  /** Turns Redis's reply into what the client gets. */
  interface Transform {
    /** Both buffers are borrowed for the call. */
    void apply(ByteBuf reply, ByteBuf out);
  }

  private static final Logger LOG = LoggerFactory.getLogger(LocalRedisLane.class);
  private static final Set<String> ALLOWED_WHILE_SUBSCRIBED =
      Set.of(
          "subscribe",
          "psubscribe",
          "ssubscribe",
          "unsubscribe",
          "punsubscribe",
          "sunsubscribe",
          "ping",
          "quit",
          "reset");
  private static final String LOST = "ERR the local Redis is not reachable at the moment";

  private final Session session;
  private final ConnectionAttempt attempt;
  private RespConnection connection;
  private boolean inputEnded;
  private boolean outputEnded;
  private LocalState state = new LocalState();

  LocalRedisLane(Session session) {
    this.session = session;
    this.attempt = new ConnectionAttempt(session);
  }

  /** True when the command is the local Redis's to judge: the client is a RESP2 subscriber. */
  boolean ownsConnection(Request request) {
    return isSubscriber() && !request.argIs(0, "QUIT") && !request.argIs(0, "RESET");
  }

  private boolean isSubscriber() {
    return state.subscriptions().any() && session.protocol() == 2;
  }

  Subscriptions subscriptions() {
    return state.subscriptions();
  }

  /** True inside a {@code MULTI} of the local Redis. */
  boolean inTransaction() {
    return state.transaction() != null;
  }

  /** How many commands that {@code MULTI} holds. */
  int queuedCommands() {
    return state.transaction().size();
  }

  /** Refuses a command inside a {@code MULTI}, which {@code EXEC} will then refuse as a whole. */
  void refuseInTransaction(String error) {
    // Without its argument, so that Redis itself notes that the transaction is not to be executed.
    connection.command(new Refusal(session.slot(Lane.LOCAL), error), "SELECT");
  }

  /** Forwards a {@code SELECT} inside a {@code MULTI}; it counts when {@code EXEC} has run it. */
  boolean selectInTransaction(Request request, int database) {
    state.selecting();
    return forward(
        request,
        (reply, out) -> {
          session.selectDatabase(database);
          out.writeBytes(reply, reply.readerIndex(), reply.readableBytes());
        });
  }

  /** Forwards a command as it is; false when it has to come again later. */
  boolean forward(Request request) {
    return forward(request, null);
  }

  /** Forwards a command and changes its reply. */
  boolean forward(Request request, Transform transform) {
    if (!session.enter(Lane.LOCAL)) {
      return false;
    }
    if (outputEnded) {
      lost(connection); // it can take no more commands
    }
    if (connection == null) {
      return open();
    }
    String name = request.argString(0).toLowerCase(Locale.ROOT);
    if (isSubscriber() && !ALLOWED_WHILE_SUBSCRIBED.contains(name)) {
      session
          .slot(Lane.IMMEDIATE)
          .error(
              "ERR Can't execute '"
                  + name
                  + "': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / RESET are allowed in this context");
      return true;
    }
    CommandSpec spec = session.services().commands().find(request, 0);
    Optional<String> refusal = session.services().dataRefusal();
    if (refusal.isPresent() && spec != null && spec.data()) {
      session.slot(Lane.IMMEDIATE).error(refusal.get());
      return true;
    }
    prepare();
    ByteBuf command = Unpooled.buffer(request.frameEnd() - request.frameStart() + 16);
    request.writeFrom(0, command);
    if (Subscriptions.isCommand(name)) {
      subscribe(request, name, command);
    } else {
      send(request, name, command, spec != null && spec.blocking(), transform);
    }
    return true;
  }

  private void subscribe(Request request, String name, ByteBuf command) {
    int replies = state.subscriptions().replies(request, name);
    Slot slot = session.audibleSlot(Lane.LOCAL); // to Redis they are messages
    connection.sendOne(
        command, replies, state.subscriptions().receiver(slot, replies, this::replyLost));
    session.holdUntilAnswered(); // whether it is a subscriber then decides what it may do
  }

  private void send(
      Request request, String name, ByteBuf command, boolean blocks, Transform transform) {
    LocalTransaction before = state.transaction();
    Transform change = transform;
    if (name.equals("exec")) {
      change = before == null ? transform : before::apply;
      if (state.isSelecting()) {
        session.holdUntilAnswered(); // what is selected then decides where the next one goes
      }
    }
    state.sent(request, name);
    if (blocks) {
      state.blocking();
    }
    Slot slot = session.slot(Lane.LOCAL);
    slot.weigh(command.readableBytes());
    LocalTransaction queuedIn = state.transaction() == null ? null : before;
    connection.send(command, 1, new ReplyToSlot(slot, change, blocks, queuedIn));
    if (inputEnded) {
      endInput();
    }
  }

  /** Brings the connection to the client's protocol and database. */
  private void prepare() {
    if (inTransaction()) {
      return; // both were right when it began
    }
    connection.useProtocol(session.protocol());
    if (state.changeDatabase(session.database())) {
      connection.command(IgnoredReplies.INSTANCE, "SELECT", Integer.toString(session.database()));
    }
  }

  private boolean open() {
    if (attempt.takeFailure()) {
      session.slot(Lane.IMMEDIATE).error(LOST);
      return true;
    }
    Services services = session.services();
    attempt.begin(
        ended -> RespConnection.open(services.front(), services.localRedis(), ended), this::opened);
    return false;
  }

  private void opened(RespConnection opened) {
    LocalState fresh = new LocalState();
    connection = opened;
    state = fresh;
    opened.onPush(this::pushed);
    opened.tellPushes(frame -> fresh.isPush(frame, session.protocol()));
    opened.onClosed(c -> lost(opened));
  }

  private void pushed(ByteBuf frame) {
    if (Subscriptions.isInvalidation(frame)) {
      session.invalidate(frame);
    } else if (!Subscriptions.isOfReserved(
        frame, session.services().commands().reservedDatabase())) {
      session.push(frame);
    }
  }

  private void lost(RespConnection which) {
    if (which != connection) { // identity: an older connection's end says nothing
      return;
    }
    boolean missed = state.wouldBeMissed();
    forget();
    if (missed) {
      session.client().close(); // the client must not believe that its state still stands
    }
  }

  /**
   * A command was sent, and nobody knows whether Redis has executed it. The client hears what it
   * would hear from Redis itself: its connection ends.
   */
  private void replyLost() {
    session.client().closeAfterReplies();
  }

  /**
   * The client has ended its side of the connection. Redis hears of it when it has a blocked
   * command of this client, which it then drops; it might drop large replies too, so that it hears
   * of it in no other case.
   */
  void endInput() {
    inputEnded = true;
    if (connection != null && !outputEnded && state.mayBeBlocked()) {
      outputEnded = true;
      connection.endOutput();
    }
  }

  void setReading(boolean reading) {
    if (connection != null) {
      connection.setReading(reading);
    }
  }

  void close() {
    RespConnection closing = connection;
    forget();
    if (closing != null) {
      closing.close();
    }
  }

  private void forget() {
    connection = null;
    outputEnded = false;
    state = new LocalState();
  }

  private final class ReplyToSlot implements ReplySink {
    private final Slot slot;
    private final Transform transform;
    private final boolean blocks;
    private final LocalTransaction queuedIn;
    private final LocalState sentIn =
        state; // replies may come after the next connection was opened

    ReplyToSlot(Slot slot, Transform transform, boolean blocks, LocalTransaction queuedIn) {
      this.slot = slot;
      this.transform = transform;
      this.blocks = blocks;
      this.queuedIn = queuedIn;
    }

    @Override
    public void onReply(ByteBuf frame) {
      if (blocks) {
        sentIn.unblocked();
      }
      if (queuedIn != null) {
        if (frame.getByte(frame.readerIndex()) == '+') { // QUEUED
          queuedIn.queued(transform);
        }
        slot.reply(frame);
      } else if (transform == null || frame.getByte(frame.readerIndex()) == '-') {
        slot.reply(frame);
      } else {
        transformed(frame);
      }
    }

    private void transformed(ByteBuf frame) {
      try {
        slot.reply(out -> transform.apply(frame, out));
      } catch (RuntimeException e) {
        LOG.error("A reply of the local Redis can't be understood", e);
        slot.error("ERR the local Redis's reply is not understood");
      }
    }

    @Override
    public void onLost() {
      replyLost();
    }
  }

  private final class Refusal implements ReplySink {
    private final Slot slot;
    private final String error;

    Refusal(Slot slot, String error) {
      this.slot = slot;
      this.error = error;
    }

    @Override
    public void onReply(ByteBuf frame) {
      slot.error(error);
    }

    @Override
    public void onLost() {
      replyLost();
    }
  }
}
