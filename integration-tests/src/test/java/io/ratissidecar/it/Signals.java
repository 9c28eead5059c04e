package io.ratissidecar.it;

import java.io.IOException;
import java.io.UncheckedIOException;

/** What is done to processes that Java can't do itself. */
final class Signals {
  private Signals() {}

  static void send(String signal, long pid) {
    run("kill", "-" + signal, Long.toString(pid));
  }

  /** Runs a program of the system, which must succeed. */
  static void run(String... command) {
    try {
      int exit = new ProcessBuilder(command).inheritIO().start().waitFor();
      if (exit != 0) {
        throw new IllegalStateException(String.join(" ", command) + " gave " + exit);
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException(e);
    }
  }
}
