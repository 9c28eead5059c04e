package io.ratissidecar.it;

import java.io.BufferedReader;
import java.io.BufferedWriter;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

/** A script that Node.js runs, and that talks by lines. Closing ends its process. */
final class NodeScript implements AutoCloseable {
  private static final long MOST_SECONDS = 150;
  private static final Path SOURCES = Path.of("src", "test", "js");
  private static final String LOCK = "package-lock.json";

  private final Path errors;
  private final Process process;
  private final BufferedReader out;
  private final BufferedWriter in;
  private final CompletableFuture<Void> limit;

  /**
   * @param arguments for the script
   */
  NodeScript(Path script, List<String> arguments) throws IOException {
    errors = script.resolveSibling(script.getFileName() + ".err");
    List<String> command = new ArrayList<>(List.of("node", script.toString()));
    command.addAll(arguments);
    process = new ProcessBuilder(command).redirectError(errors.toFile()).start();
    out = process.inputReader(StandardCharsets.UTF_8);
    in = process.outputWriter(StandardCharsets.UTF_8);
    limit =
        CompletableFuture.runAsync(
            process::destroyForcibly,
            CompletableFuture.delayedExecutor(MOST_SECONDS, TimeUnit.SECONDS));
  }

  /**
   * Puts the scripts below {@code target}, and beside them the libraries that the lock file names.
   * Their own install scripts don't run.
   */
  static Path install() {
    Path dir = Path.of("target", "js").toAbsolutePath();
    Path installed = dir.resolve("installed");
    try {
      Files.createDirectories(dir);
      try (Stream<Path> sources = Files.list(SOURCES)) {
        for (Path source : sources.toList()) {
          Files.copy(
              source, dir.resolve(source.getFileName()), StandardCopyOption.REPLACE_EXISTING);
        }
      }
      if (!Files.exists(installed) || Files.mismatch(installed, dir.resolve(LOCK)) >= 0) {
        npm(dir, "ci", "--ignore-scripts", "--prefer-offline", "--no-audit", "--no-fund");
        Files.copy(dir.resolve(LOCK), installed, StandardCopyOption.REPLACE_EXISTING);
      }
      return dir;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static void npm(Path dir, String... arguments) throws IOException {
    List<String> command = new ArrayList<>(List.of("npm"));
    command.addAll(List.of(arguments));
    Path output = dir.resolve("npm.txt");
    Process npm =
        new ProcessBuilder(command)
            .directory(dir.toFile())
            .redirectErrorStream(true)
            .redirectOutput(output.toFile())
            .start();
    try {
      npm.getOutputStream().close();
      if (!npm.waitFor(MOST_SECONDS, TimeUnit.SECONDS) || npm.exitValue() != 0) {
        throw new AssertionError(String.join(" ", command) + ": " + Files.readString(output));
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException(e);
    } finally {
      npm.descendants().forEach(ProcessHandle::destroyForcibly);
      npm.destroyForcibly();
    }
  }

  /** The next line that it prints; null at its end. */
  String read() throws IOException {
    return out.readLine();
  }

  /** Tells it a line. */
  void say(String line) throws IOException {
    in.write(line + "\n");
    in.flush();
  }

  /** Waits for its end and fails with what it complained, if it did not succeed. */
  void awaitSuccess() throws IOException {
    int code = process.onExit().join().exitValue(); // within the limit
    if (code != 0) {
      throw new AssertionError("the script ended with " + code + ": " + Files.readString(errors));
    }
  }

  @Override
  public void close() {
    limit.cancel(false);
    process.destroyForcibly();
  }
}
