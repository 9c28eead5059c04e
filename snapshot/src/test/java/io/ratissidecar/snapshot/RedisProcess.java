package io.ratissidecar.snapshot;

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
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;

/** A redis-server on a unix socket in a directory of its own, and one connection to it. */
final class RedisProcess implements AutoCloseable {
  private final Path dir;
  private final Process process;
  private final SocketChannel channel;
  private final ByteBuf in = Unpooled.buffer();
  private final ReplyScanner scanner = new ReplyScanner();

  private RedisProcess(Path dir, Process process, SocketChannel channel) {
    this.dir = dir;
    this.process = process;
    this.channel = channel;
  }

  /** Starts a server that loads the directory's {@code dump.rdb}, if there is one. */
  static RedisProcess start(Path dir) throws IOException, InterruptedException {
    Files.createDirectories(dir);
    Path socket = dir.resolve("redis.sock");
    Process process =
        new ProcessBuilder(
                "redis-server",
                "--port",
                "0",
                "--unixsocket",
                socket.toString(),
                "--save",
                "",
                "--enable-debug-command",
                "yes",
                "--dir",
                dir.toString())
            .redirectErrorStream(true)
            .redirectOutput(dir.resolve("redis.log").toFile())
            .start();
    try {
      RedisProcess redis = new RedisProcess(dir, process, connect(process, socket));
      while (redis.call("PING").isError()) { // it is loading
        process.waitFor(10, TimeUnit.MILLISECONDS);
      }
      return redis;
    } catch (IOException | InterruptedException | RuntimeException e) {
      process.destroyForcibly().waitFor();
      throw e;
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

  /** Where {@code SAVE} puts the RDB. */
  Path rdb() {
    return dir.resolve("dump.rdb");
  }

  /** Sends a command and waits for its reply. */
  RespValue call(String... args) throws IOException {
    byte[][] bytes = new byte[args.length][];
    for (int i = 0; i < args.length; i++) {
      bytes[i] = args[i].getBytes(StandardCharsets.UTF_8);
    }
    return call(bytes);
  }

  /** Sends a command and waits for its reply. */
  RespValue call(byte[]... args) throws IOException {
    ByteBuf out = Unpooled.buffer();
    Resp.command(out, args);
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
      ByteBuffer chunk = ByteBuffer.allocate(64 << 10);
      if (channel.read(chunk) < 0) {
        throw new IOException("Redis closed the connection");
      }
      in.writeBytes(chunk.flip());
    }
  }

  /** As {@link #call(String...)}, for a command that must succeed. */
  RespValue demand(String... args) throws IOException {
    RespValue reply = call(args);
    if (reply.isError()) {
      throw new AssertionError(String.join(" ", args) + ": " + reply.asString());
    }
    return reply;
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
