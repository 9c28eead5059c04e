package io.ratissidecar.cli;

import io.ratissidecar.sidecar.Sidecar;
import io.ratissidecar.sidecar.config.InvalidSettingException;
import io.ratissidecar.sidecar.config.Setting;
import io.ratissidecar.sidecar.config.SidecarConfig;
import io.ratissidecar.sidecar.raft.FatalHandler;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.BooleanSupplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** {@code start}: runs one node until it is told to stop. */
@Command(
    name = "start",
    abbreviateSynopsis = true,
    mixinStandardHelpOptions = true,
    sortOptions = false,
    description = {
      "Runs one node: this process and its local Redis.",
      "Every setting is a flag, an environment variable (RATIS_SIDECAR_... with underscores) or a line of the file given with"
          + " --config; a flag wins over the environment, which wins over the file."
    },
    footer = {
      "",
      "Example:",
      "  ratis-sidecar start --dir /var/lib/ratis-sidecar --port 6380",
      "  redis-cli -p 6380 RAFT.CLUSTER INIT"
    })
final class StartCommand implements Runnable {
  private static final Logger LOG = LoggerFactory.getLogger(StartCommand.class);

  /** Exit code of a node that stopped because it could not be right. */
  private static final int FATAL = 70;

  @Spec private CommandSpec spec;

  @Option(names = "--config", paramLabel = "FILE", description = "Properties file with settings.")
  private Path file;

  @Option(
      names = "--stop-with-input",
      hidden = true,
      description = "Stops when standard input ends: for a program that starts nodes.")
  private boolean stopWithInput;

  /** Adds a flag for each setting; they are data, so that no list has to be kept twice. */
  @Spec
  void addSettings(CommandSpec command) {
    for (Setting setting : Setting.values()) {
      String standard =
          setting.defaultValue().isEmpty() ? "" : " Default: " + setting.defaultValue() + ".";
      command.addOption(
          OptionSpec.builder("--" + setting.key())
              .paramLabel("VALUE")
              .type(String.class)
              .description(setting.help() + standard)
              .build());
    }
  }

  @Override
  public void run() {
    SidecarConfig config = config();
    useTemporaryDirectory(config.dir().resolve("tmp"));
    CountDownLatch stop = new CountDownLatch(1);
    CountDownLatch stopped = new CountDownLatch(1);
    AtomicBoolean failing = new AtomicBoolean();
    FatalHandler fatal = (reason, cause) -> die(failing, reason, cause);
    Thread.setDefaultUncaughtExceptionHandler(lostThreads(fatal, () -> stop.getCount() == 0));
    AtomicBoolean starting = new AtomicBoolean(true);
    Thread starter = Thread.currentThread();
    Runtime.getRuntime()
        .addShutdownHook(
            new Thread(
                () -> {
                  stop.countDown();
                  if (starting.get()) {
                    starter.interrupt();
                  }
                  await(stopped);
                  System.err.flush();
                  // Else the exit code would be the signal's, as if the node had been killed.
                  Runtime.getRuntime().halt(failing.get() ? FATAL : 0);
                },
                "shutdown"));
    if (stopWithInput) {
      watchInput(stop);
    }
    try (Sidecar sidecar = new Sidecar(config, fatal)) {
      sidecar.start();
      starting.set(false);
      spec.commandLine().getOut().println("ready " + config.clientAddress());
      spec.commandLine().getOut().flush();
      await(stop);
      LOG.info("Stopping");
    } catch (IOException | RuntimeException e) {
      // What an interrupted start throws is no failure.
      if (stop.getCount() > 0) {
        boolean explained = e instanceof IOException && e.getCause() == null;
        die(failing, Failures.message(e), explained ? null : e);
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    } finally {
      stopped.countDown();
    }
  }

  private SidecarConfig config() {
    Map<String, String> flags = new HashMap<>();
    for (Setting setting : Setting.values()) {
      String value =
          spec.commandLine().getParseResult().matchedOptionValue("--" + setting.key(), null);
      if (value != null) {
        flags.put(setting.key(), value);
      }
    }
    try {
      SidecarConfig config = SidecarConfig.of(SettingSources.merge(file, System.getenv(), flags));
      config.checkHeap(Runtime.getRuntime().maxMemory());
      return config;
    } catch (InvalidSettingException | IOException e) {
      throw new ParameterException(spec.commandLine(), Failures.message(e), e);
    }
  }

  /** The system closes the pipe of a parent that dies in whatever way. */
  private static void watchInput(CountDownLatch stop) {
    Thread thread =
        new Thread(
            () -> {
              try {
                System.in.transferTo(OutputStream.nullOutputStream());
              } catch (IOException e) {
                // As good as its end.
              }
              stop.countDown();
            },
            "parent-watch");
    thread.setDaemon(true);
    thread.start();
  }

  /**
   * Native libraries are unpacked at every start and stay behind when a process is killed. In a
   * directory of the node's own the next start can remove them.
   */
  private void useTemporaryDirectory(Path tmp) {
    try {
      Files.createDirectories(tmp);
      try (var leftOver = Files.newDirectoryStream(tmp, "*.so")) {
        for (Path file : leftOver) {
          Files.delete(file);
        }
      }
    } catch (IOException e) {
      throw new ParameterException(
          spec.commandLine(), "can't use the directory " + tmp.getParent() + ": " + e, e);
    }
    System.setProperty("java.io.tmpdir", tmp.toString());
    System.setProperty("io.netty.native.workdir", tmp.toString());
  }

  private static void await(CountDownLatch latch) {
    try {
      latch.await();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private static String rootCause(String reason, Throwable cause) {
    Throwable root = cause;
    while (root != null && root.getCause() != null) {
      root = root.getCause();
    }
    String text = root == null ? "" : Failures.message(root);
    return reason.contains(text) ? "" : ": " + text;
  }

  /**
   * What happens when a thread ends by what nobody caught, be it one of Raft's: what was its work
   * is done no more, such as a leader's counting of votes, and a node that hides this is worse than
   * none.
   */
  static Thread.UncaughtExceptionHandler lostThreads(FatalHandler fatal, BooleanSupplier stopping) {
    return (thread, cause) -> {
      if (stopping.getAsBoolean()) {
        LOG.info("While the node stops, thread {} has failed", thread.getName(), cause);
      } else {
        fatal.stop(
            "its thread "
                + thread.getName()
                + " has failed in a way that was not foreseen; start the node again, and report"
                + " this",
            cause);
      }
    };
  }

  /** Ends the process at once: nothing that this node still did could be relied upon. */
  private static void die(AtomicBoolean failing, String reason, Throwable cause) {
    if (!failing.compareAndSet(false, true)) {
      return; // what follows from the first failure would only hide it
    }
    if (cause != null) {
      LOG.info("The failure that stops this node:", cause);
    }
    // The last line of the log says why.
    LOG.error("This node stops: {}{}", reason, rootCause(reason, cause));
    System.err.flush();
    Runtime.getRuntime().halt(FATAL);
  }
}
