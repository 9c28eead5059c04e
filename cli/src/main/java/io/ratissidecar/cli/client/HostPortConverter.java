package io.ratissidecar.cli.client;

import io.ratissidecar.sidecar.config.HostPort;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/** Reads {@code host:port} from the command line. */
public final class HostPortConverter implements ITypeConverter<HostPort> {
  @Override
  public HostPort convert(String value) {
    return HostPort.tryParse(value)
        .orElseThrow(() -> new TypeConversionException("'" + value + "' is not host:port"));
  }
}
