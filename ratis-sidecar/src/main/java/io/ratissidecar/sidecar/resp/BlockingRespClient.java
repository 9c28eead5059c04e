package io.ratissidecar.sidecar.resp;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.ratissidecar.statemachine.resp.MalformedReplyException;
import io.ratissidecar.statemachine.resp.ReplyScanner;
import io.ratissidecar.statemachine.resp.Resp;
import io.ratissidecar.statemachine.resp.RespValue;
import java.io.Closeable;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.time.Duration;

/**
 * A plain blocking connection to a node or to a Redis, for tools: asks one thing at a time with
 * {@link #call}, or sends ahead with {@link #send} and reads the replies, in order, with {@link
 * #receive}.
 *
 * <p>For one thread. After an {@link IOException} the connection is of no more use: whether the
 * command took effect is not known.
 */
public final class BlockingRespClient implements Closeable {
  private static final int READ_BYTES = 16 * 1024;

  /** The password was refused; the message is the error as it came. */
  public static final class PasswordRefusedException extends IOException {
    private static final long serialVersionUID = 1L;

    PasswordRefusedException(String error) {
      super(error);
    }
  }

  private final RespEndpoint endpoint;
  private final Socket socket = new Socket();
  private final ReplyScanner scanner = new ReplyScanner();
  private final ByteBuf received = Unpooled.buffer(READ_BYTES);
  private final byte[] chunk = new byte[READ_BYTES];

  private BlockingRespClient(RespEndpoint endpoint) {
    this.endpoint = endpoint;
  }

  /**
   * Connects over TCP, and authenticates when the endpoint has a password.
   *
   * @param readTimeout how long each reply may take
   * @throws PasswordRefusedException when the password is refused
   * @throws IOException when nobody answers there
   */
  public static BlockingRespClient connect(
      RespEndpoint endpoint, Duration connectTimeout, Duration readTimeout) throws IOException {
    BlockingRespClient client = new BlockingRespClient(endpoint);
    try {
      client.socket.connect(
          new InetSocketAddress(endpoint.host(), endpoint.port()), (int) connectTimeout.toMillis());
      client.socket.setTcpNoDelay(true);
      client.socket.setSoTimeout((int) readTimeout.toMillis());
      client.authenticate();
    } catch (IOException | RuntimeException e) {
      client.close();
      throw e;
    }
    return client;
  }

  private void authenticate() throws IOException {
    if (endpoint.password().isEmpty()) {
      return;
    }
    String password = endpoint.password().get();
    RespValue reply =
        endpoint.user().isPresent()
            ? call("AUTH", endpoint.user().get(), password)
            : call("AUTH", password);
    if (reply instanceof RespValue.Error error) {
      throw new PasswordRefusedException(error.message());
    }
  }

  /** Sends one command and waits for its reply; an error reply is a reply. */
  public RespValue call(String... command) throws IOException {
    ByteBuf request = Unpooled.buffer(256);
    Resp.command(request, command);
    send(request);
    return receive();
  }

  /** Sends what is readable in the buffer: commands, each of which gets a reply. */
  public void send(ByteBuf commands) throws IOException {
    commands.readBytes(socket.getOutputStream(), commands.readableBytes());
  }

  /** Waits for the reply to the first command that has none yet. */
  public RespValue receive() throws IOException {
    InputStream in = socket.getInputStream();
    try {
      int length = scanner.scan(received);
      while (length < 0) {
        int count = in.read(chunk);
        if (count < 0) {
          throw new EOFException(endpoint + " closed the connection");
        }
        received.writeBytes(chunk, 0, count);
        length = scanner.scan(received);
      }
      RespValue value = RespValue.parse(received.readSlice(length));
      received.discardSomeReadBytes(); // not for each of many short replies
      return value;
    } catch (MalformedReplyException e) {
      throw new IOException(endpoint + " does not speak Redis's protocol: " + e.getMessage(), e);
    }
  }

  @Override
  public void close() throws IOException {
    socket.close();
  }
}
