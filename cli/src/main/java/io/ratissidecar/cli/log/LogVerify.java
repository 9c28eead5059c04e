package io.ratissidecar.cli.log;

import io.ratissidecar.logstore.LogReport;
import io.ratissidecar.logstore.LogVerifier;
import java.io.IOException;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;

/** {@code log verify}. */
@Command(
    name = "verify",
    mixinStandardHelpOptions = true,
    sortOptions = false,
    description = {
      "Reads every byte, compares all checksums, and lists all damage with file, offset and index.",
      "About a second per gigabyte, if the disk is as fast."
    },
    footer = {
      "",
      "Example:",
      "  ratis-sidecar log verify --dir /var/lib/ratis-sidecar",
      "",
      "Exit codes: 0 the log is sound, 1 it is damaged or can't be read."
    })
final class LogVerify implements Callable<Integer> {
  @Mixin private LogOptions options;

  @Override
  public Integer call() throws IOException {
    try (StoppedNode node = StoppedNode.open(options.dir())) {
      LogReport report = LogVerifier.verify(node.log());
      ReportText text = new ReportText(report);
      options.print(text.json(), text::verdict);
      return report.sound() ? 0 : 1;
    }
  }
}
