package io.ratissidecar.it;

import io.ratissidecar.jepsen.Reply;
import io.ratissidecar.jepsen.RespClient;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.atomic.AtomicLong;

/**
 * Writers of a plain Redis, who use every type in several databases, mostly with commands that must
 * not be run twice.
 */
final class SourceLoad implements AutoCloseable {
  private static final int KEYS = 200;
  private static final int[] DATABASES = {0, 0, 0, 1, 5};
  private static final Duration PAUSE = Duration.ofNanos(500_000);

  private final List<Thread> threads = new ArrayList<>();
  private final AtomicLong written = new AtomicLong();
  private volatile boolean stopping;
  private volatile Throwable failure;

  SourceLoad(PlainRedis redis, int writers, long seed) {
    for (int i = 0; i < writers; i++) {
      Random random = new Random(seed + i);
      Thread thread = new Thread(() -> write(redis, random), "writer-" + i);
      thread.start();
      threads.add(thread);
    }
  }

  private void write(PlainRedis redis, Random random) {
    try (RespClient client = redis.client()) {
      while (!stopping) {
        int database = DATABASES[random.nextInt(DATABASES.length)];
        client.call("SELECT", Integer.toString(database));
        for (int i = 0; i < 10; i++) {
          step(client, random);
          written.incrementAndGet();
          Poll.letRun(PAUSE);
        }
      }
    } catch (IOException | RuntimeException e) {
      failure = e;
    }
  }

  private static void step(RespClient client, Random random) throws IOException {
    String n = Integer.toString(random.nextInt(KEYS));
    String value = Integer.toHexString(random.nextInt());
    switch (random.nextInt(16)) {
      case 0, 1 -> ok(client.call("INCR", "counter " + n));
      case 2 -> ok(client.call("APPEND", "text " + n, value));
      case 3, 4 -> ok(client.call("RPUSH", "list " + n, value, value + "b"));
      case 5 -> ok(client.call("LPOP", "list " + n));
      case 6 -> ok(client.call("SADD", "set " + n, value));
      case 7 -> ok(client.call("SPOP", "set " + n));
      case 8 -> ok(client.call("ZINCRBY", "zset " + n, "2", value));
      case 9 -> ok(client.call("HINCRBY", "hash " + n, value, "3"));
      case 10 -> ok(client.call("SET", "text " + n, value, "EX", "10000"));
      case 11 -> ok(client.call("XADD", "stream " + n, "MAXLEN", "~", "50", "*", "f", value));
      case 12 -> ok(client.call("DEL", "list " + n, "counter " + n));
      case 13 -> ok(client.call("RPOPLPUSH", "list " + n, "list " + random.nextInt(KEYS)));
      case 14 -> {
        client.call("MULTI");
        client.call("INCR", "counter " + n);
        client.call("RPUSH", "list " + n, value);
        ok(client.call("EXEC"));
      }
      default ->
          ok(
              client.call(
                  "EVAL",
                  "redis.call('INCRBY', KEYS[1], 7) return redis.call('LPUSH', KEYS[2], 'l')",
                  "2",
                  "counter " + n,
                  "list " + n));
    }
  }

  private static void ok(Reply reply) {
    if (reply.isError()) {
      throw new IllegalStateException(reply.toString());
    }
  }

  /** Waits for so many more writes. */
  void awaitMore(long writes) {
    long target = written.get() + writes;
    Poll.until(
        writes + " more writes",
        TestCluster.PATIENCE,
        () -> failure != null || written.get() >= target);
    check();
  }

  private void check() {
    if (failure != null) {
      throw new AssertionError("a writer failed", failure);
    }
  }

  /** Ends the load; returns when the last write is done. */
  void stop() {
    stopping = true;
    for (Thread thread : threads) {
      try {
        thread.join();
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        throw new IllegalStateException(e);
      }
    }
    check();
  }

  @Override
  public void close() {
    stopping = true;
  }
}
