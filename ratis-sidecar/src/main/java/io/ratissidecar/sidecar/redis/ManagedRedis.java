package io.ratissidecar.sidecar.redis;

import io.ratissidecar.sidecar.config.SidecarConfig;
import io.ratissidecar.sidecar.resp.RespEndpoint;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.regex.Pattern;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Starts a Redis process with the settings that replication needs. One that an earlier sidecar left
 * running is taken over, since its data is worth a replay.
 *
 * <p>Confined to the control thread, but for {@link #describe}.
 */
final class ManagedRedis {
  private static final Logger LOG = LoggerFactory.getLogger(ManagedRedis.class);

  private static final Pattern UNFINISHED =
      Pattern.compile("temp-(rewriteaof-(bg-)?)?[0-9]+(\\.[0-9]+)?\\.(rdb|aof)");

  private static final int MAX_OUTPUT_BYTES = 1 << 16;

  /** What was written is put aside at a start when it is longer; one older file is kept. */
  private static final long MAX_LOG_BYTES = 1 << 20;

  private final SidecarConfig config;
  private final Path dir;
  private final SocketPlace place;
  private final Path socket;
  private long logStart;
  private volatile Process process;

  ManagedRedis(SidecarConfig config) {
    this.config = config;
    this.dir = config.dir().resolve("redis");
    this.place = new SocketPlace(dir);
    this.socket = place.socket();
  }

  RespEndpoint endpoint() {
    return RespEndpoint.unix(socket.toString());
  }

  /** Where a person can reach it. */
  String describe() {
    return config.managedRedisPort() > 0
        ? "127.0.0.1:" + config.managedRedisPort()
        : socket.toString();
  }

  /** True while the process that was started here lives. */
  boolean isAlive() {
    Process p = process;
    return p != null && p.isAlive();
  }

  /**
   * True when something accepts connections on the socket. A file that a killed Redis left behind
   * does not.
   */
  boolean accepts() {
    try {
      place.prepare();
    } catch (IOException e) {
      return false; // start says why
    }
    try (SocketChannel probe = SocketChannel.open(UnixDomainSocketAddress.of(socket))) {
      return probe.isConnected();
    } catch (IOException e) {
      return false;
    }
  }

  /** Starts the process; it may take a moment until it can be connected to. */
  void start() throws IOException {
    place.prepare();
    Files.deleteIfExists(socket);
    if (takenOver().isEmpty()) {
      deleteUnfinished();
    }
    if (log().toFile().length() > MAX_LOG_BYTES) {
      Files.move(log(), dir.resolve("redis.log.old"), StandardCopyOption.REPLACE_EXISTING);
    }
    logStart = log().toFile().length();
    Path program = RedisBinary.find(config.redisServer(), dir);
    List<String> command = new ArrayList<>(List.of(program.toString()));
    command.addAll(arguments());
    process =
        inPlainLocale(new ProcessBuilder(command))
            .directory(dir.toFile())
            .redirectInput(ProcessBuilder.Redirect.from(Path.of("/dev/null").toFile()))
            .redirectErrorStream(true)
            .redirectOutput(ProcessBuilder.Redirect.appendTo(log().toFile()))
            .start();
    Files.writeString(pidFile(), Long.toString(process.pid()));
    LOG.info("Started {} as process {}, at {}", program, process.pid(), describe());
  }

  /**
   * Redis writes its files under names with a process's id first, and one that is killed meanwhile
   * leaves them for ever: one the size of its data each time.
   */
  private void deleteUnfinished() {
    try (DirectoryStream<Path> files =
        Files.newDirectoryStream(
            dir, file -> UNFINISHED.matcher(file.getFileName().toString()).matches())) {
      for (Path file : files) {
        Files.deleteIfExists(file); // its child may live on, and finish just now
      }
    } catch (IOException e) {
      LOG.warn("What a killed Redis left in {} could not be deleted: {}", dir, e.toString());
    }
  }

  /** So that SORT ALPHA and scripts order texts alike on every machine: by their bytes. */
  private static ProcessBuilder inPlainLocale(ProcessBuilder builder) {
    builder.environment().put("LC_ALL", "C");
    return builder;
  }

  private List<String> arguments() {
    List<String> a = new ArrayList<>();
    set(a, "unixsocket", socket.toString());
    set(a, "unixsocketperm", "700");
    set(a, "port", Integer.toString(Math.max(0, config.managedRedisPort())));
    set(a, "bind", "127.0.0.1");
    set(a, "dir", dir.toString());
    set(a, "daemonize", "no");
    // Otherwise it writes a page about every snapshot.
    set(a, "loglevel", "warning");
    // The log is what lasts; Redis's own files only shorten a replay.
    set(a, "save", "");
    set(a, "appendonly", config.redisAppendOnly() ? "yes" : "no");
    set(a, "appendfsync", "everysec");
    set(a, "notify-keyspace-events", config.redisNotifyKeyspaceEvents());
    // Nothing may depend on one node's memory or disk.
    set(a, "maxmemory", "0");
    set(a, "maxmemory-policy", "noeviction");
    set(a, "stop-writes-on-bgsave-error", "no");
    set(a, "timeout", "0");
    // Large pipelines of entries must not be cut off.
    set(a, "client-output-buffer-limit", "normal", "0", "0", "0");
    // Version 6.2 keeps what is written meanwhile for whoever takes a snapshot.
    set(a, "client-output-buffer-limit", "replica", "0", "0", "0");
    // Snapshots come and go over the replication protocol, without files of Redis's.
    set(a, "repl-diskless-sync", "yes");
    set(a, "repl-diskless-sync-delay", "0");
    set(a, "repl-diskless-load", "on-empty-db");
    set(a, "maxclients", Integer.toString(config.maxClients() + 64));
    return a;
  }

  private static void set(List<String> arguments, String name, String... values) {
    arguments.add("--" + name);
    arguments.addAll(List.of(values));
  }

  private Path log() {
    return dir.resolve("redis.log");
  }

  private Path pidFile() {
    return dir.resolve("redis.pid");
  }

  /** The last line that the process wrote, which says why it ended. */
  String lastWords() {
    String[] lines = output().split("\n", -1);
    return lines[lines.length - 1];
  }

  /** True when the process that was started last found its port in use. */
  boolean foundPortInUse() {
    return process != null && output().contains("Address already in use");
  }

  /** What the process that was started last has written. */
  private String output() {
    try (RandomAccessFile file = new RandomAccessFile(log().toFile(), "r")) {
      file.seek(Math.max(logStart, file.length() - MAX_OUTPUT_BYTES));
      byte[] bytes = new byte[(int) Math.max(0, file.length() - file.getFilePointer())];
      file.readFully(bytes);
      return new String(bytes, StandardCharsets.ISO_8859_1).strip();
    } catch (IOException e) {
      return "";
    }
  }

  /** Waits up to the time for a process that was asked to end, then lets it finish alone. */
  void awaitExit(long timeoutMillis) throws InterruptedException {
    Process p = process;
    ProcessHandle running = p != null ? p.toHandle() : takenOver().orElse(null);
    try {
      if (running != null) {
        running.onExit().get(timeoutMillis, TimeUnit.MILLISECONDS);
      }
      if (running != null || !accepts()) { // one that was taken over may not be found
        place.remove();
      }
    } catch (TimeoutException e) {
      LOG.warn("Redis (process {}) is still saving its data and will end by itself", running.pid());
    } catch (ExecutionException e) {
      throw new IllegalStateException(e); // there is nothing that could fail
    }
  }

  /** Ends a process that does not answer, also one that an earlier sidecar started. */
  void kill() {
    Process p = process;
    if (p != null) {
      p.destroyForcibly();
    } else {
      takenOver().ifPresent(ProcessHandle::destroyForcibly);
    }
  }

  /** The process that was left running; ids are used again, so it must work in our directory. */
  private Optional<ProcessHandle> takenOver() {
    try {
      long pid = Long.parseLong(Files.readString(pidFile()).strip());
      Path proc = Path.of("/proc", Long.toString(pid));
      String program = Files.readString(proc.resolve("comm"));
      boolean ours =
          (program.contains("redis") || program.contains("valkey"))
              && proc.resolve("cwd").toRealPath().equals(dir.toRealPath());
      return ours ? ProcessHandle.of(pid) : Optional.empty();
    } catch (IOException | NumberFormatException e) {
      return Optional.empty();
    }
  }
}
