package io.ratissidecar.it;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;

/**
 * Ports that nobody uses, below those that the kernel gives to outgoing connections, so that a node
 * finds its ports free when it comes back.
 */
final class Ports {
  private static final int RANGES = 4;
  private static final int RANGE = 12_000 / RANGES;

  /** Listens at the first port of this process's range, which nobody else takes so long. */
  private static final ServerSocket OWN_RANGE = takeRange();

  private static final int FIRST = OWN_RANGE.getLocalPort() + 1;
  private static final int END = FIRST + RANGE - 1;
  private static final int DEMO_REDIS = 100;
  private static final int DEMO_RAFT = 10_000;
  private static final AtomicInteger NEXT =
      new AtomicInteger((int) (ProcessHandle.current().pid() * 97 % (END - FIRST)));

  private Ports() {}

  /** Processes that run tests at the same time have ranges of their own. */
  private static ServerSocket takeRange() {
    for (int first = 20_000; first < 20_000 + RANGES * RANGE; first += RANGE) {
      try {
        return new ServerSocket(first, 1, InetAddress.getLoopbackAddress());
      } catch (IOException e) {
        // Another process has it.
      }
    }
    throw new IllegalStateException("other processes have all ranges of ports");
  }

  /** A free port, not handed out before. */
  static int next() {
    for (int i = 0; i < END - FIRST; i++) {
      int port = FIRST + Math.floorMod(NEXT.getAndIncrement(), END - FIRST);
      if (isFree(port)) {
        return port;
      }
    }
    throw new IllegalStateException("no free port from " + FIRST + " to " + END);
  }

  /**
   * A free base port for {@code demo}, with which all others that it takes are free, too. Lower
   * than the other ports, since Raft's are 10,000 above.
   */
  static int nextForDemo(int nodes) {
    for (int base = next() - DEMO_RAFT; base < END - DEMO_RAFT; base += nodes) {
      if (areFree(base, nodes)
          && areFree(base + DEMO_REDIS, nodes)
          && areFree(base + DEMO_RAFT, nodes)) {
        return base;
      }
    }
    throw new IllegalStateException("no free ports for a demo");
  }

  private static boolean areFree(int first, int count) {
    return IntStream.range(first, first + count).allMatch(Ports::isFree);
  }

  private static boolean isFree(int port) {
    try (ServerSocket socket = new ServerSocket()) {
      socket.bind(new InetSocketAddress(InetAddress.getLoopbackAddress(), port));
      return true;
    } catch (IOException e) {
      return false;
    }
  }
}
