package io.ratissidecar.it;

import java.io.File;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Runs units of Redis's test suite against a server that is there already. Each is a process of its
 * own, so that one that breaks off takes no other with it.
 */
final class SuiteRunner {
  /**
   * What needs to be done to the server beyond its data: it is the sidecar that does these to its
   * Redis, or forbids them. And what is about programs beside the server.
   */
  private static final String TAGS =
      "-needs:repl -needs:debug -needs:save -needs:reset -needs:config-maxmemory -needs:latency"
          + " -pause -tracking -cli -querybuf";

  /** Without a test's end for so long, the suite gives up on a unit. */
  private static final Duration PATIENCE = Duration.ofMinutes(10);

  private static final Duration LONGEST_UNIT = Duration.ofMinutes(40);
  private static final int PORTS = 40;
  private static final int LINES_SHOWN = 2;

  private static final Pattern OUTCOME =
      Pattern.compile("^\\[(ok|err|skip|exception|TIMEOUT)\\]: ?(.*)$");

  /**
   * What came of a unit.
   *
   * @param failures the test and what it says, several lines
   */
  record Result(int passed, List<String> failures, List<String> skipped, double seconds) {
    /** None of its tests was wanted. */
    boolean isEmpty() {
      return passed == 0 && failures.isEmpty() && skipped.isEmpty();
    }
  }

  private final Path dir;
  private final Path output;

  /**
   * @param dir the source of Redis, which is written to
   * @param output for what the units print
   */
  SuiteRunner(Path dir, Path output) throws IOException {
    this.dir = dir;
    this.output = Files.createDirectories(output);
  }

  /** Where the suite is, and other files may be. */
  Path dir() {
    return dir;
  }

  /** All there are, in the suite's order. */
  List<String> units() throws IOException {
    Path list = output.resolve("units");
    int exitCode = await(start(list, List.of("--list-tests")), PATIENCE);
    if (exitCode != 0) {
      throw new IOException("the suite does not start: " + Files.readString(list));
    }
    return Files.readAllLines(list);
  }

  /** Runs a unit without some of its tests. */
  Result run(String unit, int port, List<String> skip) throws IOException {
    List<String> options = new ArrayList<>(List.of("--single", unit));
    options.addAll(List.of("--host", "127.0.0.1", "--port", "" + port, "--tags", TAGS));
    options.addAll(List.of("--ignore-encoding", "--ignore-digest", "--clients", "1"));
    // The suite looks for the port of its own server below this one.
    options.addAll(List.of("--baseport", "" + (Ports.next() + PORTS), "--durable"));
    options.addAll(List.of("--timeout", "" + PATIENCE.toSeconds()));
    skip.forEach(test -> options.addAll(List.of("--skiptest", test)));
    Path log = output.resolve(unit.replace('/', '-') + ".log");
    long start = System.nanoTime();
    int exitCode = await(start(log, options), LONGEST_UNIT);
    Result result = read(log, (System.nanoTime() - start) / 1e9);
    if (exitCode != 0 && result.failures().isEmpty()) {
      result.failures().add(unit + " ended with exit code " + exitCode + ", see " + log);
    }
    return result;
  }

  private Process start(Path log, List<String> options) throws IOException {
    List<String> command = new ArrayList<>(List.of("./runtest"));
    command.addAll(options);
    ProcessBuilder builder =
        new ProcessBuilder(command)
            .directory(dir.toFile())
            .redirectInput(new File("/dev/null"))
            .redirectErrorStream(true)
            .redirectOutput(log.toFile());
    builder.environment().put("TERM", "dumb"); // no colours
    return builder.start();
  }

  private static int await(Process process, Duration most) {
    Thread end = new Thread(() -> destroy(process), "redis-suite-end");
    Runtime.getRuntime().addShutdownHook(end);
    try {
      boolean ended = process.waitFor(most.toMillis(), TimeUnit.MILLISECONDS);
      destroy(process);
      return ended ? process.exitValue() : -1;
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException(e);
    } finally {
      Runtime.getRuntime().removeShutdownHook(end);
    }
  }

  /** With its clients, which would wait for a server's reply for ever. */
  private static void destroy(Process process) {
    process.descendants().forEach(ProcessHandle::destroyForcibly);
    process.destroyForcibly();
  }

  private static Result read(Path log, double seconds) throws IOException {
    int passed = 0;
    List<String> failures = new ArrayList<>();
    List<String> skipped = new ArrayList<>();
    int more = 0;
    for (String line : Files.readString(log, StandardCharsets.ISO_8859_1).split("\n")) {
      if (line.contains("The End")) {
        break; // where failures are told again
      }
      Matcher outcome = OUTCOME.matcher(line);
      if (!outcome.find()) {
        if (line.startsWith("[")) {
          more = 0;
        } else if (more-- > 0) {
          int last = failures.size() - 1;
          failures.set(last, failures.get(last) + "\n" + line);
        }
        continue;
      }
      more = 0;
      switch (outcome.group(1)) {
        case "ok" -> passed++;
        case "skip" -> skipped.add(outcome.group(2));
        default -> {
          failures.add(outcome.group(1) + ": " + outcome.group(2));
          more = LINES_SHOWN;
        }
      }
    }
    return new Result(passed, failures, skipped, seconds);
  }

  /** Keeps what the nodes have logged, since their directories go with the cluster. */
  void keepLogs(String unit, TestCluster cluster) {
    try {
      for (Node node : cluster.nodes()) {
        List<String> lines = new ArrayList<>(node.logLines());
        if (!node.isAlive()) {
          lines.add(node.ending());
        }
        Files.write(output.resolve(unit.replace('/', '-') + "." + node.name() + ".log"), lines);
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
