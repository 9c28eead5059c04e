package io.ratissidecar.jepsen;

import java.io.Closeable;
import java.io.IOException;
import java.util.List;
import java.util.concurrent.locks.LockSupport;

/**
 * A client that goes where it is sent by {@code -MOVED}, and elsewhere when a node does not serve,
 * as cluster clients do. It never sends anything twice. For one thread.
 */
public final class RoamingClient implements Closeable {
  /** Before another node is asked, so that nodes which do not serve are not asked all the time. */
  private static final long PAUSE_NANOS = 20_000_000;

  private final List<String> addresses;
  private final int timeoutMillis;
  private RespClient connection;
  private String target;
  private int next;

  /**
   * @param addresses of the nodes, {@code host:port}
   * @param first number of the node to begin with; may be more than there are
   * @param timeoutMillis for a connection, and for a reply
   */
  public RoamingClient(List<String> addresses, int first, int timeoutMillis) {
    this.addresses = List.copyOf(addresses);
    this.timeoutMillis = timeoutMillis;
    this.next = first;
    this.target = addresses.get(first % addresses.size());
  }

  /** True when there is a connection; else another node is tried at the next call. */
  public boolean connect() {
    if (connection != null) {
      return true;
    }
    LockSupport.parkNanos(PAUSE_NANOS);
    try {
      connection = RespClient.to(target, timeoutMillis);
      return true;
    } catch (IOException e) {
      elsewhere();
      return false;
    }
  }

  /**
   * Sends one command over the connection and reads its reply, which may be an error.
   *
   * @throws IOException when the connection was lost before the reply, or it took too long
   */
  public Reply call(String... words) throws IOException {
    try {
      Reply reply = connection.call(words);
      if (reply.isError()) {
        follow(reply.text());
      }
      return reply;
    } catch (IOException e) {
      elsewhere();
      throw e;
    }
  }

  private void follow(String error) {
    String to = error.startsWith("MOVED ") ? error.substring(error.lastIndexOf(' ') + 1) : null;
    if (to != null && !to.equals(target)) {
      close();
      target = to;
    } else {
      elsewhere();
    }
  }

  private void elsewhere() {
    close();
    target = addresses.get(++next % addresses.size());
  }

  /** Ends the connection; there may be another one. */
  @Override
  public void close() {
    if (connection != null) {
      connection.close();
      connection = null;
    }
  }
}
