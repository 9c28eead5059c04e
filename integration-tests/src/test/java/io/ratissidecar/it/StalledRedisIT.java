package io.ratissidecar.it;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.ratissidecar.jepsen.Reply;
import io.ratissidecar.jepsen.RespClient;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/** The leader's Redis hangs, and there is nobody to take over. */
@Tag("fault")
@Tag("alone")
@ExtendWith(PrintLogsOnFailure.class)
class StalledRedisIT {
  private static final int CLIENTS = 10;
  private static final int PIPELINE = 25;
  private static final String VALUE = "x".repeat(40_000);
  private static final long LONGEST_STALL_NANOS = TimeUnit.SECONDS.toNanos(15);

  /** Of so many, all together are more than twice the heap. */
  private static final int OFFERED = 16_000;

  @AutoClose private TestCluster cluster;

  /** More than twice the heap is offered. */
  @Test
  void when_clients_write_on_then_they_are_refused_and_memory_suffices() throws Exception {
    cluster = TestCluster.of(1, "--response-timeout-millis", "2000");
    Node node = cluster.leader();
    Set<String> errors = ConcurrentHashMap.newKeySet();
    AtomicInteger answered = new AtomicInteger();
    try (FaultRun run = new FaultRun(cluster)) {
      run.awaitMore(20);
      node.pauseRedis();
      flood(node, errors, answered);
      node.resumeRedis();
      run.awaitMore(100);
      run.finish();
    }
    assertTrue(answered.get() > OFFERED, answered + " commands were answered");
    assertEquals(
        List.of(),
        errors.stream()
            .filter(e -> !e.startsWith("CLUSTERDOWN ") && !e.startsWith("TIMEOUT "))
            .toList());
    assertTrue(someAreRefused(errors), errors::toString);
  }

  private static boolean someAreRefused(Set<String> errors) {
    return errors.stream().anyMatch(e -> e.startsWith("CLUSTERDOWN "));
  }

  private static void flood(Node node, Set<String> errors, AtomicInteger answered)
      throws Exception {
    List<Thread> threads = new ArrayList<>();
    for (int i = 0; i < CLIENTS; i++) {
      Thread thread = new Thread(() -> write(node, errors, answered), "flood-" + i);
      thread.start();
      threads.add(thread);
    }
    for (Thread thread : threads) {
      thread.join(Duration.ofSeconds(60).toMillis());
      assertTrue(!thread.isAlive(), thread.getName() + " hangs");
    }
  }

  private static void write(Node node, Set<String> errors, AtomicInteger answered) {
    ByteArrayOutputStream pipeline = new ByteArrayOutputStream();
    for (int i = 0; i < PIPELINE; i++) {
      pipeline.writeBytes(RespClient.encode("RAFT", "SET", "flood", VALUE));
    }
    long end = System.nanoTime() + LONGEST_STALL_NANOS;
    try (RespClient client = node.client()) {
      client.setTimeoutMillis(20_000);
      while (System.nanoTime() < end && (answered.get() <= OFFERED || !someAreRefused(errors))) {
        client.sendRaw(pipeline.toByteArray());
        for (int i = 0; i < PIPELINE; i++) {
          Reply reply = client.read();
          answered.incrementAndGet();
          if (reply.isError()) {
            errors.add(reply.text());
          }
        }
      }
    } catch (IOException e) {
      errors.add(e.toString());
    }
  }
}
