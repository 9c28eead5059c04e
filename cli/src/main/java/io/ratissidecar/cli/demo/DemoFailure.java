package io.ratissidecar.cli.demo;

/** The demo can't go on; the message tells a person why and what to do. */
final class DemoFailure extends Exception {
  private static final long serialVersionUID = 1L;

  DemoFailure(String message) {
    super(message);
  }
}
