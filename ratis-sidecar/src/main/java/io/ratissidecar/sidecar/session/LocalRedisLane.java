package io.ratissidecar.sidecar.session;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.ratissidecar.sidecar.resp.RespConnection;
import io.ratissidecar.statemachine.apply.IgnoredReplies;
import io.ratissidecar.statemachine.apply.ReplySink;
import io.ratissidecar.statemachine.command.CommandSpec;
import io.ratissidecar.statemachine.resp.Request;
import io.ratissidecar.statemachine.resp.RespValue;
import java.util.List;
import java.util.Locale;
import java.util.Set;

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

  private static final Set<String> SUBSCRIPTION_COMMANDS =
      Set.of(
          "subscribe", "psubscribe", "ssubscribe", "unsubscribe", "punsubscribe", "sunsubscribe");
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
  private RespConnection connection;
  private boolean opening;
  private boolean inputEnded;
  private boolean outputEnded;
  private int blocking;
  private String openProblem;
  private int database;
  private boolean inTransaction;
  private boolean watching;
  private long subscriptions;
  private boolean monitoring;

  LocalRedisLane(Session session) {
    this.session = session;
  }

  /**
   * True while every byte of the client belongs to this connection: a RESP2 subscriber, a monitor.
   */
  boolean ownsConnection(Request request) {
    return connection != null
        && (monitoring || (subscriptions > 0 && session.protocol() == 2))
        && !request.argIs(0, "QUIT")
        && !request.argIs(0, "RESET");
  }

  /** True inside a {@code MULTI} of the local Redis. */
  boolean inTransaction() {
    return inTransaction;
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
    if (subscriptions > 0 && session.protocol() == 2 && !ALLOWED_WHILE_SUBSCRIBED.contains(name)) {
      session
          .slot(Lane.IMMEDIATE)
          .error(
              "ERR Can't execute '"
                  + name
                  + "': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / RESET are allowed in this context");
      return true;
    }
    prepare();
    ByteBuf command = Unpooled.buffer(request.frameEnd() - request.frameStart() + 16);
    request.writeFrom(0, command);
    if (SUBSCRIPTION_COMMANDS.contains(name)
        || name.equals("monitor")
        || monitoring
        || (subscriptions > 0 && session.protocol() == 2)) {
      // Answered by any number of frames, which reach the client as messages do.
      monitoring |= name.equals("monitor");
      connection.send(command, 0, IgnoredReplies.INSTANCE);
      return true;
    }
    track(name);
    CommandSpec spec = session.services().commands().find(request, 0);
    boolean blocks = spec != null && spec.blocking();
    blocking += blocks ? 1 : 0;
    connection.send(command, 1, new ReplyToSlot(session.slot(Lane.LOCAL), transform, blocks));
    if (inputEnded) {
      endInput();
    }
    return true;
  }

  private void track(String name) {
    switch (name) {
      case "multi" -> inTransaction = true;
      case "watch" -> watching = true;
      case "unwatch" -> watching = false;
      case "exec", "discard" -> {
        inTransaction = false;
        watching = false;
        database = -1; // the transaction may have selected another one
      }
      default -> {}
    }
  }

  /** Brings the connection to the client's protocol and database. */
  private void prepare() {
    if (inTransaction) {
      return; // both were right when it began
    }
    connection.useProtocol(session.protocol());
    if (database != session.database()) {
      database = session.database();
      connection.command(IgnoredReplies.INSTANCE, "SELECT", Integer.toString(database));
    }
  }

  private boolean open() {
    if (openProblem != null) {
      openProblem = null;
      session.slot(Lane.IMMEDIATE).error(LOST);
      return true;
    }
    session.holdUntil(
        resume -> {
          if (opening) {
            return;
          }
          opening = true;
          RespConnection.open(
              session.services().front(),
              session.services().localRedis(),
              new RespConnection.OpenListener() {
                @Override
                public void onOpen(RespConnection opened) {
                  opening = false;
                  opened(opened);
                  resume.run();
                }

                @Override
                public void onFailed(Throwable cause) {
                  opening = false;
                  openProblem = String.valueOf(cause.getMessage());
                  resume.run();
                }
              });
        });
    return false;
  }

  private void opened(RespConnection opened) {
    if (session.isClosed()) {
      opened.close();
      return;
    }
    connection = opened;
    database = 0;
    opened.onPush(this::message);
    opened.onClosed(c -> lost(opened));
  }

  private void lost(RespConnection which) {
    if (which != connection) { // identity: an older connection's end says nothing
      return;
    }
    boolean hadState = inTransaction || watching || subscriptions > 0 || monitoring;
    forget();
    if (hadState) {
      session.client().close(); // the client must not believe that its state still stands
    }
  }

  private void message(ByteBuf frame) {
    if (session.protocol() == 2 && !monitoring) {
      countSubscriptions(frame);
    }
    session.push(frame);
  }

  private void countSubscriptions(ByteBuf frame) {
    if (frame.getByte(frame.readerIndex()) != '*') {
      return;
    }
    List<RespValue> parts = RespValue.parse(frame.duplicate()).asList();
    if (parts.size() == 3 && SUBSCRIPTION_COMMANDS.contains(parts.get(0).asString())) {
      subscriptions = parts.get(2).asLong();
    }
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
    inTransaction = false;
    watching = false;
    subscriptions = 0;
    monitoring = false;
  }

  private final class ReplyToSlot implements ReplySink {
    private final Slot slot;
    private final Transform transform;
    private final boolean blocks;

    ReplyToSlot(Slot slot, Transform transform, boolean blocks) {
      this.slot = slot;
      this.transform = transform;
      this.blocks = blocks;
    }

    @Override
    public void onReply(ByteBuf frame) {
      blocking -= blocks ? 1 : 0;
      if (transform == null || frame.getByte(frame.readerIndex()) == '-') {
        slot.reply(frame);
      } else {
        slot.reply(out -> transform.apply(frame, out));
      }
    }

    @Override
    public void onLost() {
      slot.error(LOST);
    }
  }
}
