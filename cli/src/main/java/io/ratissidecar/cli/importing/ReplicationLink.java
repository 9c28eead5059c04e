package io.ratissidecar.cli.importing;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.ratissidecar.cli.client.UnreachableException;
import io.ratissidecar.sidecar.resp.RespEndpoint;
import io.ratissidecar.statemachine.resp.Resp;
import java.io.BufferedInputStream;
import java.io.Closeable;
import java.io.EOFException;
import java.io.FilterInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.SocketTimeoutException;
import java.nio.charset.StandardCharsets;
import java.util.function.BooleanSupplier;

/**
 * A connection to the source, which takes this for one of its replicas: it sends an RDB, then every
 * command that changes its data. For one thread, but for {@link #acknowledge} and {@link
 * #keepAlive}.
 */
final class ReplicationLink implements Closeable {
  private static final int CONNECT_MILLIS = 3000;

  /** After so long without a byte it is looked whether to stop. */
  private static final int POLL_MILLIS = 200;

  /** Redis sends something at least every ten seconds, by default. */
  private static final long SILENCE_NANOS = 60_000_000_000L;

  private static final int BUFFER_BYTES = 1 << 16;
  private static final String MARKED = "$EOF:";

  private final RespEndpoint endpoint;
  private final BooleanSupplier stopping;
  private final Socket socket = new Socket();
  private final byte[] chunk = new byte[BUFFER_BYTES];
  private InputStream in;
  private boolean streaming;
  private long lastByteNanos = System.nanoTime();

  /**
   * Where the stream of commands begins that follows the RDB.
   *
   * @param id of the source's history
   */
  record Start(String id, long offset) {}

  private ReplicationLink(RespEndpoint endpoint, BooleanSupplier stopping) {
    this.endpoint = endpoint;
    this.stopping = stopping;
  }

  /**
   * Connects and makes itself known.
   *
   * @param stopping asked while it waits; true ends that with {@link StoppedException}
   */
  static ReplicationLink connect(RespEndpoint endpoint, BooleanSupplier stopping)
      throws IOException {
    ReplicationLink link = new ReplicationLink(endpoint, stopping);
    try {
      link.socket.connect(new InetSocketAddress(endpoint.host(), endpoint.port()), CONNECT_MILLIS);
      link.socket.setSoTimeout(POLL_MILLIS);
      link.socket.setTcpNoDelay(true);
      link.in = new BufferedInputStream(link.new Patient(), BUFFER_BYTES);
      if (endpoint.password().isPresent()) {
        String password = endpoint.password().get();
        link.expectOk(
            endpoint.user().isPresent()
                ? new String[] {"AUTH", endpoint.user().get(), password}
                : new String[] {"AUTH", password});
      }
      link.expectOk("REPLCONF", "listening-port", "0"); // nobody can connect to this replica
      link.expectOk("REPLCONF", "capa", "eof", "capa", "psync2");
      return link;
    } catch (IOException e) {
      link.close();
      throw e instanceof StoppedException ? e : link.failure(e);
    }
  }

  private IOException failure(IOException e) {
    return new IOException(
        "can't copy from the source at " + endpoint + ": " + UnreachableException.reason(e), e);
  }

  private void expectOk(String... command) throws IOException {
    send(command);
    String reply = line();
    if (!reply.equals("+OK")) {
      throw new IOException("it answers " + command[0] + " with: " + reply);
    }
  }

  private synchronized void send(String... command) throws IOException {
    ByteBuf request = Unpooled.buffer(128);
    Resp.command(request, command);
    request.readBytes(socket.getOutputStream(), request.readableBytes());
  }

  /** Asks for everything; returns once the source has begun. */
  Start synchronise() throws IOException {
    send("PSYNC", "?", "-1");
    String reply = line();
    String[] words = reply.split(" ", -1);
    if (words.length != 3 || !words[0].equals("+FULLRESYNC")) {
      throw failure(new IOException("it answers PSYNC with: " + reply));
    }
    return new Start(words[1], Long.parseLong(words[2]));
  }

  /** The RDB, which must be read to its end before the commands. */
  InputStream rdb() throws IOException {
    String header = line();
    if (header.startsWith(MARKED)) {
      String mark = header.substring(MARKED.length());
      return new RdbUntilMark(in, mark.getBytes(StandardCharsets.US_ASCII));
    }
    if (!header.startsWith("$")) {
      throw failure(new IOException("it sends no RDB, but: " + header));
    }
    return new RdbOfLength(in, Long.parseLong(header.substring(1)));
  }

  /** The next line that is not empty: Redis sends empty ones to show that it lives. */
  private String line() throws IOException {
    StringBuilder line = new StringBuilder();
    while (true) {
      int c = in.read();
      if (c < 0) {
        throw new EOFException("it closed the connection");
      }
      if (c != '\n') {
        line.append((char) c);
      } else if (!line.toString().isBlank()) {
        return line.toString().strip();
      }
    }
  }

  /** The RDB was read to its end: what follows are commands, for which nobody waits long. */
  void beginCommands() {
    streaming = true;
  }

  /** Waits a moment for commands; false when none have come. */
  boolean receive(CommandStream stream) throws IOException {
    int count;
    try {
      count = in.read(chunk);
    } catch (SilentException e) {
      return false;
    } catch (IOException e) {
      throw failure(e);
    }
    if (count < 0) {
      throw failure(
          new EOFException(
              "it closed the connection. Its log says why; a replica that falls behind is dropped"
                  + " by 'client-output-buffer-limit replica'. What came is imported; begin again"
                  + " with an empty cluster"));
    }
    stream.feed(chunk, count);
    return true;
  }

  /** Tells the source how far its commands have been run. */
  void acknowledge(long offset) throws IOException {
    send("REPLCONF", "ACK", Long.toString(offset));
  }

  /** Shows the source that this lives while the RDB is read, as Redis does. */
  synchronized void keepAlive() throws IOException {
    socket.getOutputStream().write('\n');
  }

  @Override
  public void close() throws IOException {
    socket.close();
  }

  /** Nothing has come for a moment; only the stream of commands is left alone then. */
  private static final class SilentException extends IOException {
    private static final long serialVersionUID = 1L;
  }

  private final class Patient extends FilterInputStream {
    Patient() throws IOException {
      super(socket.getInputStream());
    }

    @Override
    public int read(byte[] bytes, int from, int length) throws IOException {
      while (true) {
        try {
          int count = super.read(bytes, from, length);
          lastByteNanos = System.nanoTime();
          return count;
        } catch (SocketTimeoutException e) {
          if (System.nanoTime() - lastByteNanos > SILENCE_NANOS) {
            throw new IOException("it has been silent for a minute", e);
          }
          if (streaming) {
            throw new SilentException();
          }
          if (stopping.getAsBoolean()) {
            throw new StoppedException();
          }
        }
      }
    }
  }
}
