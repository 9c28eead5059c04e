package io.ratissidecar.it;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.ratissidecar.jepsen.RespClient;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.time.Duration;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.extension.RegisterExtension;

/** A follower is away, or loses its Redis, or only its sidecar. */
@Tag("fault")
@ExtendWith(PrintLogsOnFailure.class)
class FollowerFaultsIT {
  @RegisterExtension
  private static final SharedCluster SHARED = new SharedCluster(() -> TestCluster.of(3));

  private TestCluster cluster;

  @Test
  @Tag("long")
  void when_away_for_a_hundred_thousand_writes_then_it_catches_up() throws Exception {
    cluster = SHARED.get();
    try (FaultRun run = new FaultRun(cluster)) {
      Node away = cluster.followers().get(0);
      away.killBoth();
      write(cluster.leader(), 100, 1000);
      long back = System.nanoTime();
      away.start().awaitReady();
      Poll.until(
          "it has caught up",
          Duration.ofSeconds(60),
          () -> away.redisCall("GET", "bulk:counter").text().equals("100000"));
      System.out.printf(
          "caught up 100,000 writes within %d ms of its start%n",
          (System.nanoTime() - back) / 1_000_000);
      run.finish();
      assertEquals("100000", away.redisCall("GET", "bulk:counter").text());
    }
  }

  private static void write(Node leader, int batches, int size) throws IOException {
    try (RespClient client = leader.client()) {
      for (int i = 0; i < batches; i++) {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        for (int j = 0; j < size; j++) {
          out.writeBytes(RespClient.encode("RAFT", "INCR", "bulk:counter"));
        }
        client.sendRaw(out.toByteArray());
        for (int j = 0; j < size; j++) {
          assertEquals("" + ((long) i * size + j + 1), client.read().text());
        }
      }
    }
  }

  @Test
  void when_its_redis_comes_back_empty_then_it_is_filled_again() {
    cluster = SHARED.get();
    try (FaultRun run = new FaultRun(cluster)) {
      Node follower = cluster.followers().get(0);
      for (int i = 0; i < 3; i++) {
        follower.killRedis();
        run.awaitMore(100);
        Poll.until(
            "its Redis serves",
            TestCluster.PATIENCE,
            () -> follower.redisCall("PING").text().equals("PONG"));
      }
      run.finish();
    }
  }

  @Test
  @Tag("long")
  void when_its_redis_is_emptied_by_hand_while_it_is_down_then_it_is_filled_again() {
    cluster = SHARED.get();
    try (FaultRun run = new FaultRun(cluster)) {
      Node follower = cluster.followers().get(0);
      follower.killSidecar();
      Poll.until(
          "emptied",
          TestCluster.PATIENCE,
          () -> follower.redisCall("FLUSHALL").toString().equals("+OK"));
      follower.start().awaitReady();
      run.awaitMore(100);
      run.finish();
    }
  }

  @Test
  void when_redis_comes_back_with_its_own_append_only_file_then_nothing_is_applied_twice() {
    cluster = SHARED.own(TestCluster.of(3, "--redis-appendonly", "yes"));
    try (FaultRun run = new FaultRun(cluster)) {
      Node follower = cluster.followers().get(0);
      follower.killRedis();
      run.awaitMore(100);
      Node leader = cluster.leader();
      leader.killRedis();
      run.awaitMore(100);
      follower.killBoth();
      follower.start().awaitReady();
      run.awaitMore(100);
      assertTrue(
          java.nio.file.Files.isDirectory(
              follower.dir().resolve("redis").resolve("appendonlydir")));
      run.finish();
    }
  }

  @Test
  void when_only_the_sidecar_is_restarted_then_its_redis_goes_on_as_it_is() {
    cluster = SHARED.get();
    try (FaultRun run = new FaultRun(cluster)) {
      Node follower = cluster.followers().get(1);
      for (int i = 0; i < 2; i++) {
        long redis = follower.redis().orElseThrow().pid();
        follower.killSidecar();
        run.awaitMore(50);
        follower.start().awaitReady();
        run.awaitMore(50);
        assertEquals(redis, follower.redis().orElseThrow().pid(), "it was adopted");
      }
      run.finish();
      assertTrue(
          follower.logLines().stream()
              .anyMatch(l -> l.contains("The local Redis holds the state of entry")),
          "went on from the marker instead of loading everything");
    }
  }

  @Test
  void when_its_redis_refuses_commands_then_it_waits_quietly_and_is_filled_again_later()
      throws IOException {
    cluster = SHARED.get();
    try (FaultRun run = new FaultRun(cluster)) {
      Node follower = cluster.followers().get(0);
      run.awaitMore(100);
      follower.redisCall("CONFIG", "SET", "maxmemory", "1");
      run.awaitMore(500);
      Poll.until(
          "the refusal is noted",
          TestCluster.PATIENCE,
          () -> follower.hasLogged("CONFIG SET maxmemory 0"));
      run.awaitMore(500);
      long lines = follower.logLines().stream().filter(l -> l.contains("maxmemory")).count();
      assertTrue(lines < 10, lines + " lines");
      follower.redisCall("CONFIG", "SET", "maxmemory", "0");
      run.awaitMore(200);
      run.finish();
    }
  }

  @Test
  void when_its_redis_hangs_for_a_while_then_the_others_go_on() {
    cluster = SHARED.get();
    try (FaultRun run = new FaultRun(cluster)) {
      Node follower = cluster.followers().get(0);
      follower.pauseRedis();
      run.awaitMore(500);
      follower.resumeRedis();
      run.awaitMore(100);
      run.finish();
    }
  }
}
