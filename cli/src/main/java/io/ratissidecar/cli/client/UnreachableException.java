package io.ratissidecar.cli.client;

import java.io.IOException;
import java.net.ConnectException;
import java.net.SocketTimeoutException;
import java.net.UnknownHostException;

/** No connection to a node, or it was lost before the reply came. */
public final class UnreachableException extends IOException {
  private static final long serialVersionUID = 1L;

  UnreachableException(String address, IOException cause) {
    super("can't reach a node at " + address + ": " + reason(cause), cause);
  }

  UnreachableException(String message) {
    super(message);
  }

  /** The reason in a few plain words. */
  public static String reason(IOException cause) {
    if (cause instanceof ConnectException) {
      return "nothing listens there";
    }
    if (cause instanceof SocketTimeoutException) {
      return "no answer in time";
    }
    if (cause instanceof UnknownHostException) {
      return "no such host";
    }
    return String.valueOf(cause.getMessage());
  }
}
