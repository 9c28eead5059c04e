package io.ratissidecar.cli.client;

import java.util.Optional;
import picocli.CommandLine.Option;

/** The password of the nodes, as every command takes it that talks to them. */
public final class PasswordOption {
  @Option(
      names = "--password",
      paramLabel = "PASSWORD",
      arity = "0..1",
      interactive = true,
      prompt = "Password: ",
      description = {
        "Password of the nodes; without a value it is asked for.",
        "Default: the environment variable RATIS_SIDECAR_PASSWORD."
      })
  private String password;

  /** What was given, or what the environment says; empty when the nodes ask for none. */
  public Optional<String> value() {
    String given = password != null ? password : System.getenv("RATIS_SIDECAR_PASSWORD");
    return Optional.ofNullable(given).filter(p -> !p.isEmpty());
  }
}
