package io.ratissidecar.cli.client;

import io.ratissidecar.sidecar.resp.RespEndpoint;
import java.util.Optional;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/**
 * {@code host:port}, checked.
 *
 * @param text as it was given
 */
public record Address(String text) {
  /** Reads one from the command line. */
  public static final class Converter implements ITypeConverter<Address> {
    @Override
    public Address convert(String value) {
      try {
        RespEndpoint.parse(value, Optional.empty());
        return new Address(value);
      } catch (IllegalArgumentException e) {
        throw new TypeConversionException(e.getMessage());
      }
    }
  }

  @Override
  public String toString() {
    return text;
  }
}
