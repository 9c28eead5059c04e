package io.ratissidecar.cli.importing;

import io.ratissidecar.sidecar.config.HostPort;
import io.ratissidecar.sidecar.resp.RespEndpoint;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.util.Optional;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/** Reads {@code redis://[[user]:password@]host:port}; what is special in a URI is written %XX. */
final class RedisUriConverter implements ITypeConverter<RespEndpoint> {
  private static final String SCHEME = "redis://";

  @Override
  public RespEndpoint convert(String text) {
    String rest = text.startsWith(SCHEME) ? text.substring(SCHEME.length()) : "";
    int at = rest.lastIndexOf('@');
    HostPort place =
        HostPort.tryParse(rest.substring(at + 1).replaceFirst("/$", ""))
            .orElseThrow(
                () ->
                    // The text may hold a password, so it is not repeated.
                    new TypeConversionException(
                        "it must be redis://host:port or redis://user:password@host:port"));
    if (at < 0) {
      return RespEndpoint.tcp(place.host(), place.port());
    }
    String login = rest.substring(0, at);
    int colon = login.indexOf(':');
    if (colon < 0) {
      throw new TypeConversionException(
          "there is a user but no password; without a user write redis://:password@host:port");
    }
    String user = decoded(login.substring(0, colon));
    return new RespEndpoint(
        place.host(),
        place.port(),
        Optional.of(user).filter(name -> !name.isEmpty()),
        Optional.of(decoded(login.substring(colon + 1))));
  }

  private static String decoded(String part) {
    // In a form a plus sign is a space; in a URI it is itself.
    return URLDecoder.decode(part.replace("+", "%2B"), StandardCharsets.UTF_8);
  }
}
