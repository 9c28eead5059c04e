package io.ratissidecar.it;

import static org.junit.jupiter.api.Assertions.assertTrue;

import io.ratissidecar.jepsen.Reply;
import io.ratissidecar.jepsen.RespClient;
import java.io.File;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

/** One node: a sidecar process and the Redis that it manages, each of which can be hurt alone. */
final class Node {
  static final int CALL_MILLIS = 30_000;
  private static final int LAST_LOG_BYTES = 1 << 18;
  private static final Duration START = Duration.ofSeconds(90);

  private final Path dir;
  private final Path output;
  private final Path log;
  private final List<String> settings;
  private final int port = Ports.next();
  private final int raftPort = Ports.next();
  private final int redisPort = Ports.next();
  private String heap = "256m";
  private List<String> java = List.of();
  private boolean hasClock;

  /** What the library with the clock shares among processes, and leaves when they are killed. */
  private final List<File> clockFiles = new ArrayList<>();

  private Process process;
  private boolean paused;

  /**
   * @param settings flags and values beside those of directory and ports
   */
  Node(Path dir, List<String> settings) throws IOException {
    this.dir = Files.createDirectories(dir);
    Files.createDirectories(dir.resolve("tmp"));
    this.output = dir.resolve("stdout.txt");
    this.log = dir.resolve("stderr.txt");
    this.settings = new ArrayList<>(settings);
  }

  String name() {
    return dir.getFileName().toString();
  }

  Path dir() {
    return dir;
  }

  int port() {
    return port;
  }

  int raftPort() {
    return raftPort;
  }

  int redisPort() {
    return redisPort;
  }

  /**
   * Starts a Redis that the sidecar does not manage; it counts as this node's in every other way.
   *
   * @param flags beside those for port, socket, directory and process id
   */
  void startExternalRedis(String... flags) {
    try {
      Path redisDir = Files.createDirectories(dir.resolve("redis"));
      List<String> command = new ArrayList<>(List.of("redis-server", "--port", "" + redisPort));
      command.addAll(List.of("--bind", "127.0.0.1", "--dir", redisDir.toString()));
      command.addAll(List.of("--unixsocket", redisSocket().toString(), "--save", ""));
      command.addAll(List.of("--pidfile", redisDir.resolve("redis.pid").toString()));
      command.addAll(List.of(flags));
      new ProcessBuilder(command)
          .redirectInput(new File("/dev/null"))
          .redirectErrorStream(true)
          .redirectOutput(
              ProcessBuilder.Redirect.appendTo(dir.resolve("external-redis.txt").toFile()))
          .start();
      Poll.until(name() + "'s Redis listens", START, () -> redis().isPresent() && redisAnswers());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private boolean redisAnswers() throws IOException {
    return !redisCall("PING").text().isEmpty();
  }

  /** Unix socket of a Redis that was started by {@link #startExternalRedis}. */
  Path redisSocket() {
    return dir.resolve("redis").resolve("external.sock");
  }

  /** {@code host:port} for clients. */
  String address() {
    return "127.0.0.1:" + port;
  }

  /** A flag and its value for the next start; takes the place of an earlier value. */
  void set(String flag, String value) {
    int at = settings.indexOf(flag);
    if (at >= 0) {
      settings.set(at + 1, value);
    } else {
      settings.addAll(List.of(flag, value));
    }
  }

  /** Java's heap at the most from the next start on, such as {@code 64m}. */
  Node heap(String most) {
    heap = most;
    return this;
  }

  /** Flags for Java from the next start on. */
  Node java(String... flags) {
    java = List.of(flags);
    return this;
  }

  /**
   * Wall clock of the sidecar and its Redis from the next start on; at once, if they were started
   * with such a clock already.
   *
   * @param offset how far it is off, such as {@code -1h}
   */
  Node clock(String offset) {
    try {
      Path next = Files.writeString(dir.resolve("clock.next"), offset);
      Files.move(next, dir.resolve("clock"), StandardCopyOption.ATOMIC_MOVE);
      hasClock = true;
      return this;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /**
   * The library is loaded as it is: the program that comes with it would be another process. The C
   * library comes right behind, and so before the allocator that Debian's Redis has as a library of
   * its own: that one asks for the time before it can give the memory which this takes.
   */
  private void fakeTime(Map<String, String> environment) {
    try (Stream<Path> found =
        Files.find(
            Path.of("/usr/lib"), 3, (file, is) -> file.endsWith("faketime/libfaketimeMT.so.1"))) {
      environment.put("LD_PRELOAD", found.findFirst().orElseThrow() + ":libc.so.6");
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    environment.put("FAKETIME_TIMESTAMP_FILE", dir.resolve("clock").toString());
    environment.put("FAKETIME_NO_CACHE", "1");
    // Java waits by the monotone clock, which is left alone; nothing is to be mended there.
    environment.put("DONT_FAKE_MONOTONIC", "1");
    environment.put("FAKETIME_FORCE_MONOTONIC_FIX", "0");
  }

  /** Starts the sidecar; {@link #awaitReady} tells when it takes clients. */
  Node start() {
    if (isAlive()) {
      throw new IllegalStateException(name() + " runs");
    }
    try {
      Files.writeString(output, "");
      ProcessBuilder builder =
          new ProcessBuilder(command())
              .directory(dir.toFile())
              .redirectInput(new File("/dev/null"))
              .redirectOutput(output.toFile())
              .redirectError(ProcessBuilder.Redirect.appendTo(log.toFile()));
      if (hasClock) {
        fakeTime(builder.environment());
      }
      process = builder.start();
      if (hasClock) {
        clockFiles.add(new File("/dev/shm/faketime_shm_" + process.pid()));
        clockFiles.add(new File("/dev/shm/sem.faketime_sem_" + process.pid()));
      }
      return this;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Until the sidecar ends, no file that it writes may grow beyond this. */
  void limitFiles(long bytes) {
    Signals.run("prlimit", "--pid=" + process.pid(), "--fsize=" + bytes);
  }

  private List<String> command() {
    List<String> command = new ArrayList<>(SidecarJava.command(heap, dir.resolve("tmp"), java));
    command.addAll(List.of("start", "--dir", dir.toString()));
    command.addAll(List.of("--port", "" + port, "--raft-port", "" + raftPort));
    command.addAll(List.of("--redis-port", "" + redisPort));
    command.addAll(settings);
    return command;
  }

  /** Waits until the sidecar says that it takes clients. */
  Node awaitReady() {
    Poll.until(
        name() + " says ready",
        START,
        () -> !process.isAlive() || Files.readString(output).contains("ready "));
    if (!process.isAlive()) {
      throw new AssertionError(name() + " " + ending());
    }
    return this;
  }

  boolean isAlive() {
    return process != null && process.isAlive();
  }

  /** How a sidecar that is not alive has ended, and what it printed besides its log. */
  String ending() {
    try {
      return process == null
          ? "was not started"
          : "ended with " + process.exitValue() + ": " + Files.readString(output);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Process id of the sidecar that was started last. */
  long pid() {
    return process.pid();
  }

  /** True when the test itself stopped it for a while. */
  boolean isPaused() {
    return paused;
  }

  /** SIGKILL; the sidecar is gone when this returns, its Redis lives on. */
  void killSidecar() {
    process.destroyForcibly();
    awaitExit(Duration.ofSeconds(30));
    paused = false;
  }

  /** SIGKILL for the sidecar, then for its Redis. */
  void killBoth() {
    killSidecar();
    killRedis();
  }

  /** SIGTERM, which has a sidecar drain and save. */
  void terminate() {
    process.destroy();
  }

  /** Its exit code, once it has ended. */
  int awaitExit(Duration most) {
    try {
      if (!process.waitFor(most.toMillis(), TimeUnit.MILLISECONDS)) {
        throw new AssertionError(name() + " did not end within " + most.toMillis() + " ms");
      }
      return process.exitValue();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException(e);
    }
  }

  /** SIGSTOP. */
  void pauseSidecar() {
    Signals.send("STOP", process.pid());
    paused = true;
  }

  /** SIGCONT. */
  void resumeSidecar() {
    Signals.send("CONT", process.pid());
    paused = false;
  }

  void pauseRedis() {
    Signals.send("STOP", redis().orElseThrow().pid());
  }

  void resumeRedis() {
    Signals.send("CONT", redis().orElseThrow().pid());
  }

  /** The managed Redis that runs now. */
  Optional<ProcessHandle> redis() {
    try {
      Path file = dir.resolve("redis").resolve("redis.pid");
      if (!Files.exists(file)) {
        return Optional.empty();
      }
      long pid = Long.parseLong(Files.readString(file).strip());
      return ProcessHandle.of(pid).filter(this::runsRedis);
    } catch (IOException | NumberFormatException e) {
      return Optional.empty();
    }
  }

  /**
   * True while the process is a Redis of this node. Process ids are used again, and a process that
   * has ended is still there until its parent has taken notice: both work in no directory of ours.
   */
  boolean runsRedis(ProcessHandle process) {
    long pid = process.pid();
    try {
      String commandLine = Files.readString(Path.of("/proc/" + pid + "/cmdline"));
      String workingDir = Path.of("/proc/" + pid + "/cwd").toRealPath().toString();
      return commandLine.contains("redis") && workingDir.startsWith(dir.toRealPath().toString());
    } catch (IOException e) {
      return false;
    }
  }

  /** SIGKILL for Redis alone. */
  void killRedis() {
    ProcessHandle redis = redis().orElseThrow();
    redis.destroyForcibly();
    Poll.until(name() + "'s Redis is gone", Duration.ofSeconds(5), () -> !runsRedis(redis));
  }

  /** Also those of which no file tells any more. */
  private Stream<ProcessHandle> redisProcesses() {
    return ProcessHandle.allProcesses().filter(this::runsRedis);
  }

  /** Whether anything of this node still runs. */
  boolean isRunning() {
    return isAlive() || redisProcesses().findAny().isPresent();
  }

  /** Ends what still runs of this node; does not wait for the end. */
  void destroy() {
    if (isAlive()) {
      process.destroyForcibly();
    }
    redisProcesses().forEach(ProcessHandle::destroyForcibly);
    clockFiles.forEach(File::delete);
  }

  /** Where its Redis has its socket, when the path to its directory is too long for one. */
  Path socketDirectory() {
    byte[] name = dir.resolve("redis/redis.sock").toString().getBytes(StandardCharsets.UTF_8);
    return Path.of("/tmp", "ratis-sidecar-" + UUID.nameUUIDFromBytes(name));
  }

  RespClient client() throws IOException {
    return RespClient.to(address(), CALL_MILLIS);
  }

  /** A client that has sent the password, if this node was started with one. */
  RespClient loggedIn() throws IOException {
    RespClient client = client();
    int at = settings.indexOf("--password");
    if (at >= 0) {
      Replies.assertOk(client.call("AUTH", settings.get(at + 1)));
    }
    return client;
  }

  /** One command to the sidecar, over a connection of its own. */
  Reply call(String... words) throws IOException {
    try (RespClient client = loggedIn()) {
      return client.call(words);
    }
  }

  /** One command past the sidecar, to the Redis itself. */
  Reply redisCall(String... words) throws IOException {
    try (RespClient client = new RespClient("127.0.0.1", redisPort, CALL_MILLIS)) {
      return client.call(words);
    }
  }

  /** Waits until so many clients of Redis itself are blocked in a command. */
  void awaitBlocked(int clients) {
    Poll.until(
        clients + " blocked clients",
        Duration.ofSeconds(5),
        () -> redisCall("INFO", "clients").text().contains("blocked_clients:" + clients));
  }

  /** The fields of {@code INFO raft}. */
  Map<String, String> info() throws IOException {
    Map<String, String> fields = new HashMap<>();
    for (String line : call("INFO", "raft").text().split("\r\n")) {
      int colon = line.indexOf(':');
      if (colon > 0) {
        fields.put(line.substring(0, colon), line.substring(colon + 1));
      }
    }
    return fields;
  }

  long infoNumber(String field) throws IOException {
    return Long.parseLong(info().get(field));
  }

  /** True when it says to lead. */
  boolean isLeader() {
    try {
      return isAlive() && !paused && "leader".equals(info().get("raft_role"));
    } catch (IOException e) {
      return false;
    }
  }

  List<String> logLines() {
    try {
      return Files.exists(log)
          ? List.of(Files.readString(log, StandardCharsets.UTF_8).split("\n"))
          : List.of();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** The last lines of the log, however long it is; the first of them may be cut. */
  List<String> lastLogLines() {
    try (RandomAccessFile file = new RandomAccessFile(log.toFile(), "r")) {
      file.seek(Math.max(0, file.length() - LAST_LOG_BYTES));
      byte[] bytes = new byte[LAST_LOG_BYTES];
      int length = Math.max(0, file.read(bytes));
      return List.of(new String(bytes, 0, length, StandardCharsets.UTF_8).split("\n"));
    } catch (FileNotFoundException e) {
      return List.of(); // it was never started
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Forgets what the log says; the sidecar, which appends to it, may run. */
  void clearLog() {
    try {
      Files.writeString(log, "");
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Checks that a line of the log holds this text. */
  void assertLogs(String text) {
    assertTrue(hasLogged(text), () -> name() + "'s log does not say: " + text);
  }

  boolean hasLogged(String text) {
    return logLines().stream().anyMatch(line -> line.contains(text));
  }

  /** Leaves a mark in the log, to tell where a test did something. */
  void note(String text) {
    try {
      Files.writeString(
          log, "--- test: " + text + "\n", StandardOpenOption.CREATE, StandardOpenOption.APPEND);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
