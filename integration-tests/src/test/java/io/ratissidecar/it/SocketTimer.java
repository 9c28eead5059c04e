package io.ratissidecar.it;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/**
 * The timer that the kernel has for a connection, as proc_net_tcp(5) shows it.
 *
 * @param kind 2 for the one that probes an idle connection
 * @param seconds until it goes off
 */
record SocketTimer(int kind, double seconds) {
  private static final int KEEP_ALIVE = 2;
  private static final int TICKS_PER_SECOND = 100; // USER_HZ, on all of Debian's machines

  boolean isKeepAlive() {
    return kind == KEEP_ALIVE;
  }

  /** Of the server's end of a connection over loopback. */
  static SocketTimer of(int serverPort, int clientPort) throws IOException {
    String local = String.format(":%04X", serverPort);
    String remote = String.format(":%04X", clientPort);
    for (String table : List.of("/proc/net/tcp", "/proc/net/tcp6")) {
      for (String line : Files.readAllLines(Path.of(table))) {
        String[] fields = line.strip().split("\\s+"); // number, local, remote, state, queues, timer
        if (fields[1].endsWith(local) && fields[2].endsWith(remote)) {
          String[] timer = fields[5].split(":");
          long ticks = Long.parseLong(timer[1], 16);
          return new SocketTimer(Integer.parseInt(timer[0], 16), (double) ticks / TICKS_PER_SECOND);
        }
      }
    }
    throw new AssertionError("no connection to port " + clientPort);
  }
}
