package io.ratissidecar.cli.log;

import io.ratissidecar.logstore.LogReport;
import io.ratissidecar.logstore.LogVerifier;
import io.ratissidecar.sidecar.raft.RaftLogVerifier;
import io.ratissidecar.snapshot.Snapshot;
import io.ratissidecar.statemachine.apply.PayloadCommands;
import java.io.IOException;
import java.util.List;
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
      "Says as well when the logs do not go on from the newest snapshot.",
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
      List<Snapshot> snapshots = node.snapshots();
      RaftLogVerifier.Result raft =
          RaftLogVerifier.verify(
              options.dir(),
              payload.summary(),
              snapshots.stream().findFirst().map(Snapshot::manifest));
      VerifyText text = new VerifyText(payload, raft, snapshots);
      options.print(text.json(), text::verdict);
      return text.sound() ? 0 : 1;
    }
  }
}
