package io.ratissidecar.cli.client;

/** A node answered with an error. */
public final class ReplyException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  private final String error;

  ReplyException(String address, String error) {
    super(address + " says: " + error + hint(error));
    this.error = error;
  }

  /** The error as the node sent it; its first word is the code. */
  public String error() {
    return error;
  }

  private static String hint(String error) {
    if (error.startsWith("NOAUTH") || error.startsWith("WRONGPASS")) {
      return " Give the password with --password or in RATIS_SIDECAR_PASSWORD.";
    }
    if (error.startsWith("NOCLUSTER")) {
      return ". Start one with 'ratis-sidecar cluster init', or make this node part of one with"
          + " 'ratis-sidecar cluster join'.";
    }
    if (error.startsWith("CLUSTERDOWN")) {
      return ". Look at 'ratis-sidecar cluster status'.";
    }
    if (error.contains("unknown command")) {
      return ". Is this the port of a sidecar, and not that of its Redis?";
    }
    return "";
  }
}
