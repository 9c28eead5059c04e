package io.ratissidecar.cli.snapshot;

import io.ratissidecar.cli.client.ByteProgress;
import io.ratissidecar.cli.client.NodeClient;
import io.ratissidecar.cli.client.NodeOptions;
import io.ratissidecar.cli.client.Progress;
import io.ratissidecar.cli.client.Units;
import io.ratissidecar.snapshot.RdbFile;
import io.ratissidecar.snapshot.RdbRewrite;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code snapshot export}. */
@Command(
    name = "export",
    mixinStandardHelpOptions = true,
    sortOptions = false,
    description = {
      "Writes the newest snapshot of a node to a file on this machine, as a plain RDB that any Redis loads.",
      "What is the sidecar's own is left out. The file appears under its name once it is whole and checked.",
      "A new cluster starts from it with 'cluster init --from'."
    },
    footer = {
      "",
      "Examples:",
      "  ratis-sidecar snapshot export --to backup.rdb",
      "  ratis-sidecar snapshot export --to backup.rdb --node 10.0.0.2:6380 --newest"
    })
final class SnapshotExport implements Callable<Integer> {
  @Mixin private NodeOptions options;

  @Option(
      names = "--to",
      paramLabel = "FILE",
      required = true,
      description = "The file to write; it must not exist.")
  private Path target;

  @Option(
      names = "--newest",
      description = "Exports the newest snapshot there is; by default the node takes one now.")
  private boolean newest;

  @Override
  public Integer call() throws IOException {
    if (Files.exists(target)) {
      throw new FileAlreadyExistsException(
          target + " exists already; give another name, or delete it");
    }
    Path directory = target.toAbsolutePath().getParent();
    if (!Files.isDirectory(directory)) {
      throw new IOException("there is no directory " + directory + " to write " + target + " to");
    }
    NodeClient client = options.client();
    String node = options.reachable();
    if (!newest) {
      SnapshotTake.take(client, node, options);
    }
    Path fetched = Files.createTempFile(directory, target.getFileName() + ".", ".fetched");
    Path written = Files.createTempFile(directory, target.getFileName() + ".", ".written");
    Progress progress = options.progress();
    try {
      new SnapshotCopy(client, node, progress).to(fetched);
      RdbFile rdb;
      try (DurableOutput out = new DurableOutput(written)) {
        rdb =
            RdbRewrite.export(
                fetched,
                out,
                new ByteProgress(
                    progress, "leaving out what is the sidecar's own, ", 2 * Files.size(fetched)));
        out.sync();
      }
      Files.move(written, target, StandardCopyOption.ATOMIC_MOVE);
      syncDirectory(directory);
      progress.clear();
      print(rdb);
      return 0;
    } finally {
      progress.clear();
      Files.deleteIfExists(fetched);
      Files.deleteIfExists(written);
    }
  }

  /** Then the backup has its name after a loss of power, too. */
  private static void syncDirectory(Path directory) throws IOException {
    try (FileChannel channel = FileChannel.open(directory, StandardOpenOption.READ)) {
      channel.force(true);
    }
  }

  private void print(RdbFile rdb) throws IOException {
    long index = rdb.marker().orElseThrow().applied();
    long bytes = Files.size(target);
    Map<String, Object> json = new LinkedHashMap<>();
    json.put("file", target.toString());
    json.put("index", index);
    json.put("bytes", bytes);
    options.print(
        json, "Wrote the data at entry " + index + " to " + target + ", " + Units.bytes(bytes));
  }
}
