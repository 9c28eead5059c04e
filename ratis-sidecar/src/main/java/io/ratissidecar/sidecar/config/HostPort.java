package io.ratissidecar.sidecar.config;

import java.util.Optional;

/** A host and a TCP port of it, written {@code host:port}. */
public record HostPort(String host, int port) {
  /**
   * Reads {@code host:port}.
   *
   * @throws IllegalArgumentException when the text is not of that form
   */
  public static HostPort parse(String text) {
    return tryParse(text)
        .orElseThrow(() -> new IllegalArgumentException("'" + text + "' is not host:port"));
  }

  /** Reads {@code host:port}; empty when the text is not of that form. */
  public static Optional<HostPort> tryParse(String text) {
    int colon = text.lastIndexOf(':');
    if (colon < 1) {
      return Optional.empty();
    }
    try {
      int port = Integer.parseInt(text.substring(colon + 1));
      return port < 1 || port > 65535
          ? Optional.empty()
          : Optional.of(new HostPort(text.substring(0, colon), port));
    } catch (NumberFormatException e) {
      return Optional.empty();
    }
  }

  @Override
  public String toString() {
    return host + ":" + port;
  }
}
