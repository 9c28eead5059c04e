package io.ratissidecar.sidecar.redis;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.ratissidecar.sidecar.resp.RespEndpoint;
import io.ratissidecar.statemachine.resp.Resp;
import java.io.Closeable;
import java.io.EOFException;
import java.io.IOException;
import java.io.OutputStream;
import java.net.InetSocketAddress;
import java.net.SocketTimeoutException;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.SelectionKey;
import java.nio.channels.Selector;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Arrays;

/**
 * Takes an RDB from a Redis as one of its replicas would, over the connection, so that Redis may be
 * anywhere. For one thread, which waits.
 *
 * <p>Redis forks within the handling of {@code PSYNC}, and answers {@code +FULLRESYNC} in the same
 * turn of its loop: what is sent to it on any connection after {@link #awaitFork} returned is not
 * in the RDB. Source: {@code syncCommand} in {@code replication.c} of Redis 6.2 and 7.
 */
public final class RdbSource implements Closeable {
  private static final int BUFFER_BYTES = 1 << 18;
  private static final int MARK_BYTES = 40;
  private static final String STREAMED = "$EOF:";

  /** Redis sends something at least every ten seconds, by default. */
  private static final Duration SILENCE = Duration.ofSeconds(60);

  private static final Duration ANSWER = Duration.ofSeconds(5);

  private final SocketChannel channel;
  private final Selector selector;
  private final ByteBuffer in = ByteBuffer.allocate(BUFFER_BYTES).limit(0);

  private RdbSource(SocketChannel channel, Selector selector) {
    this.channel = channel;
    this.selector = selector;
  }

  /**
   * Connects and makes itself known.
   *
   * @param streamed whether Redis may send the RDB while it writes it, instead of from a file; it
   *     then forks at once only from version 7 on, and with {@code repl-diskless-sync-delay 0}
   */
  static RdbSource connect(RespEndpoint endpoint, boolean streamed) throws IOException {
    SocketChannel channel =
        endpoint.port() == 0
            ? SocketChannel.open(UnixDomainSocketAddress.of(endpoint.host()))
            : SocketChannel.open(new InetSocketAddress(endpoint.host(), endpoint.port()));
    Selector selector = Selector.open();
    RdbSource source = new RdbSource(channel, selector);
    try {
      channel.configureBlocking(false);
      channel.register(selector, SelectionKey.OP_READ);
      if (endpoint.password().isPresent()) {
        String password = endpoint.password().get();
        source.expectOk(
            endpoint.user().isPresent()
                ? new String[] {"AUTH", endpoint.user().get(), password}
                : new String[] {"AUTH", password});
      }
      source.expectOk("REPLCONF", "listening-port", "0");
      source.expectOk(
          streamed
              ? new String[] {"REPLCONF", "capa", "eof", "capa", "psync2"}
              : new String[] {"REPLCONF", "capa", "psync2"});
      source.send("REPLCONF", "rdb-only", "1");
      source.line(ANSWER); // an older Redis does not know it, and keeps later writes for us
      return source;
    } catch (IOException | RuntimeException e) {
      source.close();
      throw e;
    }
  }

  private void expectOk(String... command) throws IOException {
    send(command);
    String reply = line(ANSWER);
    if (!reply.equals("+OK")) {
      throw new IOException("Redis answered " + command[0] + " with: " + reply);
    }
  }

  private void send(String... command) throws IOException {
    ByteBuf request = Unpooled.buffer(128);
    Resp.command(request, command);
    ByteBuffer left = request.nioBuffer();
    while (left.hasRemaining()) { // a few bytes: they fit into the socket's buffer
      channel.write(left);
    }
  }

  /**
   * Asks for the RDB, and returns when it is settled which state it has.
   *
   * @throws SocketTimeoutException when Redis has not forked by then; another child of its is at
   *     work, for example
   */
  public void awaitFork(Duration patience) throws IOException {
    send("PSYNC", "?", "-1");
    String reply = line(patience);
    if (!reply.startsWith("+FULLRESYNC ")) {
      throw new IOException("Redis answered PSYNC with: " + reply);
    }
  }

  /** Copies the RDB; returns its length. */
  public long copyTo(OutputStream out) throws IOException {
    String header = line(SILENCE);
    if (header.startsWith(STREAMED)) {
      return copyToMark(header.substring(STREAMED.length()), out);
    }
    if (!header.startsWith("$")) {
      throw new IOException("Redis sent no RDB, but: " + header);
    }
    long length = Long.parseLong(header.substring(1));
    for (long left = length; left > 0; ) {
      require(SILENCE);
      int count = (int) Math.min(left, in.remaining());
      out.write(in.array(), in.position(), count);
      in.position(in.position() + count);
      left -= count;
    }
    return length;
  }

  /** Redis sends nothing behind the mark before the replica has acknowledged it. */
  private long copyToMark(String mark, OutputStream out) throws IOException {
    byte[] wanted = mark.getBytes(StandardCharsets.US_ASCII);
    if (wanted.length != MARK_BYTES) {
      throw new IOException("Redis sent a mark of " + wanted.length + " bytes");
    }
    byte[] last = new byte[0];
    long written = 0;
    while (true) {
      require(SILENCE);
      byte[] all = Arrays.copyOf(last, last.length + in.remaining());
      in.get(all, last.length, in.remaining());
      int kept = Math.min(MARK_BYTES, all.length);
      last = Arrays.copyOfRange(all, all.length - kept, all.length);
      out.write(all, 0, all.length - kept);
      written += all.length - kept;
      if (Arrays.equals(last, wanted)) {
        return written;
      }
    }
  }

  /** The next line that is not empty: Redis sends empty ones to show that it lives. */
  private String line(Duration patience) throws IOException {
    long end = System.nanoTime() + patience.toNanos();
    StringBuilder line = new StringBuilder();
    while (true) {
      require(Duration.ofNanos(Math.max(1, end - System.nanoTime())));
      char c = (char) (in.get() & 0xff);
      if (c != '\n') {
        line.append(c);
      } else if (!line.toString().isBlank()) {
        return line.toString().strip();
      }
    }
  }

  private void require(Duration patience) throws IOException {
    long end = System.nanoTime() + patience.toNanos();
    while (!in.hasRemaining()) {
      long left = (end - System.nanoTime()) / 1_000_000;
      if (left < 0) {
        throw new SocketTimeoutException("Redis is silent");
      }
      selector.select(left + 1);
      selector.selectedKeys().clear();
      if (Thread.interrupted()) {
        throw new java.io.InterruptedIOException("stopping");
      }
      in.clear();
      int count = channel.read(in);
      in.flip();
      if (count < 0) {
        throw new EOFException("Redis closed the connection");
      }
    }
  }

  @Override
  public void close() throws IOException {
    selector.close();
    channel.close();
  }
}
