package io.ratissidecar.it;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.ratissidecar.jepsen.Reply;
import io.ratissidecar.jepsen.RespClient;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import java.util.stream.Stream;

/**
 * Looks for commands after which replicas differ: random commands of all types from several
 * clients, on nodes whose Redises pack values differently and whose clocks differ by hours and
 * jump, with kills, snapshots and leader changes in between; all nodes must have the same data
 * behind the same entry, time and again. {@code bin/fuzz} runs it.
 *
 * <p>The seed repeats the commands of each client, but not how they mix with those of others.
 */
final class Fuzz {
  private static final int CLIENTS = 4;
  private static final Duration BETWEEN = Duration.ofSeconds(4);
  private static final Duration LONGEST_DEADLINE = Duration.ofSeconds(5);

  /** The cluster's own entries. */
  private static final int MOST_WHILE_IDLE = 20;

  private static final int CALL_MILLIS = 15_000;

  private static final int NODES = 3;

  /** In the order in which they come. */
  private static final List<String> FAULTS =
      List.of(
          "snapshot of ", "killed sidecar of ", "leadership to ", "killed Redis of ", "killed ");

  private static final int KINDS_OF_FAULTS = FAULTS.size();

  /** Of what is sent; else nothing was tried. */
  private static final double MOST_ERRORS = 0.5;

  private static final String[] SETTINGS = {
    "--mode",
    "transparent",
    "--follower-proxy",
    "yes",
    "--snapshot-log-bytes",
    "2000000",
    "--log-retain-entries",
    "200",
    "--segment-bytes",
    "1048576"
  };

  /** What decides how values are kept, with values to choose from. */
  private static final Map<String, List<String>> PACKING =
      new TreeMap<>(
          Map.of(
              "list-max-ziplist-size", List.of("-2", "1", "3", "-5"),
              "list-compress-depth", List.of("0", "1"),
              "hash-max-ziplist-entries", List.of("128", "0", "3"),
              "hash-max-ziplist-value", List.of("64", "1", "1000"),
              "set-max-intset-entries", List.of("512", "0", "5"),
              "zset-max-ziplist-entries", List.of("128", "0", "3"),
              "stream-node-max-entries", List.of("100", "2", "7"),
              "activerehashing", List.of("yes", "no"),
              "rdbcompression", List.of("yes", "no")));

  /** How far a clock is off, to choose from. */
  private static final List<String> CLOCKS = List.of("-1h", "+1h", "+0", "-3s", "+10m");

  private final Duration duration;
  private final RedisVersion version;
  private final long seed = Long.getLong("seed", System.nanoTime());
  private final AtomicLong sent = new AtomicLong();
  private final Map<String, AtomicLong> errors = new ConcurrentHashMap<>();
  private final AtomicReference<Throwable> broken = new AtomicReference<>();
  private volatile boolean stopping;

  /** The cluster's clock, against this machine's. */
  private volatile long aheadMillis;

  private int compared;

  /** What was done to the nodes, for who looks for the cause of a difference. */
  private final List<String> faults = new ArrayList<>();

  /**
   * @param version of the nodes' Redis
   */
  Fuzz(Duration duration, RedisVersion version) {
    this.duration = duration;
    this.version = version;
  }

  /**
   * Runs it.
   *
   * @return what was done
   * @throws AssertionError when nodes differ
   */
  String run() throws IOException {
    System.out.println("fuzz with -Dseed=" + seed);
    try (TestCluster cluster = TestCluster.unformed(0, version.with(SETTINGS))) {
      try {
        for (int i = 0; i < NODES; i++) {
          cluster.create().clock(CLOCKS.get(i)).start();
        }
        cluster.nodes().forEach(Node::awaitReady);
        cluster.form();
        run(cluster);
      } catch (IOException | RuntimeException | Error e) {
        cluster.printLogs();
        throw e;
      }
    }
    long failed = errors.values().stream().mapToLong(AtomicLong::get).sum();
    if (failed >= MOST_ERRORS * sent.get()) {
      throw new AssertionError(failed + " of " + sent + " commands failed: " + errors);
    }
    return sent
        + " commands, "
        + failed
        + " errors "
        + errors
        + ", data compared "
        + compared
        + " times";
  }

  private void run(TestCluster cluster) throws IOException {
    List<Thread> clients = new ArrayList<>();
    readClock(cluster);
    FuzzArguments.Docs docs = new FuzzArguments.Docs(cluster.node(0).redisPort());
    try {
      for (int i = 0; i < CLIENTS; i++) {
        Random random = new Random(seed + i);
        Node node = cluster.node(i % cluster.nodes().size());
        Thread client =
            new Thread(
                () -> send(node, new FuzzCommands(random, docs, this::clusterMillis), random),
                "fuzz-" + i);
        clients.add(client);
        client.start();
      }
      hurt(cluster, new Random(seed - 1));
    } finally {
      stopping = true;
      clients.forEach(Fuzz::join);
    }
    if (broken.get() != null) {
      throw new AssertionError("a client of the fuzzer has failed", broken.get());
    }
    compare(cluster, 3);
    Poll.letRun(LONGEST_DEADLINE); // or keys would end between one node's turn and the next one's
    long index = ClosingInvariants.checkSameData(cluster);
    Poll.letRun(BETWEEN);
    long later = cluster.awaitSameIndex();
    if (later - index > MOST_WHILE_IDLE) {
      throw new AssertionError("without clients the log grows from " + index + " to " + later);
    }
    cluster.checkLogs();
  }

  private long clusterMillis() {
    return System.currentTimeMillis() + aheadMillis;
  }

  /** Deadlines in the past or in an hour would be no use. */
  private void readClock(TestCluster cluster) throws IOException {
    Reply time = cluster.leader().call("RAFT", "TIME");
    if (!time.isError()) {
      aheadMillis = Long.parseLong(time.texts().get(0)) * 1000 - System.currentTimeMillis();
    }
  }

  private static void join(Thread thread) {
    try {
      thread.join();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  /** One client, which connects again whenever it has to. */
  private void send(Node node, FuzzCommands commands, Random random) {
    while (!stopping && broken.get() == null) {
      try (RespClient client = RespClient.to(node.address(), CALL_MILLIS);
          RespClient subscriber = RespClient.to(node.address(), CALL_MILLIS)) {
        subscriber.call("SUBSCRIBE", "channel"); // how many do so differs from node to node
        if (random.nextBoolean()) {
          client.call("HELLO", "3");
        }
        while (!stopping) {
          switch (random.nextInt(24)) {
            case 0 -> restore(client, commands, random);
            case 1, 2, 3 -> transaction(client, commands, random);
            case 4, 5, 6, 7, 8, 9 -> pipeline(client, commands, 1 + random.nextInt(20));
            default -> count(client.call(commands.next()));
          }
        }
      } catch (IOException e) {
        Poll.letRun(Duration.ofMillis(100)); // its node was killed
      } catch (RuntimeException | Error e) {
        broken.compareAndSet(null, e);
      }
    }
  }

  private void transaction(RespClient client, FuzzCommands commands, Random random)
      throws IOException {
    if (random.nextBoolean()) {
      client.call("WATCH", "string0", "list1");
    }
    client.call("MULTI");
    for (int i = random.nextInt(4); i >= 0; i--) {
      client.call(commands.next());
    }
    Reply reply = client.call("EXEC");
    if (reply.elements() == null) {
      count(reply);
    } else {
      reply.elements().forEach(this::count);
    }
  }

  /** Makes one key of another's dump, by itself or in a script. */
  private void restore(RespClient client, FuzzCommands commands, Random random) throws IOException {
    Reply dump = client.call("DUMP", commands.anyKey());
    if (dump.type() != '$' || dump.isNull()) {
      return;
    }
    List<String> before = List.of("RESTORE");
    if (random.nextBoolean()) {
      before = List.of("EVAL", "return redis.call('RESTORE', KEYS[1], unpack(ARGV))", "1");
    }
    String millis = Integer.toString(random.nextInt(2) * random.nextInt(2000));
    List<byte[]> words = new ArrayList<>();
    Stream.concat(before.stream(), Stream.of(commands.anyKey(), millis))
        .forEach(word -> words.add(word.getBytes(UTF_8)));
    words.add(dump.bytes());
    words.add("REPLACE".getBytes(UTF_8));
    client.sendRaw(RespClient.encode(words.toArray(byte[][]::new)));
    count(client.read());
  }

  private void pipeline(RespClient client, FuzzCommands commands, int depth) throws IOException {
    for (int i = 0; i < depth; i++) {
      client.send(commands.next());
    }
    for (int i = 0; i < depth; i++) {
      count(client.read());
    }
  }

  private void count(Reply reply) {
    sent.incrementAndGet();
    if (reply.isError()) {
      String code = reply.text().split(" ", 2)[0];
      errors.computeIfAbsent(code, c -> new AtomicLong()).incrementAndGet();
      if (code.equals("CLUSTERDOWN")) {
        Poll.letRun(Duration.ofMillis(10)); // so that nodes get to electing a leader
      }
    }
  }

  private void hurt(TestCluster cluster, Random random) throws IOException {
    long end = System.nanoTime() + duration.toNanos();
    for (int turn = 0;
        (System.nanoTime() < end || turn < KINDS_OF_FAULTS) && broken.get() == null;
        turn++) {
      for (Node node : cluster.nodes()) {
        repack(node, random);
      }
      Node jumping = cluster.node(random.nextInt(NODES));
      String clock = CLOCKS.get(random.nextInt(CLOCKS.size()));
      jumping.clock(clock);
      faults.add(jumping.name() + " has clock " + clock);
      Poll.letRun(BETWEEN);
      Node node = cluster.node(random.nextInt(cluster.nodes().size()));
      faults.add(
          FAULTS.get(turn % KINDS_OF_FAULTS)
              + node.name()
              + ", led by "
              + cluster.awaitLeader().name());
      switch (turn % KINDS_OF_FAULTS) {
        case 0 -> node.call("RAFT.SNAPSHOT");
        case 1 -> {
          node.killSidecar();
          Poll.letRun(BETWEEN);
          node.start().awaitReady();
        }
        case 2 -> cluster.transferLeadership(node);
        case 3 -> node.killRedis();
        default -> {
          node.killBoth();
          node.start().awaitReady();
        }
      }
      cluster.awaitLeader();
      readClock(cluster);
      compare(cluster, 2);
    }
  }

  private static void repack(Node node, Random random) throws IOException {
    for (Map.Entry<String, List<String>> setting : PACKING.entrySet()) {
      List<String> values = setting.getValue();
      Replies.assertOk(
          node.redisCall(
              "CONFIG", "SET", setting.getKey(), values.get(random.nextInt(values.size()))));
    }
  }

  /**
   * Has the nodes compare their data.
   *
   * @param least how many of them must have done so; others were killed just now
   */
  private void compare(TestCluster cluster, int least) {
    Reply[] comparison = new Reply[1];
    Poll.until(
        "at least " + least + " nodes compare their data",
        TestCluster.PATIENCE.multipliedBy(3),
        () -> {
          try (RespClient leader = RespClient.to(cluster.leader().address(), 180_000)) {
            comparison[0] = leader.call("RAFT.DIGEST");
          }
          if (!comparison[0].isError() && digests(comparison[0]).size() >= least) {
            return true;
          }
          Poll.letRun(Duration.ofSeconds(1)); // each question is an entry
          return false;
        });
    compared++;
    System.out.println(sent + " commands, " + errors + ": " + comparison[0]);
    if (digests(comparison[0]).stream().distinct().count() > 1) {
      stopping = true;
      String after = "; after " + faults;
      try {
        ClosingInvariants.checkSameData(cluster); // names the keys
      } catch (AssertionError e) {
        throw new AssertionError(e.getMessage() + after, e);
      }
      throw new AssertionError("the nodes' data differs: " + comparison[0] + after);
    }
  }

  private static List<String> digests(Reply comparison) {
    return comparison.elements().get(5).elements().stream()
        .map(node -> node.texts().get(1))
        .toList();
  }

  /** Takes the number of seconds, and a version's name; the exit code is 1 when it failed. */
  public static void main(String[] arguments) {
    int exitCode = 1;
    try {
      String done =
          new Fuzz(
                  Duration.ofSeconds(Long.parseLong(arguments[0])),
                  RedisVersion.valueOf(arguments[1]))
              .run();
      System.out.println("fuzz passed: " + done);
      exitCode = 0;
    } catch (IOException | RuntimeException | AssertionError e) {
      e.printStackTrace();
      System.err.flush();
      System.out.println("fuzz failed: " + e.getMessage());
    }
    System.exit(exitCode); // clients that hang must not keep it
  }
}
