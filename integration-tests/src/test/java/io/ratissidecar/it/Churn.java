package io.ratissidecar.it;

import io.ratissidecar.jepsen.ErrorReplies;
import io.ratissidecar.jepsen.Outcome;
import io.ratissidecar.jepsen.Reply;
import io.ratissidecar.jepsen.RespClient;
import io.ratissidecar.jepsen.RoamingClient;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.Stream;

/**
 * Clients that write, delete and let expire a fixed set of keys, with values of mixed sizes, so
 * that the log grows all the time and the data does not. Every key has one client, which knows what
 * the key may hold.
 */
final class Churn implements AutoCloseable {
  /** The longest of the short TTLs: keys that have one are gone so long after the last write. */
  static final int SHORT_TTL_MILLIS = 3000;

  private static final int CLIENTS = 4;
  private static final int KEYS = 1000;
  private static final int LONG_TTL_SECONDS = 100_000;
  private static final int TIMEOUT_MILLIS = 3000;

  /** Leaves the machine some air: a soak is about time, not about speed. */
  private static final long PAUSE_NANOS = 4_000_000;

  private static final String TEXT = text(new Random(1), 100_000);

  private final List<Client> clients = new ArrayList<>();
  private final AtomicLong acknowledged = new AtomicLong();
  private final AtomicLong acknowledgedBytes = new AtomicLong();
  private volatile boolean stopping;

  Churn(TestCluster cluster, long seed) {
    for (int i = 0; i < CLIENTS; i++) {
      clients.add(new Client(i, cluster.addresses(), new Random(seed + i)));
    }
    clients.forEach(Thread::start);
  }

  private static String text(Random random, int length) {
    StringBuilder text = new StringBuilder(length);
    for (int i = 0; i < length; i++) {
      text.append((char) ('!' + random.nextInt(90)));
    }
    return text.toString();
  }

  /** Waits until every key was written once. */
  void awaitFilled() {
    Poll.until(
        "every key was written",
        TestCluster.PATIENCE,
        () -> clients.stream().allMatch(c -> c.next >= KEYS));
  }

  /** Writes and deletions that were acknowledged so far. */
  long acknowledged() {
    return acknowledged.get();
  }

  /** All that those have written. */
  long acknowledgedBytes() {
    return acknowledgedBytes.get();
  }

  /** Ends the load, and waits until the short TTLs are over. */
  void stop() {
    stopping = true;
    try {
      for (Client client : clients) {
        client.join();
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException(e);
    }
    Poll.letRun(Duration.ofMillis(SHORT_TTL_MILLIS + 500));
  }

  /** Keys that hold what they can't hold, after {@link #stop}. */
  List<String> problems(Node node) throws IOException {
    List<String> problems = new ArrayList<>();
    try (RespClient redis = new RespClient("127.0.0.1", node.redisPort(), Node.CALL_MILLIS)) {
      for (Client client : clients) {
        for (Key key : client.keys) {
          String value = redis.call("GET", key.name).text();
          if (!key.mayHold(value)) {
            problems.add(node.name() + ": " + key + " holds " + version(value));
          }
        }
      }
    }
    return problems;
  }

  /** The part of a value that tells which write it is from. */
  private static String version(String value) {
    return value == null ? null : value.substring(0, value.indexOf(':'));
  }

  @Override
  public void close() {
    stopping = true;
  }

  /**
   * What a key may hold: null for nothing, also for what soon expires. A write of which nobody
   * knows whether it happened may still happen later.
   */
  private static final class Key {
    private final String name;
    private String acknowledged;
    private final List<String> perhaps = new ArrayList<>();

    Key(String name) {
      this.name = name;
    }

    boolean mayHold(String value) {
      if (value == null) {
        return acknowledged == null || perhaps.contains(null);
      }
      return value.equals(acknowledged) || perhaps.contains(value);
    }

    @Override
    public String toString() {
      return name
          + " should hold "
          + version(acknowledged)
          + " or one of "
          + perhaps.stream().map(Churn::version).toList();
    }
  }

  /** One thread's client. */
  private final class Client extends Thread {
    private final List<Key> keys = new ArrayList<>();
    private final Random random;
    private final RoamingClient client;
    private volatile int next;

    Client(int number, List<String> addresses, Random random) {
      super("churn-" + number);
      setDaemon(true);
      this.random = random;
      this.client = new RoamingClient(addresses, number, TIMEOUT_MILLIS);
      for (int i = 0; i < KEYS; i++) {
        keys.add(new Key("churn:" + number + ":" + i));
      }
    }

    @Override
    public void run() {
      while (!stopping) {
        if (client.connect()) {
          step();
          LockSupport.parkNanos(PAUSE_NANOS);
        }
      }
      client.close();
    }

    private void step() {
      int write = next;
      Key key = keys.get(write < KEYS ? write : random.nextInt(KEYS));
      String value = write + ":" + body();
      int dice = random.nextInt(100);
      next = write + 1;
      if (dice < 15) {
        send(key, null, "RAFT", "DEL", key.name);
      } else if (dice < 30) {
        String millis = Integer.toString(1 + random.nextInt(SHORT_TTL_MILLIS));
        send(key, null, "RAFT", "SET", key.name, value, "PX", millis);
      } else if (dice < 45) {
        send(key, value, "RAFT", "SET", key.name, value, "EX", "" + LONG_TTL_SECONDS);
      } else {
        send(key, value, "RAFT", "SET", key.name, value);
      }
    }

    /** Most are short, and most bytes are in long ones. */
    private String body() {
      int dice = random.nextInt(100);
      int most = dice < 60 ? 200 : dice < 90 ? 4000 : dice < 99 ? 40_000 : TEXT.length();
      int length = random.nextInt(most);
      int from = random.nextInt(TEXT.length() - length);
      return TEXT.substring(from, from + length);
    }

    /**
     * @param after what the key will hold in the end
     */
    private void send(Key key, String after, String... words) {
      Outcome outcome;
      try {
        Reply reply = client.call(words);
        outcome = reply.isError() ? ErrorReplies.classify(reply.text()) : Outcome.OK;
      } catch (IOException e) {
        outcome = Outcome.INFO;
      }
      if (outcome == Outcome.OK) {
        key.acknowledged = after;
        acknowledged.incrementAndGet();
        acknowledgedBytes.addAndGet(Stream.of(words).mapToLong(String::length).sum());
      } else if (outcome == Outcome.INFO) {
        key.perhaps.add(after);
      }
    }
  }
}
