package io.ratissidecar.cli.snapshot;

import io.ratissidecar.cli.client.ByteProgress;
import io.ratissidecar.cli.client.Json;
import io.ratissidecar.cli.client.Progress;
import io.ratissidecar.cli.client.Units;
import io.ratissidecar.snapshot.InvalidSnapshotException;
import io.ratissidecar.snapshot.RdbFile;
import io.ratissidecar.snapshot.Snapshot;
import io.ratissidecar.snapshot.SnapshotStore;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code snapshot verify}. */
@Command(
    name = "verify",
    mixinStandardHelpOptions = true,
    sortOptions = false,
    description = {
      "Reads every byte of snapshots and compares all checksums: those of a node's directory, whether it runs or not, or a"
          + " single RDB file, such as an exported one.",
      "About two seconds per gigabyte, if the disk is as fast."
    },
    footer = {
      "",
      "Examples:",
      "  ratis-sidecar snapshot verify --dir /var/lib/ratis-sidecar",
      "  ratis-sidecar snapshot verify backup.rdb",
      "",
      "Exit codes: 0 all is sound, 1 something is damaged, missing, or can't be read."
    })
final class SnapshotVerify implements Callable<Integer> {
  /** The command, to print on. */
  @Spec private CommandSpec spec;

  @ArgGroup(multiplicity = "1")
  private What what;

  /** One of the two. */
  static final class What {
    @Option(names = "--dir", paramLabel = "DIR", description = "Directory of a node.")
    private Path dir;

    @Parameters(paramLabel = "FILE", arity = "0..1", description = "An RDB file.")
    private Path file;
  }

  @Option(names = "--json", description = "Prints one line of JSON, for scripts.")
  private boolean json;

  @Override
  public Integer call() throws IOException {
    Progress progress = new Progress(spec.commandLine().getErr(), json);
    List<Result> results;
    try {
      results =
          what.dir == null ? List.of(file(what.file, progress)) : directory(what.dir, progress);
    } finally {
      progress.clear();
    }
    PrintWriter out = spec.commandLine().getOut();
    boolean sound = results.stream().allMatch(r -> r.problem().isEmpty());
    if (json) {
      out.println(
          Json.of(Map.of("sound", sound, "files", results.stream().map(Result::json).toList())));
    } else {
      results.forEach(r -> out.println(r.text()));
    }
    out.flush();
    return sound ? 0 : 1;
  }

  /**
   * @param problem empty when there is none
   */
  private record Result(Path file, String says, String problem) {
    String text() {
      return problem.isEmpty() ? file + ": " + says + ", sound" : "DAMAGED: " + problem;
    }

    Map<String, Object> json() {
      Map<String, Object> json = new LinkedHashMap<>();
      json.put("file", file.toString());
      json.put("sound", problem.isEmpty());
      json.put("problem", problem);
      return json;
    }
  }

  private static Result file(Path file, Progress progress) throws IOException {
    if (!Files.isRegularFile(file)) {
      throw new IOException(file + " is no file");
    }
    try {
      RdbFile rdb = RdbFile.read(file, new ByteProgress(progress, "", Files.size(file)));
      String entry = rdb.marker().map(m -> ", entry " + m.applied() + " of a cluster").orElse("");
      return new Result(
          file,
          "RDB version "
              + rdb.version()
              + ", "
              + rdb.keys()
              + " keys, "
              + Units.bytes(Files.size(file))
              + entry,
          "");
    } catch (InvalidSnapshotException e) {
      return new Result(file, "", e.getMessage());
    }
  }

  private static List<Result> directory(Path dir, Progress progress) throws IOException {
    List<Result> results = new ArrayList<>();
    for (Path snapshot : SnapshotStore.directories(dir.resolve("snapshots"))) {
      try {
        Snapshot read = Snapshot.read(snapshot);
        read.verify(
            new ByteProgress(
                progress,
                "snapshot of entry " + read.manifest().index() + ", ",
                2 * read.manifest().rdbBytes()));
        results.add(
            new Result(
                read.rdb(),
                "entry "
                    + read.manifest().index()
                    + " of "
                    + read.manifest().time()
                    + ", "
                    + Units.bytes(read.manifest().rdbBytes()),
                ""));
      } catch (InvalidSnapshotException e) {
        results.add(new Result(snapshot, "", e.getMessage()));
      }
    }
    if (results.isEmpty()) {
      throw new IOException(dir + " holds no snapshot");
    }
    return results;
  }
}
