package io.ratissidecar.sidecar.resp;

import io.netty.bootstrap.ServerBootstrap;
import io.netty.buffer.ByteBuf;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFutureListener;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.ChannelOption;
import io.netty.channel.WriteBufferWaterMark;
import io.ratissidecar.sidecar.config.SidecarConfig;
import io.ratissidecar.statemachine.resp.Resp;
import io.ratissidecar.statemachine.resp.RespLimits;
import java.io.IOException;
import java.net.InetSocketAddress;

/** Listens for clients. */
public final class ClientServer {
  /** Makes the session of a new client. */
  @FunctionalInterface
  public interface SessionFactory {
    RequestSink open(ClientConnection connection);
  }

  /**
   * What may wait for all clients together; half of the memory that start scripts give to buffers.
   */
  private static final long TOTAL_BUFFER_BYTES = 128L << 20;

  /** After so long a silence the client's machine is asked whether it is there, as by Redis. */
  private static final int KEEP_ALIVE_SECONDS = 300;

  private final FrontLoop front;
  private final SidecarConfig config;
  private final SessionFactory sessions;
  private final RespLimits limits;
  private final BufferBudget budget = new BufferBudget(TOTAL_BUFFER_BYTES);
  private Channel listener;
  private int clients;

  public ClientServer(FrontLoop front, SidecarConfig config, SessionFactory sessions) {
    this.front = front;
    this.config = config;
    this.sessions = sessions;
    this.limits =
        new RespLimits(
            config.maxBulkBytes(), config.maxArrayLength(), 64 * 1024, config.queryBufferBytes());
  }

  /**
   * Starts to listen.
   *
   * @throws IOException when the address can't be had; the message names it
   */
  public void start() throws IOException {
    ServerBootstrap bootstrap =
        new ServerBootstrap()
            .group(front.loop())
            .channel(front.serverChannelType())
            .option(ChannelOption.SO_REUSEADDR, true)
            .option(ChannelOption.SO_BACKLOG, 511)
            .childOption(ChannelOption.TCP_NODELAY, true)
            // Whoever ends its side after its last request still gets the replies, as from Redis,
            // if the socket's own buffer has room for them: Netty 4.2.18 with epoll closes a
            // half-closed socket that it would have to wait for.
            .childOption(ChannelOption.ALLOW_HALF_CLOSURE, true)
            .childOption(
                ChannelOption.WRITE_BUFFER_WATER_MARK, new WriteBufferWaterMark(256 << 10, 1 << 20))
            .childHandler(new Accept());
    front.keepAlive(bootstrap, KEEP_ALIVE_SECONDS);
    var bound =
        bootstrap.bind(new InetSocketAddress(config.bind(), config.port())).awaitUninterruptibly();
    if (!bound.isSuccess()) {
      throw new IOException(
          "can't listen on "
              + config.bind()
              + ":"
              + config.port()
              + ": "
              + bound.cause().getMessage(),
          bound.cause());
    }
    listener = bound.channel();
  }

  /** Takes no new clients. */
  public void stop() {
    if (listener != null) {
      listener.close().awaitUninterruptibly(1000);
    }
  }

  private final class Accept extends ChannelInitializer<Channel> {
    @Override
    protected void initChannel(Channel channel) {
      if (clients >= config.maxClients()) {
        ByteBuf full = channel.alloc().buffer(64);
        Resp.writeError(full, "ERR max number of clients reached");
        channel.writeAndFlush(full).addListener(ChannelFutureListener.CLOSE);
        return;
      }
      clients++;
      channel.closeFuture().addListener(closed -> clients--);
      ClientConnection connection =
          new ClientConnection(front, channel, limits, config.outputBufferBytes(), budget);
      connection.start(sessions.open(connection));
      channel.pipeline().addLast(connection);
    }
  }
}
