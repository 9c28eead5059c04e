package io.ratissidecar.sidecar.redis;

import java.io.BufferedInputStream;
import java.io.Closeable;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/**
 * Has a Redis load an RDB over the connection: plays its primary for one full resynchronisation, so
 * that Redis may be anywhere. Redis is told {@code REPLICAOF} this, and {@code REPLICAOF NO ONE}
 * once it has loaded. For one thread, which waits.
 */
final class RdbPrimary implements Closeable {
  /** Any 40 hexadecimal digits will do: nobody continues a replication that ends at once. */
  private static final String REPLICATION_ID = "0".repeat(40);

  private static final Duration SILENCE = Duration.ofSeconds(60);

  /** Redis says all of it at once. */
  private static final Duration HANDSHAKE = Duration.ofSeconds(5);

  private static final int COPY_BYTES = 1 << 18;

  private final ServerSocket server = new ServerSocket();
  private volatile Socket replica;

  /** What was wrong with the last who asked for no RDB. */
  private Exception lastStranger;

  /**
   * @param bind an address of this machine that Redis can reach
   */
  RdbPrimary(InetAddress bind) throws IOException {
    server.bind(new InetSocketAddress(bind, 0), 1);
    server.setSoTimeout((int) SILENCE.toMillis());
  }

  /** Where Redis is to connect to. */
  InetSocketAddress address() {
    return (InetSocketAddress) server.getLocalSocketAddress();
  }

  /**
   * Waits for Redis, sends it the RDB, and answers it until the connection ends. Who connects and
   * asks for no RDB, such as a scan for open ports, does not count.
   */
  void serve(Path rdb) throws IOException {
    long start = System.nanoTime();
    while (!serve(server.accept(), rdb)) {
      if (System.nanoTime() - start > SILENCE.toNanos()) {
        throw new IOException(
            "Redis has not asked for the snapshot. Its replication must not be encrypted"
                + " (tls-replication no)",
            lastStranger);
      }
    }
  }

  /** Returns whether it was sent the RDB. */
  private boolean serve(Socket connected, Path rdb) throws IOException {
    boolean asked = false;
    try (Socket socket = connected) {
      replica = socket;
      socket.setSoTimeout((int) HANDSHAKE.toMillis());
      InputStream in = new BufferedInputStream(socket.getInputStream());
      OutputStream out = socket.getOutputStream();
      List<String> command;
      while ((command = command(in)) != null) {
        switch (command.get(0).toUpperCase(Locale.ROOT)) {
          case "PING" -> write(out, "+PONG");
          case "AUTH" -> write(out, "+OK");
          case "REPLCONF" -> {
            if (!command.get(1).equalsIgnoreCase("ACK")) {
              write(out, "+OK");
            }
          }
          case "PSYNC", "SYNC" -> {
            asked = true;
            socket.setSoTimeout((int) SILENCE.toMillis());
            send(rdb, out);
          }
          default -> write(out, "-ERR unknown command");
        }
      }
    } catch (IOException | RuntimeException e) {
      if (asked) {
        throw e;
      }
      lastStranger = e;
    }
    return asked;
  }

  private static void write(OutputStream out, String line) throws IOException {
    out.write((line + "\r\n").getBytes(StandardCharsets.US_ASCII));
  }

  private static void send(Path rdb, OutputStream out) throws IOException {
    write(out, "+FULLRESYNC " + REPLICATION_ID + " 0");
    write(out, "$" + Files.size(rdb));
    byte[] buffer = new byte[COPY_BYTES];
    try (InputStream file = Files.newInputStream(rdb)) {
      int count;
      while ((count = file.read(buffer)) > 0) {
        out.write(buffer, 0, count);
      }
    }
  }

  /** The next command; null at the end. Redis also sends empty lines while it loads. */
  private static List<String> command(InputStream in) throws IOException {
    String line = line(in);
    while (line != null && line.isEmpty()) {
      line = line(in);
    }
    if (line == null) {
      return null;
    }
    if (!line.startsWith("*")) {
      return List.of(line.split(" ", -1));
    }
    int count = Integer.parseInt(line.substring(1));
    List<String> words = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      String length = line(in);
      if (length == null || !length.startsWith("$")) {
        throw new EOFException("Redis sent half a command");
      }
      byte[] word = in.readNBytes(Integer.parseInt(length.substring(1)));
      line(in);
      words.add(new String(word, StandardCharsets.ISO_8859_1));
    }
    return words;
  }

  private static String line(InputStream in) throws IOException {
    StringBuilder line = new StringBuilder();
    int c;
    while ((c = in.read()) >= 0) {
      if (c == '\n') {
        return line.toString().strip();
      }
      line.append((char) c);
    }
    return null;
  }

  @Override
  public void close() throws IOException {
    Socket connected = replica;
    if (connected != null) {
      connected.close();
    }
    server.close();
  }
}
