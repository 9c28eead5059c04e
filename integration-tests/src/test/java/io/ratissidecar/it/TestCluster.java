package io.ratissidecar.it;

import io.ratissidecar.jepsen.Reply;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.List;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * Real sidecars with real Redis servers, each pair in a directory of its own. Whatever happens,
 * closing ends every process and deletes every file.
 */
final class TestCluster implements AutoCloseable {
  static final Duration PATIENCE = Duration.ofSeconds(60);
  private static final int LINES_SHOWN = 60;

  /** Lines of stack traces, which would hide what happened. */
  private static final Pattern FRAME =
      Pattern.compile(
          "^\\s+(at|Suppressed:|\\.\\.\\.) |^Caused by:|^org\\.apache\\.ratis\\.thirdparty|Throwable: TRACE|LifeCycle");

  private static final Set<TestCluster> OPEN = ConcurrentHashMap.newKeySet();

  static {
    Runtime.getRuntime()
        .addShutdownHook(new Thread(() -> OPEN.forEach(TestCluster::destroy), "test-clusters"));
  }

  private final Path dir;
  private final List<Node> nodes = Collections.synchronizedList(new ArrayList<>());
  private final List<String> settings;
  private int created;

  private TestCluster(List<String> settings) {
    try {
      dir = Files.createTempDirectory("rsit-");
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    this.settings = List.copyOf(settings);
    OPEN.add(this);
  }

  /** A cluster of so many voters. */
  static TestCluster of(int size, String... settings) {
    TestCluster cluster = unformed(size, settings);
    try {
      cluster.form();
      return cluster;
    } catch (RuntimeException | Error e) {
      cluster.printLogs();
      cluster.close();
      throw e;
    }
  }

  /** Nodes that are not a cluster yet. */
  static TestCluster unformed(int size, String... settings) {
    TestCluster cluster = new TestCluster(List.of(settings));
    try {
      for (int i = 0; i < size; i++) {
        cluster.create().start();
      }
      cluster.nodes.forEach(Node::awaitReady);
      return cluster;
    } catch (RuntimeException | Error e) {
      cluster.printLogs();
      cluster.close();
      throw e;
    }
  }

  /** One more node, not started. */
  Node create(String... moreSettings) {
    try {
      List<String> all = new ArrayList<>(settings);
      all.addAll(List.of(moreSettings));
      Node node = new Node(dir.resolve("n" + ++created), all);
      nodes.add(node);
      return node;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** A node that was removed and ended counts no more; its files go with the others. */
  void forget(Node node) {
    node.destroy();
    nodes.remove(node);
  }

  /** Makes one cluster of all nodes. */
  void form() {
    ok(nodes.get(0), "RAFT.CLUSTER", "INIT");
    for (Node node : nodes.subList(1, nodes.size())) {
      ok(node, "RAFT.CLUSTER", "JOIN", nodes.get(0).address());
    }
    awaitVoters(nodes.size());
  }

  /**
   * For the next test: every node runs, without data, functions or scripts, and their logs say
   * nothing yet. What a test has set, paused, added or removed it has to mend itself; snapshots,
   * terms and counters stay.
   */
  void renew() {
    List<Node> ended = nodes().stream().filter(node -> !node.isAlive()).toList();
    ended.forEach(Node::start);
    ended.forEach(Node::awaitReady);
    awaitVoters(nodes.size());
    for (String of : List.of("FLUSHALL", "FUNCTION FLUSH", "SCRIPT FLUSH")) {
      // A leader may have changed its mind: the test before has hurt some.
      Poll.until(of, PATIENCE, () -> tryRaft(of));
    }
    awaitSameIndex();
    nodes().forEach(Node::clearLog);
  }

  /** Waits until all running nodes see so many voters and the same leader. */
  void awaitVoters(int count) {
    Poll.until(
        count + " voters",
        PATIENCE,
        () -> {
          for (Node node : running()) {
            if (node.infoNumber("raft_num_voting_nodes") != count
                || node.infoNumber("raft_leader_id") <= 0) {
              return false;
            }
          }
          return true;
        });
  }

  private boolean tryRaft(String words) throws IOException {
    return !awaitLeader().call(("RAFT " + words).split(" ")).isError();
  }

  private static void ok(Node node, String... words) {
    try {
      Reply reply = node.call(words);
      if (reply.isError()) {
        throw new AssertionError(node.name() + ": " + String.join(" ", words) + ": " + reply);
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  List<Node> nodes() {
    return List.copyOf(nodes);
  }

  Node node(int i) {
    return nodes.get(i);
  }

  /** Nodes whose sidecar runs and was not paused. */
  List<Node> running() {
    return nodes().stream().filter(n -> n.isAlive() && !n.isPaused()).toList();
  }

  List<String> addresses() {
    return nodes().stream().map(Node::address).toList();
  }

  /** Waits for a node that leads and serves, and returns it. */
  Node awaitLeader() {
    Node[] found = new Node[1];
    Poll.until(
        "a leader that serves",
        PATIENCE,
        () -> {
          for (Node node : running()) {
            if (node.isLeader() && !node.call("RAFT", "GET", "no such key").isError()) {
              found[0] = node;
              return true;
            }
          }
          return false;
        });
    return found[0];
  }

  /** Same as {@link #awaitLeader}; reads better where one is there. */
  Node leader() {
    return awaitLeader();
  }

  List<Node> followers() {
    Node leader = leader();
    return nodes().stream().filter(n -> n != leader).toList();
  }

  /** Makes a node the leader; tries again when another one won the election. */
  void transferLeadership(Node target) throws IOException {
    String id = target.info().get("raft_node_id");
    Poll.until(
        "node " + id + " leads",
        PATIENCE,
        () -> {
          Reply reply = leader().call("RAFT.TRANSFER_LEADER", id);
          return !reply.isError() || reply.text().contains("is the leader already");
        });
    Poll.until("node " + id + " serves", PATIENCE, () -> leader() == target);
  }

  /** Waits until all running nodes have applied the same, last entry, and returns its index. */
  long awaitSameIndex() {
    long[] index = new long[1];
    Poll.until(
        "the same applied index on all nodes",
        Duration.ofSeconds(60),
        () -> {
          long last = leader().infoNumber("raft_commit_index");
          index[0] = last;
          for (Node node : running()) {
            var info = node.info();
            if (Long.parseLong(info.get("raft_last_applied_index")) != last
                || Long.parseLong(info.get("raft_current_index")) != last) {
              return false;
            }
          }
          return true;
        });
    return index[0];
  }

  /** Prints the end of each node's log; for failed tests. */
  void printLogs() {
    for (Node node : nodes()) {
      List<String> lines =
          node.lastLogLines().stream().filter(l -> !FRAME.matcher(l).find()).toList();
      System.err.println("=== " + node.name() + " at " + node.address() + ", its last lines:");
      lines
          .subList(Math.max(0, lines.size() - LINES_SHOWN), lines.size())
          .forEach(System.err::println);
      System.err.println(
          "--- " + node.name() + " " + (node.isAlive() ? "says: " + said(node) : node.ending()));
    }
    System.err.flush();
  }

  private static String said(Node node) {
    try {
      return new TreeMap<>(node.info()).toString();
    } catch (IOException | RuntimeException e) {
      return "nothing: " + e;
    }
  }

  static void printAllLogs() {
    OPEN.forEach(TestCluster::printLogs);
  }

  /** Checks that no log holds an error that no test provoked. */
  void checkLogs() {
    List<String> errors = new ArrayList<>();
    for (Node node : nodes()) {
      List<String> lines = node.logLines();
      for (int i = 0; i < lines.size(); i++) {
        String cause = i + 1 < lines.size() ? lines.get(i + 1) : "";
        if (UnexplainedErrors.isOne(lines.get(i), cause)) {
          errors.add(node.name() + ": " + lines.get(i) + " | " + cause);
        }
      }
    }
    if (!errors.isEmpty()) {
      throw new AssertionError(
          errors.size()
              + " unexplained errors in logs:\n"
              + String.join("\n", errors.subList(0, Math.min(10, errors.size()))));
    }
  }

  private void destroy() {
    nodes().forEach(Node::destroy);
  }

  /** For {@code AutoClose}: the end of tests that provoke no errors. */
  void checkAndClose() {
    try {
      checkLogs();
    } finally {
      close();
    }
  }

  /** Waits until whoever leads has this text at the key; that may change meanwhile. */
  void awaitText(String expected, String key) {
    Poll.until(
        key + " is " + expected,
        PATIENCE,
        () -> expected.equals(awaitLeader().call("GET", key).text()));
  }

  /** For {@code AutoClose}: as {@link #checkAndClose}, when all nodes must hold the same. */
  void compareAndClose() {
    try {
      ClosingInvariants.checkSameData(this);
    } finally {
      checkAndClose();
    }
  }

  @Override
  public void close() {
    destroy();
    Poll.until(
        "every process has ended",
        PATIENCE,
        () -> {
          // A sidecar that was about to start its Redis may just have done so.
          destroy();
          return nodes().stream().noneMatch(Node::isRunning);
        });
    OPEN.remove(this);
    for (Node node : nodes()) {
      delete(node.socketDirectory().resolve("redis.sock"));
      delete(node.socketDirectory());
    }
    try (Stream<Path> files = Files.walk(dir)) {
      files.sorted(Comparator.reverseOrder()).forEach(TestCluster::delete);
    } catch (IOException | UncheckedIOException e) {
      System.err.println("could not delete all of " + dir + ": " + e);
    }
  }

  private static void delete(Path file) {
    try {
      Files.deleteIfExists(file);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
