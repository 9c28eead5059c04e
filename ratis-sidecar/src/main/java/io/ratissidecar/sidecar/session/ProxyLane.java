package io.ratissidecar.sidecar.session;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.ratissidecar.sidecar.config.SidecarConfig;
import io.ratissidecar.sidecar.raft.Member;
import io.ratissidecar.sidecar.raft.OwnReplies;
import io.ratissidecar.sidecar.resp.RespConnection;
import io.ratissidecar.sidecar.resp.RespEndpoint;
import io.ratissidecar.statemachine.apply.IgnoredReplies;
import io.ratissidecar.statemachine.apply.ReplySink;
import io.ratissidecar.statemachine.resp.Request;
import io.ratissidecar.statemachine.resp.Resp;
import java.nio.charset.StandardCharsets;
import java.util.ArrayDeque;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A client's own connection to the leader, on which a follower forwards its RAFT commands. One
 * connection per client, so that replies can't cross between clients and no state is shared.
 */
final class ProxyLane {
  private static final Logger LOG = LoggerFactory.getLogger(ProxyLane.class);

  /** What the way to the leader and back may take. */
  private static final long MARGIN_NANOS = 1_000_000_000;

  private static final long FOR_EVER = Long.MAX_VALUE;

  /** How often it is looked whether the leader still leads, as long as a command waits there. */
  private static final long LOOK_NANOS = 1_000_000_000;

  private static final long LONGEST_MILLIS = TimeUnit.DAYS.toMillis(365);

  /** Replies that wait for this node's own Redis to answer what came before them. */
  private static final long MOST_KEPT_BYTES = 1 << 20;

  private static final byte[] RAFT = "RAFT".getBytes(StandardCharsets.US_ASCII);

  /** Nothing happened; the command may be sent again. */
  private static final String FAILED = "NOTLEADER Failed to proxy command";

  /** It may have happened. */
  private static final String UNKNOWN = "TIMEOUT no reply from leader";

  private final Session session;
  private final ConnectionAttempt attempt;
  private RespConnection connection;
  private String address = "";
  private final ArrayDeque<Forwarded> waiting = new ArrayDeque<>();
  private boolean checkingPatience;
  private boolean watching;
  private boolean lostWatched;

  /** Those that the leader has answered and this node's own Redis has not. */
  private final Set<Forwarded> late = new LinkedHashSet<>();

  /** How much has come behind the first of them. */
  private long keptBytes;

  /** Since when the node that was forwarded to is known not to lead; 0 for not. */
  private long deposedNanos;

  private int database;

  ProxyLane(Session session) {
    this.session = session;
    this.attempt = new ConnectionAttempt(session);
  }

  /**
   * Forwards commands whose last reply is the client's.
   *
   * @param commands without the RAFT prefix; copies
   * @return false when the request has to come again later
   */
  boolean forward(List<Request> commands, boolean transaction) {
    return forward(commands, transaction, false, patienceNanos(), () -> {});
  }

  /**
   * As {@link #forward}, for a transaction.
   *
   * @param executed run before the client has the reply, if that is not an error or a null
   */
  boolean forwardTransaction(List<Request> block, Runnable executed) {
    return forward(block, true, false, patienceNanos(), executed);
  }

  /**
   * As {@link #forward}, for a command that may wait at the leader. Nothing else of the client's is
   * taken until it is answered.
   *
   * @param timeoutMillis how long it may wait; 0 for ever
   */
  boolean forwardBlocking(List<Request> command, long timeoutMillis) {
    long patience =
        timeoutMillis == 0 || timeoutMillis > LONGEST_MILLIS
            ? FOR_EVER
            : TimeUnit.MILLISECONDS.toNanos(timeoutMillis) + patienceNanos();
    boolean taken = forward(command, false, true, patience, () -> {});
    if (taken) {
      session.holdUntilAnswered();
    }
    return taken;
  }

  private boolean forward(
      List<Request> commands,
      boolean transaction,
      boolean blocking,
      long patienceNanos,
      Runnable executed) {
    if (!session.enter(Lane.PROXY)) {
      return false;
    }
    Optional<Member> leader = session.services().remoteLeader();
    if (leader.isEmpty()) {
      return failed(transaction);
    }
    String leaderAddress = leader.get().clientAddress();
    if (connection != null && !address.equals(leaderAddress)) {
      if (connection.outstanding() > 0) {
        return failed(transaction); // replies of the former leader are due; order stands first
      }
      close();
    }
    if (connection == null) {
      return open(leaderAddress);
    }
    send(commands, transaction, blocking, patienceNanos, executed);
    return true;
  }

  private boolean failed(boolean transaction) {
    if (transaction) {
      forgetWatched(); // EXEC ends it, whatever becomes of it
    }
    session.slot(Lane.IMMEDIATE).error(FAILED);
    return true;
  }

  /**
   * Forwards a {@code WATCH}: from now on the leader's connection holds something that must not be
   * lost unnoticed. False when the request has to come again later.
   */
  boolean watch(Request request) {
    if (lostWatched) { // more keys do not bring it back
      session.slot(Lane.IMMEDIATE).ok();
      return true;
    }
    if (!forward(List.of(request), false)) {
      return false;
    }
    watching = connection != null;
    return true;
  }

  /** True from a forwarded {@code WATCH} to the end of the transaction. */
  boolean isWatching() {
    return watching || lostWatched;
  }

  /** True when the connection on which the leader watched has ended since. */
  boolean hasLostWatched() {
    return lostWatched;
  }

  /** Watches no more. */
  void forgetWatched() {
    if (watching && connection != null) {
      connection.command(IgnoredReplies.INSTANCE, "RAFT", "UNWATCH");
    }
    watching = false;
    lostWatched = false;
  }

  private void connectionEnded() {
    connection = null;
    lostWatched |= watching;
    watching = false;
  }

  private void send(
      List<Request> commands,
      boolean transaction,
      boolean blocking,
      long patienceNanos,
      Runnable executed) {
    deposedNanos = 0;
    session.services().sessions().countProxied();
    connection.useProtocol(session.protocol());
    if (database != session.database()) {
      database = session.database();
      connection.command(IgnoredReplies.INSTANCE, "SELECT", Integer.toString(database));
    }
    ByteBuf out = Unpooled.buffer(256);
    for (Request command : commands) {
      Resp.writeArrayHeader(out, command.argCount() + 1);
      Resp.writeBulk(out, RAFT);
      for (int i = 0; i < command.argCount(); i++) {
        Resp.writeBulk(out, command.buffer(), command.argStart(i), command.argLength(i));
      }
    }
    if (transaction) {
      watching = false; // EXEC ends it
    }
    Slot slot = session.slot(Lane.PROXY);
    Forwarded forwarded =
        new Forwarded(
            blocking ? slot.waits() : slot,
            commands.size(),
            transaction,
            blocking,
            patienceNanos,
            executed);
    if (!transaction && session.services().commands().countsSubscribers(commands.get(0))) {
      forwarded.expectOwnReply(commands.get(0));
    }
    waiting.add(forwarded);
    watchPatience();
    connection.send(out, commands.size(), forwarded);
  }

  /**
   * The client has ended its side of the connection. The leader hears of it when a command of this
   * client waits there, which it then drops.
   */
  void endInput() {
    if (connection != null && isBlocked()) {
      connection.endOutput();
    }
  }

  /** A command that waits at the leader is the only one under way. */
  boolean isBlocked() {
    return !waiting.isEmpty() && waiting.peek().blocking;
  }

  /**
   * Ends a wait at the leader: the leader is shown the end of the connection.
   *
   * @param error the client's reply in place of null
   * @return whether a command of this client waits there
   */
  boolean unblock(Optional<String> error) {
    if (connection == null || !isBlocked()) {
      return false;
    }
    waiting.peek().unblocked(error);
    connection.endOutput();
    return true;
  }

  /**
   * A leader answers within its own time-outs, and ends what waits there when it leads no more. One
   * that is frozen, or whose machine is gone, does not, and its connection may stay open for ever.
   */
  private void watchPatience() {
    if (!checkingPatience && !waiting.isEmpty()) {
      checkingPatience = true;
      long leftNanos = waiting.peek().leftNanos();
      if (isBlocked()) {
        leftNanos = Math.min(leftNanos, LOOK_NANOS);
      }
      session
          .services()
          .front()
          .loop()
          .schedule(this::checkPatience, Math.max(0, leftNanos), TimeUnit.NANOSECONDS);
    }
  }

  private void checkPatience() {
    checkingPatience = false;
    if (!waiting.isEmpty() && (waiting.peek().leftNanos() <= 0 || isBlocked() && isDeposed())) {
      LOG.warn("The leader at {} does not answer; giving up on what was forwarded to it", address);
      close();
    }
    watchPatience();
  }

  /** True when the node that was forwarded to should have said by now that it leads no more. */
  private boolean isDeposed() {
    long now = System.nanoTime();
    Optional<Member> leader = session.services().remoteLeader();
    if (leader.filter(member -> member.clientAddress().equals(address)).isPresent()) {
      deposedNanos = 0;
      return false;
    }
    if (deposedNanos == 0) {
      deposedNanos = now;
    }
    return now - deposedNanos > patienceNanos();
  }

  private long patienceNanos() {
    SidecarConfig config = session.services().config();
    return Math.max(config.responseTimeout().toNanos(), config.readTimeout().toNanos())
        + MARGIN_NANOS;
  }

  private boolean open(String leaderAddress) {
    if (attempt.takeFailure()) {
      session.services().sessions().countProxyFailure();
      session.slot(Lane.IMMEDIATE).error(FAILED);
      return true;
    }
    Services services = session.services();
    attempt.begin(
        ended ->
            new ProxyHandshake(
                services.front(),
                RespEndpoint.parse(leaderAddress, services.config().password()),
                services.replication().orElseThrow().raft().identity().clusterId(),
                ended),
        opened -> opened(opened, leaderAddress));
    return false;
  }

  private void opened(RespConnection opened, String leaderAddress) {
    connection = opened;
    address = leaderAddress;
    deposedNanos = 0;
    database = 0;
    opened.onClosed(
        c -> {
          if (c == connection) { // identity: an older connection's end says nothing
            connectionEnded();
          }
        });
  }

  void setReading(boolean reading) {
    if (connection != null) {
      connection.setReading(reading);
    }
  }

  /** A reply has to be kept behind those that wait for this node's own Redis. */
  private void kept(int bytes) {
    keptBytes += bytes;
    if (keptBytes > MOST_KEPT_BYTES) {
      // Not reading on would be no better: the leader, too, keeps only so much for a client.
      List.copyOf(late).forEach(forwarded -> forwarded.ownReply.settle());
    }
  }

  void close() {
    RespConnection closing = connection;
    connectionEnded();
    if (closing != null) {
      closing.close();
    }
  }

  private final class Forwarded implements ReplySink {
    private final Slot slot;
    private final boolean transaction;
    private final int count;
    private final long sentNanos = System.nanoTime();
    private final boolean blocking;
    private final long patienceNanos;
    private final Runnable executed;
    private int received;
    private boolean over;
    private boolean unblocked;
    private Optional<String> unblockedError = Optional.empty();

    /** What this node's own Redis replies; null when the leader's reply is the client's. */
    private OwnReplies.Expected ownReply;

    Forwarded(
        Slot slot,
        int count,
        boolean transaction,
        boolean blocking,
        long patienceNanos,
        Runnable executed) {
      this.executed = executed;
      this.blocking = blocking;
      this.patienceNanos = patienceNanos;
      this.slot = slot;
      this.count = count;
      this.transaction = transaction;
    }

    /** The client gets the reply of this node's own Redis, if that comes. */
    void expectOwnReply(Request command) {
      OwnReplies replies = session.services().replication().orElseThrow().applier().ownReplies();
      ownReply = replies.expect(command, this::answered);
      slot.weigh(command.frameEnd() - command.frameStart()); // which is kept until then
    }

    @Override
    public void onReply(ByteBuf frame) {
      received++;
      boolean error = frame.getByte(frame.readerIndex()) == '-';
      if (over || (received < count && !(transaction && received == 1 && error))) {
        return;
      }
      over();
      if (!late.isEmpty()) {
        kept(frame.readableBytes());
      }
      if (unblocked) {
        close(); // nothing more can be sent on it
      }
      if (ownReply != null && !error) {
        late.add(this);
        ownReply.executed(frame);
        return;
      }
      dropOwnReply();
      if (unblockedError.isPresent() && Resp.isNull(frame)) {
        slot.error(unblockedError.get());
      } else if (error && startsWith(frame, "-MOVED ")) {
        session.services().sessions().countProxyFailure();
        slot.error(FAILED);
      } else {
        if (!error && !Resp.isNull(frame)) {
          executed.run();
        }
        slot.reply(frame);
      }
    }

    @Override
    public void onLost() {
      if (!over) {
        over();
        dropOwnReply();
        session.services().sessions().countProxyFailure();
        slot.error(UNKNOWN);
      }
    }

    /** Somebody has asked to end the wait. */
    void unblocked(Optional<String> error) {
      unblocked = true;
      unblockedError = error;
    }

    /** How much longer it is waited for. */
    long leftNanos() {
      return sentNanos + patienceNanos - System.nanoTime();
    }

    private void answered(ByteBuf frame) {
      late.remove(this);
      if (late.isEmpty()) {
        keptBytes = 0;
      }
      slot.reply(frame);
    }

    private void dropOwnReply() {
      if (ownReply != null) {
        ownReply.drop();
      }
    }

    private void over() {
      over = true;
      session.services().sessions().countProxyAnswer();
      while (!waiting.isEmpty() && waiting.peek().over) {
        waiting.poll();
      }
    }

    private boolean startsWith(ByteBuf frame, String prefix) {
      return frame.readableBytes() > prefix.length()
          && frame
              .toString(frame.readerIndex(), prefix.length(), StandardCharsets.US_ASCII)
              .equals(prefix);
    }
  }
}
