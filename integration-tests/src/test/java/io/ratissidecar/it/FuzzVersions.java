package io.ratissidecar.it;

import io.ratissidecar.jepsen.Reply;
import io.ratissidecar.jepsen.RespClient;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;

/**
 * Lists what an older and a newer Redis in one cluster make different of the same entries, as in
 * the middle of an upgrade: random commands of one client to a leader with the bundled Redis, and
 * one of two followers with the Redis that is installed. {@code bin/fuzz --versions} runs it.
 */
final class FuzzVersions {
  private static final int BATCH = 20;
  private static final int CALL_MILLIS = 30_000;

  private final Duration duration;
  private final long seed = Long.getLong("seed", System.nanoTime());
  private final Map<String, String> found = new TreeMap<>();
  private int sent;

  FuzzVersions(Duration duration) {
    this.duration = duration;
  }

  /**
   * Runs it.
   *
   * @return a line for each command after which data differs, with an example; the last one sums up
   */
  List<String> run() throws IOException {
    System.out.println("fuzz with -Dseed=" + seed);
    try (TestCluster cluster =
        TestCluster.unformed(0, "--mode", "transparent", "--election-timeout-millis", "5000")) {
      Node older = cluster.create(RedisVersion.OLDEST.with()).start();
      cluster.create(RedisVersion.OLDEST.with()).start();
      Node newer = cluster.create().start();
      cluster.nodes().forEach(Node::awaitReady);
      cluster.form();
      FuzzCommands commands =
          new FuzzCommands(
              new Random(seed),
              new FuzzArguments.Docs(newer.redisPort()),
              System::currentTimeMillis);
      long end = System.nanoTime() + duration.toNanos();
      while (System.nanoTime() < end && newer.isAlive() && older.isAlive()) {
        if (cluster.leader() != older) {
          cluster.transferLeadership(older);
        }
        batch(cluster, older, newer, commands);
      }
      for (Node node : List.of(older, newer)) {
        if (!node.isAlive()) {
          List<String> lines = node.logLines();
          found.put("(stopped)", node.name() + " has stopped: " + lines.get(lines.size() - 1));
        }
      }
    }
    List<String> lines = new ArrayList<>(found.values());
    lines.add(sent + " commands; data differed after " + found.size() + " kinds of them");
    return lines;
  }

  private void batch(TestCluster cluster, Node older, Node newer, FuzzCommands commands)
      throws IOException {
    List<String[]> batch = new ArrayList<>();
    try (RespClient client = RespClient.to(older.address(), CALL_MILLIS)) {
      for (int i = 0; i < BATCH; i++) {
        String[] command = commands.next();
        Reply reply = client.call(command);
        sent++;
        String[] all = Arrays.copyOf(command, command.length + 1);
        all[command.length] = "→ " + reply;
        batch.add(all);
      }
    }
    if (!newer.isAlive()) {
      return;
    }
    cluster.awaitSameIndex();
    Map<String, String> left = RedisContents.ofAnyVersion(older.redisPort());
    Map<String, String> right = RedisContents.ofAnyVersion(newer.redisPort());
    if (left.equals(right)) {
      return;
    }
    Set<String> keys = new TreeSet<>(left.keySet());
    keys.addAll(right.keySet());
    keys.removeIf(key -> String.valueOf(left.get(key)).equals(right.get(key)));
    for (String key : keys) {
      blame(key, batch, left.get(key), right.get(key));
    }
    try (RespClient client = RespClient.to(older.address(), CALL_MILLIS)) {
      client.call("FLUSHALL"); // later differences are to be new ones
    }
  }

  /** The last command of the batch that names the key is the likeliest. */
  private void blame(String key, List<String[]> batch, String left, String right) {
    String name = key.substring(key.indexOf(' ') + 1);
    String[] last = {"(none that names it)"};
    for (String[] command : batch) {
      if (Arrays.asList(command).contains(name)) {
        last = command;
      }
    }
    String words = String.join(" ", last).replace('\n', ' ');
    found.putIfAbsent(
        last[0].toUpperCase(), "%s: %s / %s after %s".formatted(key, left, right, words));
  }

  /** Takes the number of seconds. */
  public static void main(String[] arguments) {
    int exitCode = 1;
    try {
      new FuzzVersions(Duration.ofSeconds(Long.parseLong(arguments[0])))
          .run()
          .forEach(System.out::println);
      exitCode = 0;
    } catch (IOException | RuntimeException | AssertionError e) {
      e.printStackTrace();
      System.err.flush();
      System.out.println("fuzz failed: " + e.getMessage());
    }
    System.exit(exitCode);
  }
}
