package io.ratissidecar.cli.importing;

import io.ratissidecar.cli.client.Progress;
import java.io.PrintWriter;

/** Shows how far an import is: on a terminal all the time, elsewhere a line now and then. */
final class ImportProgress {
  private static final long FIRST_NANOS = 2_000_000_000L;
  private static final long LINE_NANOS = 10_000_000_000L;

  private final Progress line;
  private final PrintWriter out;
  private final ImportStatus status;
  private final long begin;
  private long nextLine;

  ImportProgress(Progress line, PrintWriter out, ImportStatus status, long nowNanos) {
    this.line = line;
    this.out = out;
    this.status = status;
    this.begin = nowNanos;
    this.nextLine = nowNanos + LINE_NANOS;
  }

  /** Called a few times a second. */
  synchronized void tick(long nowNanos) {
    if (nowNanos - begin < FIRST_NANOS) {
      return; // what is over that soon needs no words
    }
    String text = status.describe(nowNanos);
    if (line.isVisible()) {
      line.show(text);
    } else if (nowNanos - nextLine >= 0) {
      say(text);
      nextLine = nowNanos + LINE_NANOS;
    }
  }

  /** Prints something that is to stay. */
  synchronized void say(String text) {
    line.clear();
    out.println(text);
    out.flush();
  }

  /** Makes room for something that is printed elsewhere. */
  synchronized void clear() {
    line.clear();
  }
}
