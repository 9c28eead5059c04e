package io.ratissidecar.jepsen;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.locks.LockSupport;

/**
 * Clients that write and read through the cluster until told to stop: increments, pushes of unique
 * values, registers. No operation is ever sent twice.
 */
public final class Workload implements AutoCloseable {
  /** Keys are this and a number. */
  public static final String COUNTER = "jepsen:counter:";

  public static final String LIST = "jepsen:list:";
  public static final String REGISTER = "jepsen:register:";

  /** What takes longer is indeterminate to a client; it goes elsewhere then. */
  private static final int TIMEOUT_MILLIS = 3_000;

  private final List<String> addresses;
  private final int keys;
  private final long seed;
  private final long pauseNanos;
  private final History history = new History(System::nanoTime);
  private final List<Thread> threads = new ArrayList<>();
  private volatile boolean stopping;
  private volatile RuntimeException failure;

  /**
   * @param addresses of the nodes, {@code host:port}
   * @param keys of each kind
   * @param pauseNanos between a client's operations; 0 for as fast as it goes
   */
  public Workload(List<String> addresses, int keys, long seed, long pauseNanos) {
    this.addresses = List.copyOf(addresses);
    this.keys = keys;
    this.seed = seed;
    this.pauseNanos = pauseNanos;
  }

  /** Starts the clients. */
  public Workload start(int clients) {
    for (int i = 0; i < clients; i++) {
      Client client = new Client(i);
      Thread thread = new Thread(client, "workload-" + i);
      threads.add(thread);
      thread.start();
    }
    return this;
  }

  /** Stops the clients after the operation that each has under way; rethrows what went wrong. */
  public History stop() throws InterruptedException {
    stopping = true;
    for (Thread thread : threads) {
      thread.join(4L * TIMEOUT_MILLIS);
      if (thread.isAlive()) {
        throw new IllegalStateException(thread.getName() + " hangs");
      }
    }
    if (failure != null) {
      throw failure;
    }
    return history;
  }

  public History history() {
    return history;
  }

  public int keys() {
    return keys;
  }

  @Override
  public void close() {
    stopping = true;
    threads.forEach(Thread::interrupt);
  }

  /** One thread's client. */
  private final class Client implements Runnable {
    private final int process;
    private final Random random;
    private final RoamingClient client;
    private long sequence;

    Client(int process) {
      this.process = process;
      this.random = new Random(seed * 31 + process);
      this.client = new RoamingClient(addresses, process, TIMEOUT_MILLIS);
    }

    @Override
    public void run() {
      try {
        while (!stopping) {
          step();
          if (pauseNanos > 0) {
            LockSupport.parkNanos(pauseNanos);
          }
        }
      } catch (RuntimeException e) {
        failure = e;
      } finally {
        client.close();
      }
    }

    private void step() {
      if (!client.connect()) {
        return;
      }
      int key = random.nextInt(keys);
      String unique = process + "-" + sequence++;
      switch (random.nextInt(4)) {
        case 0 -> run(Operation.Kind.INCREMENT, COUNTER + key, null, "INCR", COUNTER + key);
        case 1 -> run(Operation.Kind.PUSH, LIST + key, unique, "RPUSH", LIST + key, unique);
        case 2 -> run(Operation.Kind.WRITE, REGISTER + key, unique, "SET", REGISTER + key, unique);
        default -> run(Operation.Kind.READ, REGISTER + key, null, "GET", REGISTER + key);
      }
    }

    private void run(Operation.Kind kind, String key, String argument, String... words) {
      String[] command = new String[words.length + 1];
      command[0] = "RAFT";
      System.arraycopy(words, 0, command, 1, words.length);
      History.Invocation invocation = history.invoke(process, kind, key, argument);
      Reply reply;
      try {
        reply = client.call(command);
      } catch (IOException e) {
        record(invocation, ErrorReplies.connectionLost(kind), String.valueOf(e));
        return;
      }
      if (!reply.isError()) {
        invocation.ok(reply.text());
        return;
      }
      record(invocation, ErrorReplies.classify(reply.text()), reply.text());
    }

    private void record(History.Invocation invocation, Outcome outcome, String error) {
      if (outcome == Outcome.FAIL) {
        invocation.fail(error);
      } else {
        invocation.info(error);
      }
    }
  }
}
