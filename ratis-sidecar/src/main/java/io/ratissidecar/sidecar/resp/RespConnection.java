package io.ratissidecar.sidecar.resp;

import io.netty.bootstrap.Bootstrap;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.Channel;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.ChannelOption;
import io.netty.channel.socket.DuplexChannel;
import io.netty.channel.unix.DomainSocketAddress;
import io.netty.handler.codec.ByteToMessageDecoder;
import io.ratissidecar.statemachine.apply.IgnoredReplies;
import io.ratissidecar.statemachine.apply.RedisPort;
import io.ratissidecar.statemachine.apply.ReplySink;
import io.ratissidecar.statemachine.resp.ReplyScanner;
import io.ratissidecar.statemachine.resp.Resp;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.ClosedChannelException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayDeque;
import java.util.function.Consumer;
import java.util.function.Predicate;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A pipelined connection to a RESP server: commands out, reply frames back, matched by order.
 * Commands are gathered and written once per turn of the event loop. Confined to that loop.
 */
public final class RespConnection implements RedisPort {
  private static final Logger LOG = LoggerFactory.getLogger(RespConnection.class);

  /** Larger command buffers are written as they are instead of being copied behind the others. */
  private static final int COPY_LIMIT_BYTES = 16 * 1024;

  private static final int CONNECT_TIMEOUT_MILLIS = 2000;

  /** A longer reply is not gathered: it would take the memory of all. An error comes instead. */
  static final int LONGEST_REPLY_BYTES = 64 << 20;

  private static final ByteBuf TOO_LONG =
      Unpooled.unreleasableBuffer(
          Unpooled.copiedBuffer(
              "-ERR the reply is longer than "
                  + LONGEST_REPLY_BYTES
                  + " bytes; the command was executed\r\n",
              StandardCharsets.US_ASCII));

  private final FrontLoop front;
  private final RespEndpoint endpoint;
  private final ArrayDeque<Expected> expected = new ArrayDeque<>();
  private final ReplyScanner scanner = new ReplyScanner();
  private Channel channel;
  private ByteBuf in;
  private ByteBuf out;
  private boolean flushScheduled;
  private volatile boolean closed;
  private boolean closing;
  private boolean givenUp;
  private boolean givenUpPush;
  private int protocol = 2;
  private Consumer<RespConnection> onClosed = c -> {};
  private Consumer<ByteBuf> onPush = frame -> {};
  private Predicate<ByteBuf> isPush = frame -> frame.getByte(frame.readerIndex()) == '>';
  private Runnable onTurnEnd = () -> {};

  private RespConnection(FrontLoop front, RespEndpoint endpoint) {
    this.front = front;
    this.endpoint = endpoint;
  }

  /** What one call of {@link #send} still waits for. */
  private static final class Expected {
    private final ReplySink sink;
    private final boolean oneCommand;
    private int remaining;

    Expected(ReplySink sink, int remaining, boolean oneCommand) {
      this.sink = sink;
      this.remaining = remaining;
      this.oneCommand = oneCommand;
    }
  }

  /** Hears how an attempt to connect ended. */
  public interface OpenListener {
    void onOpen(RespConnection connection);

    void onFailed(Throwable cause);
  }

  /**
   * Connects, and authenticates when the endpoint has a password. Call and callbacks are on the
   * front loop, none of them within the call. A server that accepts and is silent is waited for;
   * closing what is returned gives up.
   *
   * @return the connection on its way; of use once the listener has it
   */
  public static RespConnection open(FrontLoop front, RespEndpoint endpoint, OpenListener listener) {
    RespConnection connection = new RespConnection(front, endpoint);
    if (endpoint.port() == 0) {
      connection.connect(connection.unixAddress(), listener);
    } else {
      front.resolve(
          endpoint.host(),
          endpoint.port(),
          address -> connection.connect(address, listener),
          listener::onFailed);
    }
    return connection;
  }

  private SocketAddress unixAddress() {
    return front.usesEpoll()
        ? new DomainSocketAddress(endpoint.host())
        : UnixDomainSocketAddress.of(endpoint.host());
  }

  private void connect(SocketAddress address, OpenListener listener) {
    if (closing) { // while the name was looked up
      listener.onFailed(new ClosedChannelException());
      return;
    }
    boolean tcp = address instanceof InetSocketAddress;
    Bootstrap bootstrap =
        new Bootstrap()
            .group(front.loop())
            .channel(tcp ? front.tcpChannelType() : front.unixChannelType())
            .option(ChannelOption.CONNECT_TIMEOUT_MILLIS, CONNECT_TIMEOUT_MILLIS)
            .handler(new Handler());
    if (tcp) {
      bootstrap.option(ChannelOption.TCP_NODELAY, true);
    }
    bootstrap
        .connect(address)
        .addListener(
            future -> {
              if (future.isSuccess()) {
                authenticate(listener);
              } else {
                // A channel that could not even be made says so on a thread of Netty's own.
                front.loop().execute(() -> listener.onFailed(future.cause()));
              }
            });
  }

  private void authenticate(OpenListener listener) {
    if (endpoint.password().isEmpty()) {
      listener.onOpen(this);
      return;
    }
    ByteBuf auth = allocate(128);
    if (endpoint.user().isPresent()) {
      Resp.command(auth, "AUTH", endpoint.user().get(), endpoint.password().get());
    } else {
      Resp.command(auth, "AUTH", endpoint.password().get());
    }
    send(
        auth,
        1,
        new ReplySink() {
          @Override
          public void onReply(ByteBuf frame) {
            if (frame.getByte(frame.readerIndex()) == '-') {
              listener.onFailed(
                  new IOException(
                      endpoint + ": " + frame.toString(StandardCharsets.UTF_8).strip()));
              close();
            } else {
              listener.onOpen(RespConnection.this);
            }
          }

          @Override
          public void onLost() {
            listener.onFailed(new IOException(endpoint + " closed the connection during AUTH"));
          }
        });
  }

  /** A buffer for commands. */
  public ByteBuf allocate(int capacity) {
    return channel.alloc().buffer(capacity);
  }

  @Override
  public void send(ByteBuf commands, int replies, ReplySink sink) {
    send(commands, replies, sink, false);
  }

  /** Sends one command that is answered with so many replies, or else with one error. */
  public void sendOne(ByteBuf command, int replies, ReplySink sink) {
    send(command, replies, sink, true);
  }

  private void send(ByteBuf commands, int replies, ReplySink sink, boolean oneCommand) {
    if (closed) {
      commands.release();
      sink.onLost();
      return;
    }
    if (replies > 0) {
      expected.add(new Expected(sink, replies, oneCommand));
    }
    if (commands.readableBytes() > COPY_LIMIT_BYTES) {
      writeGathered();
      channel.write(commands, channel.voidPromise());
    } else {
      if (out == null) {
        out = channel.alloc().buffer(Math.max(commands.readableBytes(), 4096));
      }
      out.writeBytes(commands);
      commands.release();
    }
    if (!flushScheduled) {
      flushScheduled = true;
      front.loop().execute(this::flush);
    }
  }

  /** Sends one command whose reply goes to the sink. */
  public void command(ReplySink sink, String... arguments) {
    ByteBuf buffer = closed ? Unpooled.buffer(0) : allocate(64);
    Resp.command(buffer, arguments);
    send(buffer, 1, sink);
  }

  @Override
  public void useProtocol(int version) {
    if (version != protocol) {
      protocol = version;
      command(IgnoredReplies.INSTANCE, "HELLO", Integer.toString(version));
    }
  }

  /** Called once when the connection has ended, after every waiting sink was told. */
  public void onClosed(Consumer<RespConnection> listener) {
    onClosed = listener;
  }

  /**
   * Gets frames that answer no command: RESP3 pushes, and messages to a subscriber. Borrowed for
   * the call.
   */
  public void onPush(Consumer<ByteBuf> listener) {
    onPush = listener;
  }

  /** Tells frames that answer no command from replies, where their type alone does not. */
  public void tellPushes(Predicate<ByteBuf> test) {
    isPush = test;
  }

  /**
   * Called after the replies that came together were handed out; the moment to flush what they
   * caused.
   */
  public void onTurnEnd(Runnable listener) {
    onTurnEnd = listener;
  }

  /**
   * Stops or resumes reading replies, so that a slow consumer slows the server and not the heap.
   */
  public void setReading(boolean reading) {
    if (channel != null) {
      channel.config().setAutoRead(reading);
    }
  }

  /** True until the connection has ended. */
  public boolean isOpen() {
    return !closed;
  }

  /** Commands whose replies have not all come. */
  public int outstanding() {
    return expected.size();
  }

  /** Tells the other side that nothing more will come, once all commands are written. */
  public void endOutput() {
    writeGathered();
    channel
        .writeAndFlush(channel.alloc().buffer(0))
        .addListener(written -> ((DuplexChannel) channel).shutdownOutput());
  }

  /** Ends the connection; no reply is handed out from here on, also of those that have come. */
  public void close() {
    closing = true;
    if (channel != null) {
      channel.close();
    }
  }

  private void flush() {
    flushScheduled = false;
    if (closed) {
      return;
    }
    writeGathered();
    channel.flush();
  }

  private void writeGathered() {
    if (out != null) {
      channel.write(out, channel.voidPromise());
      out = null;
    }
  }

  private void readFrames() {
    int length;
    while (!closing && !closed && (length = scanner.scan(in)) >= 0) {
      if (!givenUp) {
        deliver(in.slice(in.readerIndex(), length));
      } else {
        givenUp = false;
        if (!givenUpPush) {
          deliver(TOO_LONG.duplicate());
        }
      }
      if (in == null) {
        return;
      }
      in.skipBytes(length);
    }
    if (givenUp || in.readableBytes() > LONGEST_REPLY_BYTES) {
      if (!givenUp) {
        givenUp = true;
        givenUpPush = expected.isEmpty() || isPush.test(in.slice());
      }
      scanner.giveUp(in);
    }
  }

  private void deliver(ByteBuf frame) {
    Expected first = expected.peek();
    if (first == null || isPush.test(frame)) {
      onPush.accept(frame);
      return;
    }
    first.remaining--;
    boolean refused = first.oneCommand && frame.getByte(frame.readerIndex()) == '-';
    if (first.remaining == 0 || refused) {
      expected.poll();
    }
    first.sink.onReply(frame);
  }

  private void ended() {
    if (closed) {
      return;
    }
    closed = true;
    if (out != null) {
      out.release();
      out = null;
    }
    Expected next;
    while ((next = expected.poll()) != null) {
      next.sink.onLost();
    }
    onClosed.accept(this);
  }

  private final class Handler extends ChannelInboundHandlerAdapter {
    @Override
    public void handlerAdded(ChannelHandlerContext ctx) {
      channel = ctx.channel();
    }

    @Override
    public void channelRead(ChannelHandlerContext ctx, Object msg) {
      ByteBuf bytes = (ByteBuf) msg;
      if (in == null) {
        in = bytes;
      } else {
        in = ByteToMessageDecoder.MERGE_CUMULATOR.cumulate(ctx.alloc(), in, bytes);
      }
      readFrames();
      if (in != null && (closing || !in.isReadable())) {
        in.release();
        in = null;
      }
    }

    @Override
    public void channelReadComplete(ChannelHandlerContext ctx) {
      onTurnEnd.run();
    }

    @Override
    public void channelInactive(ChannelHandlerContext ctx) {
      ended();
      onTurnEnd.run();
      if (in != null) {
        in.release();
        in = null;
      }
    }

    @Override
    public void exceptionCaught(ChannelHandlerContext ctx, Throwable cause) {
      if (cause instanceof IOException) {
        LOG.debug("Connection to {} ended: {}", endpoint, cause.getMessage());
      } else {
        LOG.error("Internal error on the connection to {}, which is closed", endpoint, cause);
      }
      close();
    }
  }
}
