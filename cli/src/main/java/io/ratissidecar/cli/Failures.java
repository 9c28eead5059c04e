package io.ratissidecar.cli;

import io.ratissidecar.cli.client.UnreachableException;
import java.net.ConnectException;
import java.net.SocketTimeoutException;

/** How a failed command ends. */
final class Failures {
  static final int FAILED = 1;
  static final int UNREACHABLE = 3;

  private Failures() {}

  static String message(Throwable error) {
    String text = error.getMessage();
    return text == null ? error.toString() : text;
  }

  static int exitCode(Throwable error) {
    for (Throwable t = error; t != null; t = t.getCause()) {
      if (t instanceof UnreachableException
          || t instanceof ConnectException
          || t instanceof SocketTimeoutException) {
        return UNREACHABLE;
      }
    }
    return FAILED;
  }
}
