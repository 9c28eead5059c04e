package io.ratissidecar.sidecar.session;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.ratissidecar.sidecar.resp.RespConnection;
import io.ratissidecar.statemachine.apply.IgnoredReplies;
import io.ratissidecar.statemachine.apply.ReplySink;
import io.ratissidecar.statemachine.command.DatabaseKey;
import io.ratissidecar.statemachine.resp.Request;
import java.util.LinkedHashSet;
import java.util.Set;
import java.util.function.Consumer;

/**
 * The keys that a client watches on the leader. The leader's own Redis watches them, on a
 * connection for this client alone: it sees every change, whoever made it. When that connection is
 * lost, so is the knowledge, and the transaction must fail. Confined to the front loop.
 */
final class WatchedKeys {
  private static final String NOT_REACHABLE = "ERR the local Redis is not reachable at the moment";

  private final Session session;
  private final ConnectionAttempt attempt;
  private RespConnection connection;
  private final Set<DatabaseKey> keys = new LinkedHashSet<>();
  private int database;
  private boolean any;

  /** In which the first key was watched. */
  private long term;

  WatchedKeys(Session session) {
    this.session = session;
    this.attempt = new ConnectionAttempt(session);
  }

  /** Handles a {@code WATCH}; false when the request has to come again later. */
  boolean watch(Request request, int name) {
    if (!session.enter(Lane.WATCH)) {
      return false;
    }
    if (connection == null) {
      if (any) { // what was watched before is lost, and more keys do not change that
        session.slot(Lane.IMMEDIATE).ok();
        return true;
      }
      return open();
    }
    if (database != session.database()) {
      database = session.database();
      connection.command(IgnoredReplies.INSTANCE, "SELECT", Integer.toString(database));
    }
    ByteBuf command = Unpooled.buffer(request.frameEnd() - request.frameStart() + 16);
    request.writeFrom(name, command);
    if (!any) {
      any = true;
      term = currentTerm();
    }
    for (int i = name + 1; i < request.argCount(); i++) {
      keys.add(new DatabaseKey(database, request.arg(i)));
    }
    connection.send(command, 1, new ToSlot(session.slot(Lane.WATCH)));
    return true;
  }

  private boolean open() {
    if (attempt.takeFailure()) {
      session.slot(Lane.IMMEDIATE).error(NOT_REACHABLE);
      return true;
    }
    Services services = session.services();
    attempt.begin(
        ended -> RespConnection.open(services.front(), services.localRedis(), ended),
        opened -> {
          connection = opened;
          database = 0;
          opened.onClosed(
              c -> {
                if (c == connection) { // identity: an older connection's end says nothing
                  connection = null;
                }
              });
        });
    return false;
  }

  /** True from the first {@code WATCH} to the end of the transaction. */
  boolean any() {
    return any;
  }

  /** What is watched. */
  Set<DatabaseKey> keys() {
    return Set.copyOf(keys);
  }

  /**
   * Finds out whether the keys are as they were, and watches no more.
   *
   * @param verdict called once: false also when it is not known
   */
  void check(Consumer<Boolean> verdict) {
    any = false;
    keys.clear();
    // Between two terms of this node as leader, its Redis may have got all data anew.
    if (connection == null || term != currentTerm()) {
      forgetThere();
      verdict.accept(false);
      return;
    }
    connection.command(IgnoredReplies.INSTANCE, "MULTI");
    connection.command(new Verdict(verdict), "EXEC");
  }

  /** Watches no more. */
  void forget() {
    if (any) {
      forgetThere();
    }
    any = false;
    keys.clear();
  }

  private void forgetThere() {
    if (connection != null) {
      connection.command(IgnoredReplies.INSTANCE, "UNWATCH");
    }
  }

  private long currentTerm() {
    return session.services().replication().map(r -> r.raft().group().term()).orElse(-1L);
  }

  void close() {
    any = false;
    keys.clear();
    RespConnection closing = connection;
    connection = null;
    if (closing != null) {
      closing.close();
    }
  }

  private record ToSlot(Slot slot) implements ReplySink {
    @Override
    public void onReply(ByteBuf frame) {
      slot.reply(frame);
    }

    @Override
    public void onLost() {
      slot.error(NOT_REACHABLE);
    }
  }

  /** An empty transaction gives an empty array, unless a watched key has changed. */
  private record Verdict(Consumer<Boolean> verdict) implements ReplySink {
    @Override
    public void onReply(ByteBuf frame) {
      int start = frame.readerIndex();
      verdict.accept(frame.getByte(start) == '*' && frame.getByte(start + 1) == '0');
    }

    @Override
    public void onLost() {
      verdict.accept(false);
    }
  }
}
