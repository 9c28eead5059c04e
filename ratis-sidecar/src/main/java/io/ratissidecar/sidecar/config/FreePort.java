package io.ratissidecar.sidecar.config;

import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.ServerSocket;

/** Finds out early, and in clear words, that a port can't be had. */
public final class FreePort {
  private FreePort() {}

  /**
   * @param what the address is for
   * @throws IOException when nothing can listen there
   */
  public static void require(String what, String host, int port) throws IOException {
    try (ServerSocket socket = new ServerSocket()) {
      socket.setReuseAddress(true);
      socket.bind(new InetSocketAddress(host, port));
    } catch (IOException e) {
      throw new IOException(
          "can't listen at " + host + ":" + port + " for " + what + ": " + e.getMessage());
    }
  }
}
