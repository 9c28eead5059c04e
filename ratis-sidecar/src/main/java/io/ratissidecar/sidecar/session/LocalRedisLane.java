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
  private int blocking;
  private int database;
  private LocalTransaction transaction;
  private boolean selecting;
  private boolean tracking;
  private boolean watching;
  private Subscriptions subscriptions = new Subscriptions();
  private boolean monitoring;

  LocalRedisLane(Session session) {
    this.session = session;
    this.attempt = new ConnectionAttempt(session);
  }

  /** True when the command is the local Redis's to judge: the client is a RESP2 subscriber. */
  boolean ownsConnection(Request request) {
    return isSubscriber() && !request.argIs(0, "QUIT") && !request.argIs(0, "RESET");
  }

  private boolean isSubscriber() {
    return subscriptions.any() && session.protocol() == 2;
  }

  /** True inside a {@code MULTI} of the local Redis. */
  boolean inTransaction() {
    return transaction != null;
  }

  /** Refuses a command inside a {@code MULTI}, which {@code EXEC} will then refuse as a whole. */
  void refuseInTransaction(String error) {
    // Without its argument, so that Redis itself notes that the transaction is not to be executed.
    connection.command(new Refusal(session.slot(Lane.LOCAL), error), "SELECT");
  }

  /** Forwards a {@code SELECT} inside a {@code MULTI}; it counts when {@code EXEC} has run it. */
  boolean selectInTransaction(Request request, int database) {
    selecting = true;
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
    Optional<String> removal = session.services().removal();
    if (removal.isPresent() && spec != null && spec.data()) {
      session.slot(Lane.IMMEDIATE).error(removal.get());
      return true;
    }
    prepare();
    ByteBuf command = Unpooled.buffer(request.frameEnd() - request.frameStart() + 16);
    request.writeFrom(0, command);
    if (Subscriptions.isCommand(name)) {
      int replies = subscriptions.replies(request, name);
      Slot slot = session.slot(Lane.LOCAL);
      connection.send(command, replies, subscriptions.receiver(slot, replies, this::replyLost));
      session.holdUntilAnswered(); // whether it is a subscriber then decides what it may do
      return true;
    }
    LocalTransaction queuedIn = transaction;
    Transform change = track(request, name, transform);
    boolean blocks = spec != null && spec.blocking();
    blocking += blocks ? 1 : 0;
    Slot slot = session.slot(Lane.LOCAL);
    slot.weigh(command.readableBytes());
    connection.send(
        command, 1, new ReplyToSlot(slot, change, blocks, transaction == null ? null : queuedIn));
    if (inputEnded) {
      endInput();
    }
    return true;
  }

  /** Notes what the command does to the connection; returns how its reply is to be changed. */
  private Transform track(Request request, String name, Transform transform) {
    switch (name) {
      case "multi" -> {
        if (request.argCount() == 1 && transaction == null) {
          transaction = new LocalTransaction();
          selecting = false;
        }
      }
      case "watch" -> watching = true;
      case "unwatch" -> watching = false;
      case "monitor" -> monitoring |= transaction == null && request.argCount() == 1;
      case "client" -> {
        if (request.argCount() > 2 && request.argIs(1, "TRACKING")) {
          tracking = request.argIs(2, "ON");
        }
      }
      case "discard" -> {
        if (request.argCount() == 1) {
          leaveTransaction();
        }
      }
      case "exec" -> {
        LocalTransaction executed = transaction;
        if (selecting) {
          session.holdUntilAnswered(); // what is selected then decides where the next one goes
        }
        leaveTransaction();
        return executed == null ? transform : executed::apply;
      }
      default -> {}
    }
    return transform;
  }

  private void leaveTransaction() {
    transaction = null;
    watching = false;
    if (selecting) {
      database = -1; // it may have selected another one
    }
    selecting = false;
  }

  /** Brings the connection to the client's protocol and database. */
  private void prepare() {
    if (transaction != null) {
      return; // both were right when it began
    }
    connection.useProtocol(session.protocol());
    if (database != session.database()) {
      database = session.database();
      connection.command(IgnoredReplies.INSTANCE, "SELECT", Integer.toString(database));
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
    connection = opened;
    database = 0;
    opened.onPush(session::push);
    opened.tellPushes(this::isPush);
    opened.onClosed(c -> lost(opened));
  }

  private void lost(RespConnection which) {
    if (which != connection) { // identity: an older connection's end says nothing
      return;
    }
    boolean hadState =
        transaction != null || watching || subscriptions.any() || monitoring || tracking;
    forget();
    if (hadState) {
      session.client().close(); // the client must not believe that its state still stands
    }
  }

  private boolean isPush(ByteBuf frame) {
    if (monitoring) {
      int start = frame.readerIndex();
      if (frame.getByte(start) == '+' && Character.isDigit(frame.getByte(start + 1))) {
        return true; // what MONITOR shows begins with the time
      }
    }
    return subscriptions.isPush(frame, session.protocol());
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
    if (connection != null && !outputEnded && blocking > 0) {
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
    blocking = 0;
    transaction = null;
    selecting = false;
    watching = false;
    subscriptions = new Subscriptions();
    monitoring = false;
    tracking = false;
  }

  private final class ReplyToSlot implements ReplySink {
    private final Slot slot;
    private final Transform transform;
    private final boolean blocks;
    private final LocalTransaction queuedIn;

    ReplyToSlot(Slot slot, Transform transform, boolean blocks, LocalTransaction queuedIn) {
      this.slot = slot;
      this.transform = transform;
      this.blocks = blocks;
      this.queuedIn = queuedIn;
    }

    @Override
    public void onReply(ByteBuf frame) {
      blocking -= blocks ? 1 : 0;
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
