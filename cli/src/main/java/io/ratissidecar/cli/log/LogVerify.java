package io.ratissidecar.cli.log;

import io.ratissidecar.logstore.LogReport;
import io.ratissidecar.logstore.LogVerifier;
import io.ratissidecar.sidecar.raft.RaftLogVerifier;
import io.ratissidecar.statemachine.apply.PayloadCommands;
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
      "Reads every byte of the payload log and of Raft's own log, compares all checksums and looks whether payloads are"
          + " commands; lists all damage with file, offset and index.",
      "About a second per gigabyte, if the disk is as fast."
    },
    footer = {
      "",
      "Example:",
      "  ratis-sidecar log verify --dir /var/lib/ratis-sidecar",
      "",
      "Exit codes: 0 both logs are sound, 1 one is damaged, missing, or can't be read."
    })
final class LogVerify implements Callable<Integer> {
  @Mixin private LogOptions options;

  @Override
  public Integer call() throws IOException {
    try (StoppedNode node = StoppedNode.open(options.dir())) {
      LogReport payload =
          LogVerifier.verify(node.log(), entry -> PayloadCommands.count(entry.payload()));
      RaftLogVerifier.Result raft = RaftLogVerifier.verify(options.dir(), payload.summary());
      VerifyText text = new VerifyText(payload, raft);
      options.print(text.json(), text::verdict);
      return text.sound() ? 0 : 1;
    }
  }
}
