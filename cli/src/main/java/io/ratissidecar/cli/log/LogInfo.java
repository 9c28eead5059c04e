package io.ratissidecar.cli.log;

import io.ratissidecar.logstore.LogReport;
import io.ratissidecar.logstore.LogVerifier;
import java.io.IOException;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Help.Ansi;
import picocli.CommandLine.Mixin;

/** {@code log info}. */
@Command(
    name = "info",
    mixinStandardHelpOptions = true,
    sortOptions = false,
    description =
        "Says whose log it is and what is in it: indexes, terms, sizes, files; and which snapshots"
            + " there are.",
    footer = {"", "Example:", "  ratis-sidecar log info --dir /var/lib/ratis-sidecar"})
final class LogInfo implements Callable<Integer> {
  @Mixin private LogOptions options;

  @Override
  public Integer call() throws IOException {
    try (StoppedNode node = StoppedNode.open(options.dir())) {
      LogReport report = LogVerifier.verify(node.log());
      ReportText text = new ReportText(report, node.snapshots());
      options.print(
          text.json(),
          () -> text.summary(Ansi.AUTO) + (report.sound() ? "" : "\n\n" + text.verdict()));
      return 0;
    }
  }
}
