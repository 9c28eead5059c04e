package io.ratissidecar.cli.demo;

import io.ratissidecar.cli.client.Colour;
import io.ratissidecar.sidecar.membership.NodeStatus;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** {@code demo}: a whole cluster on this machine, until Ctrl-C. */
@Command(
    name = "demo",
    mixinStandardHelpOptions = true,
    sortOptions = false,
    description = {
      "Starts a cluster on this machine: sidecars and their Redis servers, each a process of its own.",
      "It runs until Ctrl-C or SIGTERM, which stops everything that it has started. A sidecar that ends"
          + " (try kill -9) is started again after a few seconds."
    },
    footer = {
      "",
      "Examples:",
      "  ratis-sidecar demo                       three nodes on 7001, 7002, 7003",
      "  ratis-sidecar demo --dir ~/demo          keeps its data; the next run goes on with it",
      "  ratis-sidecar demo --check               kills the leader and verifies that nothing is lost",
      "",
      "With --check the exit code is 0 when all is well and 1 when something failed."
    })
public final class DemoCommand implements Callable<Integer> {
  private static final Duration RESTART_DELAY = Duration.ofSeconds(5);
  private static final long LEADER_LOOK_MILLIS = 500;

  @Spec private CommandSpec spec;

  @Option(
      names = "--nodes",
      paramLabel = "N",
      description = "How many nodes, 1 to 9. Default: 3, or as many as --dir has.")
  private Integer nodes;

  @Option(
      names = "--base-port",
      paramLabel = "P",
      description = {
        "Sidecars listen on P, P+1, ..., their Redis servers on P+100, ..., Raft on P+10000, ...",
        "Default: 7001, or what --dir has."
      })
  private Integer basePort;

  @Option(
      names = "--dir",
      paramLabel = "D",
      description = {
        "Directory for all files. A second run with the same one goes on with its data.",
        "Default: a temporary directory, deleted at the end."
      })
  private Path dir;

  @Option(
      names = "--follower-proxy",
      description = "Followers forward RAFT commands to the leader instead of answering -MOVED.")
  private boolean followerProxy;

  @Option(
      names = "--check",
      description = {
        "Writes and reads through every node, kills the leader's sidecar with SIGKILL, goes on writing,",
        "and verifies every acknowledged write on every Redis server. Then ends."
      })
  private boolean check;

  private DemoDirectory directory;
  private DemoCluster cluster;
  private PrintWriter out;

  @Override
  public Integer call() throws IOException {
    out = spec.commandLine().getOut();
    directory = DemoDirectory.open(Optional.ofNullable(dir));
    PortPlan ports = ports();
    cluster = new DemoCluster(directory, ports, followerProxy);
    Runtime.getRuntime().addShutdownHook(new Thread(this::stop, "shutdown"));
    int exitCode = 1;
    try {
      cluster.start(this::say);
      directory.remember(ports);
      if (check) {
        new DemoCheck(cluster, this::say).run();
      } else {
        new Welcome(cluster, directory).print(out);
        watch();
      }
      exitCode = 0;
    } catch (DemoFailure | IOException e) {
      failed(e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    boolean stoppedByUser = cluster.isClosing();
    stop();
    if (check && exitCode == 0 && !stoppedByUser) {
      say("check passed");
    }
    return exitCode;
  }

  private PortPlan ports() throws IOException {
    try {
      PortPlan ports = directory.ports(Optional.ofNullable(basePort), Optional.ofNullable(nodes));
      if (check && ports.nodes() < 3) {
        throw new IllegalArgumentException(
            "--check needs at least 3 nodes, since it goes on writing while one of them is down");
      }
      return ports;
    } catch (IllegalArgumentException e) {
      directory.close();
      throw new ParameterException(spec.commandLine(), e.getMessage(), e);
    }
  }

  private void say(String line) {
    out.println(line);
    out.flush();
  }

  private void failed(Exception e) {
    if (cluster.isClosing()) {
      return; // what breaks while everything is being stopped is no news
    }
    PrintWriter err = spec.commandLine().getErr();
    err.println((check ? "check failed: " : "demo failed: ") + e.getMessage());
    if (cluster.nodes().stream().anyMatch(DemoNode::wasStarted)) {
      directory.keep();
      err.println("The files and logs of the nodes are in " + directory.path());
    }
    err.flush();
  }

  private synchronized void stop() {
    cluster.close();
    try {
      directory.close();
    } catch (IOException e) {
      spec.commandLine().getErr().println("can't delete " + directory.path() + ": " + e);
    }
  }

  /**
   * Tells what happens to the cluster, and brings back nodes that end, until the demo is stopped.
   */
  private void watch() throws InterruptedException {
    LinkedBlockingQueue<DemoNode> ended = new LinkedBlockingQueue<>();
    cluster.nodes().forEach(node -> node.ended().thenRun(() -> ended.add(node)));
    int leader = cluster.leader().map(NodeStatus::id).orElse(0);
    while (!cluster.isClosing()) {
      DemoNode node = ended.poll(LEADER_LOOK_MILLIS, TimeUnit.MILLISECONDS);
      if (node != null && !cluster.isClosing()) {
        comeBack(node, ended);
      }
      Optional<NodeStatus> now = cluster.leader();
      if (now.isPresent() && now.get().id() != leader && !cluster.isClosing()) {
        leader = now.get().id();
        say("Node " + leader + " leads now (term " + now.get().term() + ")");
      }
    }
  }

  private void comeBack(DemoNode node, LinkedBlockingQueue<DemoNode> ended) {
    String what = "Sidecar of node " + node.number() + " has ended (" + node.ending() + ")";
    if (node.ageNanos() < RESTART_DELAY.toNanos()) {
      say(Colour.paint("red", what + " right after its start; it stays down."));
      say(node.logTail());
      return;
    }
    say(what + "; it is started again in " + RESTART_DELAY.toSeconds() + " s");
    CompletableFuture.delayedExecutor(RESTART_DELAY.toMillis(), TimeUnit.MILLISECONDS)
        .execute(
            () -> {
              try {
                if (cluster.start(node)) {
                  say("Started node " + node.number() + " again");
                  node.ended().thenRun(() -> ended.add(node));
                }
              } catch (IOException e) {
                say("Node " + node.number() + " can't be started: " + e.getMessage());
              }
            });
  }
}
