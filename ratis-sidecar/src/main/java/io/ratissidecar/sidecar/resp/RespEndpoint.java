package io.ratissidecar.sidecar.resp;

import io.ratissidecar.sidecar.config.HostPort;
import java.util.Optional;

/**
 * Where to connect to, and as whom.
 *
 * @param host host name or address; for a unix socket its path
 * @param port TCP port; 0 means that {@code host} is the path of a unix socket
 */
public record RespEndpoint(
    String host, int port, Optional<String> user, Optional<String> password) {
  /** A TCP endpoint that asks for no password. */
  public static RespEndpoint tcp(String host, int port) {
    return new RespEndpoint(host, port, Optional.empty(), Optional.empty());
  }

  /** A unix socket that asks for no password. */
  public static RespEndpoint unix(String path) {
    return new RespEndpoint(path, 0, Optional.empty(), Optional.empty());
  }

  /**
   * Reads {@code host:port}.
   *
   * @throws IllegalArgumentException when the text is not of that form
   */
  public static RespEndpoint parse(String address, Optional<String> password) {
    HostPort place = HostPort.parse(address);
    return new RespEndpoint(place.host(), place.port(), Optional.empty(), password);
  }

  @Override
  public String toString() {
    return port == 0 ? "unix:" + host : host + ":" + port;
  }
}
