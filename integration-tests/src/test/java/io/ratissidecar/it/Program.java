package io.ratissidecar.it;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import java.io.File;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/**
 * The command line as a user runs it: a process of its own. Closing it ends that process and all
 * that it has started.
 */
final class Program implements AutoCloseable {
  private static final Duration SHORT = Duration.ofSeconds(60);

  /**
   * What came of a run.
   *
   * @param out what it printed
   * @param err what it complained
   */
  record Result(int exitCode, String out, String err) {
    /** Checks the exit code, and that the output or the complaint holds these texts. */
    Result expect(int code, String... texts) {
      assertEquals(code, exitCode, this::toString);
      String said = code == 0 ? out : out + err;
      for (String text : texts) {
        assertTrue(said.contains(text), () -> "it does not say '" + text + "': " + this);
      }
      return this;
    }

    /** The output, which must be one line of JSON. */
    JsonObject json() {
      assertEquals(1, out.lines().count(), out);
      return JsonParser.parseString(out).getAsJsonObject();
    }
  }

  private final Path dir;
  private final Path out;
  private final Path err;
  private final Process process;

  private Program(Path dir, Map<String, String> environment, List<String> words)
      throws IOException {
    this.dir = dir;
    Path run = Files.createTempDirectory(dir, "run-");
    out = run.resolve("out");
    err = run.resolve("err");
    ProcessBuilder builder =
        new ProcessBuilder(command(run, words))
            .directory(dir.toFile())
            .redirectInput(new File("/dev/null"))
            .redirectOutput(out.toFile())
            .redirectError(err.toFile());
    builder.environment().keySet().removeIf(name -> name.startsWith("RATIS_SIDECAR_"));
    builder.environment().putAll(environment);
    process = builder.start();
  }

  private static List<String> command(Path tmp, List<String> words) {
    List<String> command = new ArrayList<>(SidecarJava.command("256m", tmp, List.of()));
    command.addAll(words);
    return command;
  }

  /**
   * Starts it.
   *
   * @param dir where it works; whatever processes belong to it must name it in their command line,
   *     or work below it
   */
  static Program start(Path dir, Map<String, String> environment, String... words) {
    try {
      return new Program(dir.toRealPath(), environment, List.of(words));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Runs it to its end. */
  static Result run(Path dir, Map<String, String> environment, String... words) {
    try (Program program = start(dir, environment, words)) {
      return program.await(SHORT);
    }
  }

  /** Waits for its end. */
  Result await(Duration most) {
    try {
      if (!process.waitFor(most.toMillis(), TimeUnit.MILLISECONDS)) {
        throw new AssertionError("it has not ended within " + most + ": " + out() + err());
      }
      return new Result(process.exitValue(), out(), err());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException(e);
    }
  }

  /** Waits until it has printed this, and returns all that it has printed. */
  String awaitOut(String text, Duration most) {
    Poll.until("it prints " + text, most, () -> !process.isAlive() || out().contains(text));
    assertTrue(out().contains(text), () -> "it has ended: " + out() + err());
    return out();
  }

  /** Fails with all that it has said if it has ended. */
  void assertRuns() {
    assertTrue(process.isAlive(), () -> "it has ended: " + out() + err());
  }

  long pid() {
    return process.pid();
  }

  /** SIGTERM. */
  void terminate() {
    process.destroy();
  }

  /** SIGKILL. */
  void kill() {
    process.destroyForcibly();
  }

  private String out() {
    return read(out);
  }

  private String err() {
    return read(err);
  }

  private static String read(Path file) {
    try {
      return Files.readString(file);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** The processes that work below the directory, or were started with it. */
  static List<ProcessHandle> processesOf(Path dir) {
    return ProcessHandle.allProcesses()
        .filter(p -> p.pid() != ProcessHandle.current().pid() && belongsTo(p.pid(), dir))
        .toList();
  }

  private static boolean belongsTo(long pid, Path dir) {
    Path proc = Path.of("/proc", Long.toString(pid));
    try {
      return Files.readString(proc.resolve("cmdline")).contains(dir + "/")
          || proc.resolve("cwd").toRealPath().startsWith(dir);
    } catch (IOException e) {
      return false; // it has just ended, or is somebody else's
    }
  }

  @Override
  public void close() {
    process.destroyForcibly();
    Poll.until(
        "nothing runs in " + dir,
        SHORT,
        () -> {
          List<ProcessHandle> left = processesOf(dir);
          left.forEach(ProcessHandle::destroyForcibly);
          return left.isEmpty();
        });
  }
}
