package io.ratissidecar.cli.importing;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.ratissidecar.cli.client.NodeClient;
import io.ratissidecar.cli.client.ReplyException;
import io.ratissidecar.cli.client.UnreachableException;
import io.ratissidecar.sidecar.resp.BlockingRespClient;
import io.ratissidecar.sidecar.resp.RespEndpoint;
import io.ratissidecar.statemachine.resp.Resp;
import io.ratissidecar.statemachine.resp.RespValue;
import java.io.Closeable;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;

/**
 * A connection to whoever leads the cluster, for commands that are sent ahead of their replies.
 * Whatever goes wrong on the way, a lost connection, no leader, an unknown outcome, is a {@link
 * LostException}; after {@link #reconnect} whether a command took effect can be found out by
 * reading. For one thread.
 */
final class LeaderLink implements Closeable {
  private static final Duration CONNECT = Duration.ofSeconds(3);
  private static final Duration REPLY = Duration.ofSeconds(20); // the node's own limit is 10 s
  private static final Duration PATIENCE = Duration.ofSeconds(60);
  private static final long RETRY_MILLIS = 100;
  private static final int MOST_LOSSES = 30;
  private static final int SEND_BYTES = 1 << 18;

  /** The first words of errors after which the same may do at another node or a little later. */
  private static final Set<String> PASSING =
      Set.of("MOVED", "CLUSTERDOWN", "NOTLEADER", "NOCLUSTER", "LOADING", "TRYAGAIN", "TIMEOUT");

  /** The commands on their way got no reply, or one that does not settle what became of them. */
  static final class LostException extends Exception {
    private static final long serialVersionUID = 1L;

    LostException(String problem) {
      super(problem);
    }
  }

  private final NodeClient nodes;
  private final Optional<String> password;
  private final BooleanSupplier stopping;
  private final LeaderFinder finder;
  private final ByteBuf out = Unpooled.buffer(SEND_BYTES);

  /** For each reply that is due: whether it is that of a SELECT that nobody asked for. */
  private final Deque<Boolean> due = new ArrayDeque<>();

  private BlockingRespClient client;
  private String address;
  private String ownAddress;
  private int databases;
  private int selected;
  private int losses;

  /**
   * @param addresses of nodes; one that can be reached is enough
   * @param stopping asked while it waits for a leader; true ends that
   */
  LeaderLink(
      NodeClient nodes,
      Optional<String> password,
      List<String> addresses,
      BooleanSupplier stopping) {
    this.nodes = nodes;
    this.password = password;
    this.finder = new LeaderFinder(nodes, addresses);
    this.stopping = stopping;
  }

  /** False before {@link #reconnect}, and when that has failed. */
  boolean isConnected() {
    return client != null;
  }

  /** How many databases clients of the cluster have. */
  int databases() {
    return databases;
  }

  /** Sends a command, in a database; its reply comes with {@link #receive}, in order. */
  void send(int database, byte[]... command) throws LostException {
    if (database >= databases) {
      throw new IllegalStateException(
          "the source has data in database "
              + database
              + ", but clients of the cluster have the databases 0 to "
              + (databases - 1)
              + ". Move it to another one, or set 'databases' of each node's Redis to "
              + (database + 2));
    }
    if (database != selected) {
      Resp.command(out, "SELECT", Integer.toString(database));
      due.add(true);
      selected = database;
    }
    Resp.command(out, command);
    due.add(false);
    if (out.readableBytes() >= SEND_BYTES) {
      flush();
    }
  }

  private void flush() throws LostException {
    if (client == null) {
      throw new LostException("there is no connection");
    }
    try {
      client.send(out);
    } catch (IOException e) {
      throw new LostException(UnreachableException.reason(e));
    } finally {
      out.clear();
    }
  }

  /**
   * The reply to the first command that has none yet. An error in it is final: sending the command
   * again would bring the same.
   */
  RespValue receive() throws LostException {
    flush();
    RespValue reply = next();
    if (due.remove()) {
      return receive();
    }
    losses = 0;
    return reply;
  }

  private RespValue next() throws LostException {
    RespValue reply;
    try {
      reply = client.receive();
    } catch (IOException e) {
      throw new LostException(UnreachableException.reason(e));
    }
    if (reply instanceof RespValue.Error error && mayPass(error.message())) {
      NodeClient.moved(reply).ifPresent(finder::rememberFirst);
      throw new LostException(error.message());
    }
    return reply;
  }

  /** Whether the same may do at another node or a little later. */
  static boolean mayPass(String error) {
    return PASSING.contains(error.split(" ", 2)[0]) || error.contains("too much is queued");
  }

  /** Sends a command that may be repeated until its outcome is known. */
  RespValue repeat(int database, byte[]... command) throws IOException {
    while (true) {
      try {
        send(database, command);
        return receive();
      } catch (LostException e) {
        reconnect();
      }
    }
  }

  /**
   * Connects to the leader, and sees to it that whatever was sent before has taken effect by now or
   * never will: the former connection is closed by its node, so that no command is read from it any
   * more, and an entry of its own is applied, behind which none of an earlier term or of an earlier
   * moment can come.
   *
   * @throws IOException when no leader answers for a minute, or every connection is lost at once
   */
  void reconnect() throws IOException {
    if (++losses > MOST_LOSSES) {
      throw new IOException(
          address + " ends the connection whenever these commands are sent; its log says why");
    }
    String former = address;
    String formerOwn = ownAddress;
    disconnect();
    long end = System.nanoTime() + PATIENCE.toNanos();
    while (true) {
      try {
        connect(finder.find());
        if (formerOwn != null) {
          kill(former, formerOwn);
        }
        passThroughLog();
        return;
      } catch (IOException | LostException e) {
        disconnect();
        if (former == null && e instanceof UnreachableException unreachable) {
          throw unreachable; // the address is wrong, most likely
        }
        if (System.nanoTime() > end) {
          throw new IOException("no leader takes commands: " + e.getMessage(), e);
        }
      }
      pause();
    }
  }

  private void connect(String leader) throws IOException, LostException {
    client = BlockingRespClient.connect(RespEndpoint.parse(leader, password), CONNECT, REPLY);
    address = leader;
    selected = 0;
    databases = (int) call(client, "CONFIG", "GET", "databases").asList().get(1).asLong() - 1;
    // As the node sees it, which may be behind a translation of addresses.
    String info = call(client, "CLIENT", "INFO").asString();
    ownAddress = info.replaceFirst("(?s)^.*?\\baddr=(\\S+).*$", "$1");
  }

  /** Best effort: a node that can't be reached reads nothing that could still become an entry. */
  private void kill(String former, String own) {
    try {
      if (former.equals(address)) {
        client.call("CLIENT", "KILL", "ADDR", own);
      } else {
        nodes.ask(former, CONNECT, "CLIENT", "KILL", "ADDR", own);
      }
    } catch (IOException | ReplyException e) {
      // See above.
    }
  }

  private void passThroughLog() throws IOException, LostException {
    call(client, "RAFT", "MULTI");
    call(client, "RAFT", "EXISTS", "ratis-sidecar");
    call(client, "RAFT", "EXEC");
  }

  private static RespValue call(BlockingRespClient client, String... command)
      throws IOException, LostException {
    RespValue reply = client.call(command);
    if (reply instanceof RespValue.Error error) {
      throw new LostException(error.message());
    }
    return reply;
  }

  private void pause() throws StoppedException {
    if (stopping.getAsBoolean()) {
      throw new StoppedException();
    }
    try {
      TimeUnit.MILLISECONDS.sleep(RETRY_MILLIS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new StoppedException();
    }
  }

  private void disconnect() {
    out.clear();
    due.clear();
    if (client != null) {
      try {
        client.close();
      } catch (IOException e) {
        // It is given up anyway.
      }
      client = null;
    }
  }

  @Override
  public void close() {
    disconnect();
  }
}
