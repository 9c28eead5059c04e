package io.ratissidecar.sidecar.membership;

import io.ratissidecar.sidecar.config.HostPort;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;

/**
 * Checks that a new node's Raft address can be reached before the group waits for it: while Ratis
 * waits for a newcomer no other change of members is possible.
 */
final class RaftAddressProbe {
  private static final int TIMEOUT_MILLIS = 2000;

  private RaftAddressProbe() {}

  /**
   * Fails with {@link RefusedException} when nobody listens there.
   *
   * @param executor for the waiting
   */
  static CompletableFuture<Void> check(String raftAddress, Executor executor) {
    return CompletableFuture.runAsync(
        () -> {
          HostPort place = HostPort.parse(raftAddress);
          try (Socket socket = new Socket()) {
            socket.connect(new InetSocketAddress(place.host(), place.port()), TIMEOUT_MILLIS);
          } catch (IOException e) {
            throw new RefusedException(
                "ERR the leader can't reach the new node's Raft address "
                    + raftAddress
                    + ": "
                    + e.getMessage()
                    + ". Check that node's settings bind, advertise and raft-port");
          }
        },
        executor);
  }
}
