package io.ratissidecar.cli.log;

import io.ratissidecar.cli.client.Json;
import io.ratissidecar.logstore.LogDump;
import io.ratissidecar.snapshot.Snapshot;
import io.ratissidecar.statemachine.entry.Entry;
import java.io.BufferedOutputStream;
import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Instant;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** {@code log dump}. */
@Command(
    name = "dump",
    mixinStandardHelpOptions = true,
    sortOptions = false,
    description = {
      "Prints entries in readable form, or their commands as an append-only file of Redis.",
      "Entries that no majority has may be among the last ones: Raft decides at the next start."
    },
    footer = {
      "",
      "Examples:",
      "  ratis-sidecar log dump --dir /var/lib/ratis-sidecar --from 100 --to 120",
      "  ratis-sidecar log dump --dir /var/lib/ratis-sidecar --aof --output dump.aof",
      "  ratis-sidecar log dump --dir /var/lib/ratis-sidecar --aof | redis-cli -p 6399 --pipe"
    })
final class LogEntries implements Callable<Integer> {
  private static final int BUFFER_BYTES = 1 << 16;

  @Spec private CommandSpec spec;
  @Mixin private LogOptions options;

  @Option(
      names = "--from",
      paramLabel = "INDEX",
      defaultValue = "0",
      description = "First index. Default: the first one there is.")
  private long from;

  @Option(
      names = "--to",
      paramLabel = "INDEX",
      defaultValue = "9223372036854775807",
      description = "Last index. Default: the last one there is.")
  private long to;

  @Option(
      names = "--aof",
      description =
          "Writes the commands as they are, which is what Redis calls an append-only file.")
  private boolean aof;

  @Option(
      names = "--output",
      paramLabel = "FILE",
      description = "File to write, replaced if it exists. Default: standard output.")
  private Path output;

  @Override
  public Integer call() throws IOException {
    if (from > to) {
      throw new ParameterException(spec.commandLine(), "--from is behind --to");
    }
    if (aof && options.json()) {
      throw new ParameterException(spec.commandLine(), "--aof and --json exclude each other");
    }
    try (StoppedNode node = StoppedNode.open(options.dir())) {
      noteStart(node);
      if (output == null) {
        return toStandardOutput(node.log());
      }
      try (OutputStream out = new FileOutputStream(output.toFile())) {
        long entries = write(node.log(), out);
        spec.commandLine().getErr().println("Wrote " + entries + " entries to " + output);
      }
    }
    return 0;
  }

  /** What is dumped is not all that there was when the log was cut. */
  private void noteStart(StoppedNode node) throws IOException {
    long start = LogDump.startIndex(node.log());
    if (from >= start || start == 1) {
      return;
    }
    Optional<Snapshot> snapshot = node.snapshots().stream().findFirst();
    spec.commandLine()
        .getErr()
        .println(
            "The log begins with index "
                + start
                + snapshot
                    .map(s -> "; what was before is in the snapshot " + s.rdb())
                    .orElse("; what was before is not here"));
  }

  @SuppressWarnings("resource") // standard output is not ours to close
  private int toStandardOutput(Path log) throws IOException {
    try {
      write(log, new FileOutputStream(FileDescriptor.out));
      return 0;
    } catch (IOException e) {
      if ("Broken pipe".equals(e.getMessage())) {
        return 1; // the reader has seen enough, say 'head'
      }
      throw e;
    }
  }

  private long write(Path log, OutputStream target) throws IOException {
    OutputStream out = new BufferedOutputStream(target, BUFFER_BYTES);
    try {
      return aof ? LogDump.writePayloads(log, from, to, out) : writeReadable(log, out);
    } finally {
      out.flush(); // what stands before a damage is worth having
    }
  }

  private long writeReadable(Path log, OutputStream out) throws IOException {
    long entries = 0;
    try (LogDump dump = LogDump.open(log, from, to)) {
      for (Entry entry = dump.next(); entry != null; entry = dump.next()) {
        out.write(text(entry).getBytes(StandardCharsets.UTF_8));
        entries++;
      }
    }
    return entries;
  }

  private String text(Entry entry) {
    if (options.json()) {
      return Json.of(json(entry)) + "\n";
    }
    StringBuilder text = new StringBuilder(LogDump.describe(entry)).append('\n');
    LogDump.commands(entry).forEach(command -> text.append("  ").append(command).append('\n'));
    return text.toString();
  }

  private static Map<String, Object> json(Entry entry) {
    Map<String, Object> json = new LinkedHashMap<>();
    json.put("index", entry.index());
    json.put("term", entry.term());
    json.put("type", entry.header().type());
    json.put("time", Instant.ofEpochMilli(entry.header().leaderTimeMillis()));
    json.put("seed", String.format("%016x", entry.header().seed()));
    json.put("commands", LogDump.commands(entry));
    return json;
  }
}
