package io.ratissidecar.statemachine.command;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.ratissidecar.statemachine.resp.ReplyScanner;
import io.ratissidecar.statemachine.resp.Resp;
import io.ratissidecar.statemachine.resp.RespValue;
import java.io.IOException;
import java.net.SocketException;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** A redis-server of its own on a unix socket, and one connection to it. */
public final class RedisProcess implements AutoCloseable {
  private final Process process;
  private final SocketChannel channel;
  private final ByteBuf in = Unpooled.buffer();
  private final ReplyScanner scanner = new ReplyScanner();

  private RedisProcess(Process process, SocketChannel channel) {
    this.process = process;
    this.channel = channel;
  }

  /** Starts a server in this directory, with more options if wanted, and waits until it answers. */
  public static RedisProcess start(Path directory, String... options)
      throws IOException, InterruptedException {
    Path socket = directory.resolve("redis.sock");
    List<String> command = new ArrayList<>();
    command.addAll(List.of("redis-server", "--port", "0", "--unixsocket", socket.toString()));
    command.addAll(List.of("--save", "", "--dir", directory.toString()));
    command.addAll(List.of(options));
    Process process =
        new ProcessBuilder(command)
            .redirectErrorStream(true)
            .redirectOutput(directory.resolve("redis.log").toFile())
            .start();
    try {
      return new RedisProcess(process, connect(process, socket));
    } catch (IOException | InterruptedException | RuntimeException e) {
      process.destroyForcibly().waitFor();
      throw e;
    }
  }

  /** Sends a command and waits for its reply. */
  public RespValue call(String... args) throws IOException {
    ByteBuf out = Unpooled.buffer();
    Resp.command(out, args);
    return exchange(out);
  }

  /** Sends a command and waits for its reply. */
  public RespValue call(byte[][] args) throws IOException {
    ByteBuf out = Unpooled.buffer();
    Resp.command(out, args);
    return exchange(out);
  }

  private RespValue exchange(ByteBuf out) throws IOException {
    ByteBuffer bytes = out.nioBuffer();
    while (bytes.hasRemaining()) {
      channel.write(bytes);
    }
    for (int length = scanner.scan(in); ; length = scanner.scan(in)) {
      if (length > 0) {
        RespValue reply = RespValue.parse(in.readSlice(length));
        in.discardReadBytes();
        return reply;
      }
      ByteBuffer chunk = ByteBuffer.allocate(16 << 10);
      if (channel.read(chunk) < 0) {
        throw new IOException("Redis closed the connection");
      }
      in.writeBytes(chunk.flip());
    }
  }

  private static SocketChannel connect(Process process, Path socket)
      throws IOException, InterruptedException {
    long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(20);
    while (true) {
      try {
        return SocketChannel.open(UnixDomainSocketAddress.of(socket));
      } catch (SocketException e) {
        if (!process.isAlive() || System.nanoTime() > deadline) {
          throw new IOException("redis-server did not start, see its log beside " + socket, e);
        }
        process.waitFor(10, TimeUnit.MILLISECONDS); // a pause that a dead server ends
      }
    }
  }

  @Override
  public void close() throws IOException {
    channel.close();
    process.destroyForcibly();
    try {
      process.waitFor();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
