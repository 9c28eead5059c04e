package io.ratissidecar.cli.importing;

import io.ratissidecar.cli.client.HostPortConverter;
import io.ratissidecar.cli.client.NodeClient;
import io.ratissidecar.cli.client.PasswordOption;
import io.ratissidecar.cli.client.Progress;
import io.ratissidecar.sidecar.config.HostPort;
import io.ratissidecar.sidecar.resp.RespEndpoint;
import java.io.IOException;
import java.io.PrintWriter;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** {@code import}: copies a running Redis into the cluster. */
@Command(
    name = "import",
    mixinStandardHelpOptions = true,
    sortOptions = false,
    description = {
      "Copies a running Redis into a cluster while clients go on writing to it.",
      "It acts as a replica of that Redis: takes all keys, then follows every change until Ctrl-C."
          + " To move over: stop the writers, wait until nothing is behind, press Ctrl-C, and point"
          + " them to the cluster."
    },
    footer = {
      "",
      "Examples:",
      "  ratis-sidecar import --from redis://10.0.0.9:6379 --to 10.0.0.1:6380",
      "  ratis-sidecar import --from redis://user:secret@10.0.0.9:6379 --once",
      "",
      "A key that expires while it is under way may be missing, though the source renewed it."
    })
public final class ImportCommand implements Callable<Integer> {
  private static final long SHOW_MILLIS = 250;

  @Spec private CommandSpec spec;

  @Option(
      names = "--from",
      required = true,
      paramLabel = "URI",
      converter = RedisUriConverter.class,
      description = {
        "The Redis to copy: redis://[[user]:password@]host:port, with special characters as %%XX.",
        "The user needs the commands PSYNC, REPLCONF and INFO."
      })
  private RespEndpoint from;

  @Option(
      names = "--to",
      paramLabel = "HOST:PORT",
      split = ",",
      defaultValue = "127.0.0.1:6380",
      converter = HostPortConverter.class,
      description = {
        "Nodes of the cluster (with commas between them); one that can be reached is enough.",
        "Default: ${DEFAULT-VALUE}."
      })
  private List<HostPort> to;

  @Mixin private PasswordOption password;

  @Option(
      names = "--rate",
      paramLabel = "N",
      defaultValue = "0",
      description = "At most N keys or commands a second. Default: as fast as it goes.")
  private long rate;

  @Option(
      names = "--once",
      description =
          "Ends by itself when it has reached the point at which the source was when all keys had"
              + " been copied.")
  private boolean once;

  @Option(
      names = "--merge",
      description = {
        "Lets the cluster hold keys already: those of the same name are replaced, others stay.",
        "Without it the cluster must be empty."
      })
  private boolean merge;

  private final ImportStatus status = new ImportStatus();
  private final AtomicBoolean stopping = new AtomicBoolean();
  private final CompletableFuture<Integer> exitCode = new CompletableFuture<>();
  private final Set<String> warned = new HashSet<>();
  private ImportProgress progress;

  @Override
  public Integer call() throws IOException {
    if (rate < 0) {
      throw new ParameterException(spec.commandLine(), "--rate is negative");
    }
    PrintWriter out = spec.commandLine().getOut();
    progress =
        new ImportProgress(
            new Progress(spec.commandLine().getErr(), false), out, status, System.nanoTime());
    Thread hook = new Thread(this::stop, "shutdown");
    Runtime.getRuntime().addShutdownHook(hook);
    ScheduledExecutorService timer =
        Executors.newSingleThreadScheduledExecutor(r -> new Thread(r, "import-progress"));
    timer.scheduleWithFixedDelay(
        () -> progress.tick(System.nanoTime()), SHOW_MILLIS, SHOW_MILLIS, TimeUnit.MILLISECONDS);
    int code = 1;
    try {
      code = run();
      return code;
    } catch (IOException | RuntimeException e) {
      if (status.phase() != ImportStatus.Phase.WAITING) {
        progress.say(summary("The import failed"));
      }
      if (!stopping.get()) {
        throw e;
      }
      warn(e.getMessage()); // nobody else would tell before the process ends
      return code;
    } finally {
      timer.shutdownNow();
      exitCode.complete(code);
      if (!stopping.get()) {
        Runtime.getRuntime().removeShutdownHook(hook);
      }
    }
  }

  private int run() throws IOException {
    NodeClient nodes = new NodeClient(password.value());
    List<String> addresses = to.stream().map(HostPort::toString).toList();
    try (LeaderLink link = new LeaderLink(nodes, password.value(), addresses, stopping::get)) {
      Pace pace = new Pace(rate, stopping::get);
      new Import(from, link, pace, status, this::warn, stopping::get).run(once, merge);
      progress.say(summary(once && !stopping.get() ? "Imported" : "Stopped"));
      return 0;
    } catch (StoppedException e) {
      progress.say(
          summary("Stopped before all keys were copied")
              + " Empty the cluster with RAFT FLUSHALL before the next attempt.");
      return 1;
    }
  }

  private String summary(String what) {
    String text =
        String.format(
            "%s: %,d keys (%,d bytes) and %,d commands of %s",
            what, status.keys(), status.bytes(), status.commands(), from);
    return status.phase() == ImportStatus.Phase.FOLLOWING
        ? text + ", up to offset " + status.offset() + " of its replication stream."
        : text + ".";
  }

  private void warn(String text) {
    if (warned.add(text)) {
      progress.clear();
      spec.commandLine().getErr().println("ratis-sidecar: " + text);
      spec.commandLine().getErr().flush();
    }
  }

  /** Ctrl-C and SIGTERM. */
  private void stop() {
    stopping.set(true);
    int code = exitCode.join();
    // Else the exit code would be the signal's, as if something had failed.
    Runtime.getRuntime().halt(code);
  }
}
