package io.ratissidecar.sidecar.config;

import java.util.Optional;

/** Which Redis this sidecar stands beside. */
public sealed interface RedisTarget {
  /** Started, configured and kept alive by the sidecar. */
  record Managed() implements RedisTarget {}

  /** Reached over TCP; somebody else runs it. */
  record Tcp(String host, int port, Optional<String> user, Optional<String> password)
      implements RedisTarget {}

  /** Reached over a unix socket; somebody else runs it. */
  record Unix(String path, Optional<String> user, Optional<String> password)
      implements RedisTarget {}

  /** Reads {@code managed}, {@code unix:/path} or {@code host:port}. */
  static RedisTarget parse(String text, Optional<String> user, Optional<String> password) {
    if (text.equals("managed")) {
      if (user.isPresent() || password.isPresent()) {
        throw new InvalidSettingException(
            "'redis-user' and 'redis-password' are for an external Redis; the managed one needs none");
      }
      return new Managed();
    }
    if (text.startsWith("unix:") && text.length() > 5) {
      return new Unix(text.substring(5), user, password);
    }
    return HostPort.tryParse(text)
        .map(address -> new Tcp(address.host(), address.port(), user, password))
        .orElseThrow(
            () ->
                new InvalidSettingException(
                    "'redis' is '" + text + "'; it must be managed, host:port or unix:/path"));
  }
}
