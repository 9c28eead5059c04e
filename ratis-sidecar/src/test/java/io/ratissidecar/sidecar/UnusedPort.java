package io.ratissidecar.sidecar;

import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * Ports that a test may listen at in a moment. Below those that the kernel gives to outgoing
 * connections: such a one, of whatever process, would take it meanwhile.
 */
public final class UnusedPort {
  private static final int FIRST = 13_000;
  private static final int COUNT = 7_000;

  /** Processes that run tests at the same time begin far from each other. */
  private static final AtomicInteger NEXT =
      new AtomicInteger((int) (ProcessHandle.current().pid() * 97 % COUNT));

  private UnusedPort() {}

  /** One that was not handed out before. */
  public static int next() {
    for (int i = 0; i < COUNT; i++) {
      int port = FIRST + NEXT.getAndIncrement() % COUNT;
      try (ServerSocket socket = new ServerSocket(port, 1, InetAddress.getLoopbackAddress())) {
        return socket.getLocalPort();
      } catch (IOException e) {
        // Somebody has it.
      }
    }
    throw new IllegalStateException("no free port from " + FIRST + " to " + (FIRST + COUNT));
  }
}
