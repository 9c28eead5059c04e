package io.ratissidecar.cli.client;

import java.io.PrintWriter;
import picocli.CommandLine.Help.Ansi;

/** One line on a terminal that says how far something is; silent anywhere else. */
public final class Progress {
  private static final String CLEAR_LINE = "\r\u001b[K";

  private final PrintWriter out;
  private final boolean visible;
  private String shown = "";

  /**
   * @param quiet shows nothing, for output that a program reads
   */
  public Progress(PrintWriter out, boolean quiet) {
    this.out = out;
    this.visible = !quiet && Ansi.AUTO.enabled();
  }

  /** Whether there is a terminal that shows it. */
  public boolean isVisible() {
    return visible;
  }

  /** Replaces the line. */
  public void show(String text) {
    if (visible && !text.equals(shown)) {
      out.print(CLEAR_LINE + text);
      out.flush();
      shown = text;
    }
  }

  /** Takes the line away. */
  public void clear() {
    show("");
  }
}
