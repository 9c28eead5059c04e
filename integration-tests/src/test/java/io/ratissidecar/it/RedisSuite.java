package io.ratissidecar.it;

import io.ratissidecar.jepsen.Reply;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;

/**
 * Redis's own test suite against a cluster in transparent mode, unit by unit; after each one all
 * nodes must hold the same. {@code bin/redis-suite} runs it.
 */
final class RedisSuite {
  /** The most tests that may be left out; what is more is no longer the suite. */
  private static final int MOST_SKIPPED = 40;

  /** Several times as much as the longest entry. */
  private static final String HEAP = "512m";

  private static final String[] SETTINGS = {
    "--mode",
    "transparent",
    "--follower-proxy",
    "yes",
    // A test is about one leader: it must not move because the machine is busy.
    "--election-timeout-millis",
    "5000",
    // One has values of more than 32 MiB.
    "--max-entry-bytes",
    "67108864",
    "--max-bulk-bytes",
    "67108864"
  };

  /** What the suite is run against. */
  private enum Target {
    LEADER,
    FOLLOWER,
    PLAIN
  }

  private record Skipped(String unit, String test, String reason) {}

  private final SuiteRunner runner;
  private final List<Skipped> skip;
  private final Set<Skipped> met = new HashSet<>();
  private int passed;
  private int failed;
  private int skipped;

  private RedisSuite(SuiteRunner runner, List<Skipped> skip) {
    this.runner = runner;
    this.skip = skip;
  }

  /** What is left out against a target, of two files; nothing is wrong with a plain Redis. */
  private static List<Skipped> skipList(Target target, Path directory) throws IOException {
    List<Skipped> skip = new ArrayList<>();
    if (target != Target.PLAIN) {
      read(directory.resolve("skip.tsv"), skip);
    }
    if (target == Target.FOLLOWER) {
      read(directory.resolve("skip-follower.tsv"), skip);
    }
    if (skip.size() > MOST_SKIPPED) {
      throw new IllegalArgumentException(
          directory + " names " + skip.size() + " tests, at most " + MOST_SKIPPED + " may be");
    }
    return skip;
  }

  /** Lines of unit, test and reason with tabs between them; {@code #} begins a comment. */
  private static void read(Path file, List<Skipped> skip) throws IOException {
    for (String line : Files.readAllLines(file)) {
      if (line.isBlank() || line.startsWith("#")) {
        continue;
      }
      String[] fields = line.split("\t", -1);
      if (fields.length != 3 || fields[2].isBlank()) {
        throw new IllegalArgumentException("not unit, test and reason: " + line);
      }
      skip.add(new Skipped(fields[0], fields[1], fields[2]));
    }
  }

  private void run(Target target, List<String> units) throws IOException {
    if (target == Target.PLAIN) {
      try (PlainRedis redis = new PlainRedis(runner.dir())) {
        for (String unit : units) {
          count(unit, runUnit(unit, redis.port()));
        }
      }
      return;
    }
    try (TestCluster cluster = TestCluster.unformed(0, SETTINGS)) {
      for (int i = 0; i < 3; i++) {
        cluster.create().heap(HEAP).start().awaitReady();
      }
      cluster.form();
      Node leader = cluster.leader();
      Node asked = target == Target.LEADER ? leader : cluster.followers().get(0);
      // Tests set it at the node that they ask, and it is the leader's that counts.
      leader.redisCall("CONFIG", "SET", "busy-reply-threshold", "10");
      for (String unit : units) {
        SuiteRunner.Result result = runUnit(unit, asked.port());
        if (hasMoved(unit, cluster, leader)) {
          // A busy machine may stop the leader for longer than a cluster waits: that is no test's.
          System.out.println(unit + ": leadership has moved meanwhile; once more");
          runner.keepLogs(unit, cluster);
          cluster.transferLeadership(leader);
          result = runUnit(unit, asked.port());
        }
        count(unit, result);
        check(unit, cluster, leader);
      }
    }
  }

  private boolean hasMoved(String unit, TestCluster cluster, Node leader) {
    try {
      return cluster.leader() != leader;
    } catch (AssertionError e) {
      runner.keepLogs(unit, cluster);
      throw e; // nobody leads: there is no cluster for the next unit
    }
  }

  private SuiteRunner.Result runUnit(String unit, int port) throws IOException {
    return runner.run(unit, port, skippedOf(unit).map(Skipped::test).toList());
  }

  private Stream<Skipped> skippedOf(String unit) {
    return skip.stream().filter(s -> s.unit().equals(unit));
  }

  private void count(String unit, SuiteRunner.Result result) {
    skippedOf(unit).filter(s -> result.skipped().contains(s.test())).forEach(met::add);
    passed += result.passed();
    failed += result.failures().size();
    skipped += result.skipped().size();
    if (!result.isEmpty()) {
      System.out.printf(
          "%s: %d passed, %d failed, %d skipped, %.0f s%n",
          unit,
          result.passed(),
          result.failures().size(),
          result.skipped().size(),
          result.seconds());
    }
    result
        .failures()
        .forEach(failure -> System.out.println("  " + failure.replace("\n", "\n    ")));
  }

  /** What a unit may have done that none of its tests sees. */
  private void check(String unit, TestCluster cluster, Node leader) throws IOException {
    try {
      if (cluster.leader() != leader) {
        throw new AssertionError("leadership has moved meanwhile");
      }
      ClosingInvariants.checkSameData(cluster);
      compareDigests(cluster, leader);
    } catch (AssertionError e) {
      failed++;
      System.out.println("  after " + unit + ": " + e.getMessage());
      runner.keepLogs(unit, cluster);
    }
  }

  private static void compareDigests(TestCluster cluster, Node leader) {
    Reply[] compared = new Reply[1];
    Poll.until(
        "all nodes have a digest", // none while one is at work with another snapshot
        TestCluster.PATIENCE,
        () -> {
          compared[0] = leader.call("RAFT.DIGEST");
          return !compared[0].isError()
              && digests(compared[0]).elements().size() == cluster.nodes().size();
        });
    if (digests(compared[0]).elements().stream().map(d -> d.texts().get(1)).distinct().count()
        != 1) {
      throw new AssertionError("digests: " + compared[0]);
    }
  }

  /** Of each node its number, digest and what that is of. */
  private static Reply digests(Reply comparison) {
    return comparison.elements().get(comparison.elements().size() - 1);
  }

  private void checkSkipList(List<String> units) {
    if (skipped > MOST_SKIPPED) { // one line may name several tests
      System.out.println(skipped + " tests were skipped, " + MOST_SKIPPED + " may be at most");
      failed++;
    }
    for (Skipped s : skip) {
      if (units.contains(s.unit()) && !met.contains(s)) {
        // Debian's patches bring tests, too. A name with a mistake in it would skip nothing.
        System.out.println("not in this version's suite: " + s.unit() + ": " + s.test());
      }
    }
  }

  /**
   * Takes the target, the directory of the suite, the one for its output, that with the skip lists,
   * and units, all of them if none is named. The exit code is 1 when a test failed.
   */
  public static void main(String[] arguments) {
    int exitCode = 2;
    try {
      Target target = Target.valueOf(arguments[0]);
      SuiteRunner runner = new SuiteRunner(Path.of(arguments[1]), Path.of(arguments[2]));
      RedisSuite suite = new RedisSuite(runner, skipList(target, Path.of(arguments[3])));
      List<String> named = List.of(arguments).subList(4, arguments.length);
      List<String> units = named.isEmpty() ? runner.units() : named;
      long start = System.nanoTime();
      suite.run(target, units);
      suite.checkSkipList(units);
      System.out.printf("took %.0f s%n", (System.nanoTime() - start) / 1e9);
      System.out.printf(
          "redis-suite: %d passed, %d failed, %d skipped%n",
          suite.passed, suite.failed, suite.skipped);
      exitCode = suite.failed == 0 && suite.passed > 0 ? 0 : 1;
    } catch (IOException | RuntimeException | AssertionError e) {
      e.printStackTrace();
      System.err.flush();
      System.out.println("redis-suite failed: " + e.getMessage());
    }
    System.exit(exitCode); // clients that hang must not keep it
  }
}
