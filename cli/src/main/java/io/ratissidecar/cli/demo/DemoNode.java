package io.ratissidecar.cli.demo;

import io.ratissidecar.logstore.DirectoryLock;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/** One sidecar process of the demo, with its files and its managed Redis. */
final class DemoNode {
  private static final int TAIL_LINES = 12;

  private final int number;
  private final Path dir;
  private final PortPlan ports;
  private final boolean followerProxy;
  private volatile Process process;
  private volatile long startedNanos;

  DemoNode(int number, Path dir, PortPlan ports, boolean followerProxy) {
    this.number = number;
    this.dir = dir;
    this.ports = ports;
    this.followerProxy = followerProxy;
  }

  int number() {
    return number;
  }

  String address() {
    return ports.clientAddress(number);
  }

  int port() {
    return ports.client(number);
  }

  int redisPort() {
    return ports.redis(number);
  }

  String redisAddress() {
    return ports.redisAddress(number);
  }

  Path log() {
    return dir.resolve("sidecar.log");
  }

  long pid() {
    return process.pid();
  }

  boolean wasStarted() {
    return process != null;
  }

  boolean isAlive() {
    Process p = process;
    return p != null && p.isAlive();
  }

  long ageNanos() {
    return System.nanoTime() - startedNanos;
  }

  /** Completes when the process of the last start ends. */
  CompletableFuture<Process> ended() {
    return process.onExit();
  }

  /** How the process ended, in words. */
  String ending() {
    int code = process.exitValue();
    return code > 128 ? "killed by signal " + (code - 128) : "exit code " + code;
  }

  /**
   * Checks that nothing is in the way of a start.
   *
   * @throws DemoFailure saying what is
   */
  void requireFree() throws DemoFailure, IOException {
    if (isLocked()) {
      throw new DemoFailure(
          "a sidecar is still running on " + dir + ". Stop it, or use another --dir.");
    }
    boolean redisIsOurs = leftRedis().isPresent(); // the sidecar takes it over
    for (PortPlan.Use use : ports.of(number)) {
      boolean ours = redisIsOurs && use.port() == ports.redis(number);
      if (!ours && !use.isFree()) {
        throw new DemoFailure(
            "port "
                + use.port()
                + " (for "
                + use.purpose()
                + ") is in use. Stop what uses it, or choose other ports with --base-port.");
      }
    }
  }

  private boolean isLocked() throws IOException {
    Optional<DirectoryLock> free = DirectoryLock.tryShare(dir);
    if (free.isPresent()) {
      free.get().close();
    }
    return free.isEmpty();
  }

  /** Starts the process; it takes a second or two until it answers. */
  void start() throws IOException {
    Files.createDirectories(dir);
    ProcessBuilder builder =
        new ProcessBuilder(
                SidecarProcess.command(
                    number,
                    dir,
                    ports.client(number),
                    ports.raft(number),
                    ports.redis(number),
                    followerProxy))
            .redirectErrorStream(true)
            .redirectOutput(ProcessBuilder.Redirect.appendTo(log().toFile()));
    // Settings meant for other sidecars must not reach these.
    builder.environment().keySet().removeIf(name -> name.startsWith("RATIS_SIDECAR_"));
    process = builder.start();
    startedNanos = System.nanoTime();
  }

  /** SIGTERM: it drains, hands leadership over and stops its Redis. */
  void terminate() {
    Process p = process;
    if (p != null) {
      p.destroy();
    }
  }

  /** SIGKILL: it has no chance to do anything more. */
  void kill() {
    process.destroyForcibly();
  }

  /** Waits for the end of the process, and ends it by force when the time is over. */
  void awaitEnd(long timeoutMillis) throws InterruptedException {
    Process p = process;
    if (p != null && !p.waitFor(timeoutMillis, TimeUnit.MILLISECONDS)) {
      p.destroyForcibly().waitFor();
    }
  }

  /** Ends a Redis that its sidecar could not stop any more. */
  void stopLeftRedis(long timeoutMillis) throws InterruptedException {
    Optional<ProcessHandle> left = leftRedis();
    if (left.isEmpty()) {
      return;
    }
    left.get().destroy();
    try {
      left.get().onExit().get(timeoutMillis, TimeUnit.MILLISECONDS);
    } catch (ExecutionException | TimeoutException e) {
      left.get().destroyForcibly();
    }
  }

  /**
   * The Redis that this node's directory names, if that process lives and truly is one: a process
   * id may have gone to a stranger since.
   */
  Optional<ProcessHandle> leftRedis() {
    Path redis = dir.resolve("redis");
    try {
      long pid = Long.parseLong(Files.readString(redis.resolve("redis.pid")).strip());
      Path proc = Path.of("/proc", Long.toString(pid));
      String title = Files.readString(proc.resolve("cmdline"));
      boolean server = title.contains("redis-server") || title.contains("valkey-server");
      boolean here = proc.resolve("cwd").toRealPath().equals(redis.toRealPath());
      return server && here ? ProcessHandle.of(pid) : Optional.empty();
    } catch (IOException | NumberFormatException e) {
      return Optional.empty(); // no such file, no such process, or not ours to look at
    }
  }

  /** The last lines of its log, for a message. */
  String logTail() {
    try {
      List<String> lines = Files.readAllLines(log());
      List<String> last = lines.subList(Math.max(0, lines.size() - TAIL_LINES), lines.size());
      return "The end of " + log() + ":\n  " + String.join("\n  ", last);
    } catch (IOException e) {
      return "Its log " + log() + " can't be read: " + e.getMessage();
    }
  }
}
