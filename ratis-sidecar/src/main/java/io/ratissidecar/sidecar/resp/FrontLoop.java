package io.ratissidecar.sidecar.resp;

import static jdk.net.ExtendedSocketOptions.TCP_KEEPCOUNT;
import static jdk.net.ExtendedSocketOptions.TCP_KEEPIDLE;
import static jdk.net.ExtendedSocketOptions.TCP_KEEPINTERVAL;

import io.netty.bootstrap.ServerBootstrap;
import io.netty.channel.Channel;
import io.netty.channel.ChannelOption;
import io.netty.channel.EventLoop;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.ServerChannel;
import io.netty.channel.epoll.Epoll;
import io.netty.channel.epoll.EpollChannelOption;
import io.netty.channel.epoll.EpollDomainSocketChannel;
import io.netty.channel.epoll.EpollIoHandler;
import io.netty.channel.epoll.EpollServerSocketChannel;
import io.netty.channel.epoll.EpollSocketChannel;
import io.netty.channel.nio.NioIoHandler;
import io.netty.channel.socket.nio.NioChannelOption;
import io.netty.channel.socket.nio.NioDomainSocketChannel;
import io.netty.channel.socket.nio.NioServerSocketChannel;
import io.netty.channel.socket.nio.NioSocketChannel;
import io.netty.util.NetUtil;
import io.netty.util.concurrent.DefaultThreadFactory;
import java.net.InetSocketAddress;
import java.net.SocketOption;
import java.net.UnknownHostException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;

/**
 * The one thread that owns clients, sequencer, applier and every RESP connection. A hand-off
 * between threads costs about as much as a system call here, so they share one loop, as Redis
 * itself does.
 */
public final class FrontLoop implements AutoCloseable {
  private final boolean epoll = Epoll.isAvailable();
  private final MultiThreadIoEventLoopGroup group =
      new MultiThreadIoEventLoopGroup(
          1,
          new DefaultThreadFactory("front", false),
          epoll ? EpollIoHandler.newFactory() : NioIoHandler.newFactory());
  private final EventLoop loop = group.next();
  private final ExecutorService resolver =
      Executors.newSingleThreadExecutor(new DefaultThreadFactory("resolver", true));

  /** The loop itself; also an executor for work that must run on it. */
  public EventLoop loop() {
    return loop;
  }

  Class<? extends ServerChannel> serverChannelType() {
    return epoll ? EpollServerSocketChannel.class : NioServerSocketChannel.class;
  }

  Class<? extends Channel> tcpChannelType() {
    return epoll ? EpollSocketChannel.class : NioSocketChannel.class;
  }

  Class<? extends Channel> unixChannelType() {
    return epoll ? EpollDomainSocketChannel.class : NioDomainSocketChannel.class;
  }

  boolean usesEpoll() {
    return epoll;
  }

  /**
   * Has the kernel ask after clients that were silent for so long, three times in as long again,
   * and end the connections of those that don't answer.
   */
  void keepAlive(ServerBootstrap server, int seconds) {
    server
        .childOption(ChannelOption.SO_KEEPALIVE, true)
        .childOption(epoll ? EpollChannelOption.TCP_KEEPIDLE : nio(TCP_KEEPIDLE), seconds)
        .childOption(epoll ? EpollChannelOption.TCP_KEEPINTVL : nio(TCP_KEEPINTERVAL), seconds / 3)
        .childOption(epoll ? EpollChannelOption.TCP_KEEPCNT : nio(TCP_KEEPCOUNT), 3);
  }

  private static ChannelOption<Integer> nio(SocketOption<Integer> option) {
    return NioChannelOption.of(option);
  }

  /**
   * Finds the address of a host; one of the two hears of it, on the loop and not within the call. A
   * name server may take seconds, which other clients must not notice.
   */
  void resolve(
      String host, int port, Consumer<InetSocketAddress> found, Consumer<Throwable> failed) {
    if (NetUtil.isValidIpV4Address(host) || NetUtil.isValidIpV6Address(host)) {
      loop.execute(() -> found.accept(new InetSocketAddress(host, port))); // nothing to look up
      return;
    }
    resolver.execute(
        () -> {
          InetSocketAddress address = new InetSocketAddress(host, port);
          loop.execute(
              () -> {
                if (address.isUnresolved()) {
                  failed.accept(new UnknownHostException(host));
                } else {
                  found.accept(address);
                }
              });
        });
  }

  /** Ends the threads; waits for the loop up to a second. */
  @Override
  public void close() {
    group
        .shutdownGracefully(0, 500, TimeUnit.MILLISECONDS)
        .awaitUninterruptibly(1, TimeUnit.SECONDS);
    resolver.shutdownNow();
  }
}
