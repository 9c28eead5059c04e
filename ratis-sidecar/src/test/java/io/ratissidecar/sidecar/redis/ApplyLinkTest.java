package io.ratissidecar.sidecar.redis;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.ratissidecar.sidecar.resp.FrontLoop;
import io.ratissidecar.sidecar.resp.RespEndpoint;
import io.ratissidecar.snapshot.RecoveryPlanner.LogRange;
import io.ratissidecar.snapshot.Snapshot;
import io.ratissidecar.statemachine.apply.CommandApplier;
import io.ratissidecar.statemachine.entry.Entry;
import io.ratissidecar.statemachine.entry.EntryHeader;
import io.ratissidecar.statemachine.entry.EntryType;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Iterator;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What comes late from an old connection is never taken for the new one's. */
class ApplyLinkTest {
  private static final int PATIENCE_SECONDS = 10;
  private static final int RESERVED_DATABASE = 15;

  /** To the commands of two entries with the markers around them. */
  private static final int REPLIES = 9;

  @TempDir Path dir;
  private final FrontLoop front = new FrontLoop();
  private final FakeRedis redis;
  private final ControlClient client;
  private final RedisControl control;
  private final BlockingQueue<FakeRedis.Connection> applyConnections = new LinkedBlockingQueue<>();
  private final List<String> events = new CopyOnWriteArrayList<>();
  private final Semaphore lost = new Semaphore(0);
  private final Log log = new Log();

  /** Two entries, sent as soon as Redis is ready. On the front loop. */
  private final class Log implements FollowedLog {
    @Override
    public boolean isClosed() {
      return false;
    }

    private Runnable onFirstApplied = () -> {};

    @Override
    public LogRange range() {
      return new LogRange("c", 1, 2, List.of());
    }

    @Override
    public long termAt(long index) {
      return 1;
    }

    @Override
    public void damaged(Snapshot snapshot) {
      events.add("damaged");
    }

    @Override
    public void redisLost() {
      events.add("lost");
    }

    @Override
    public void redisDied() {
      events.add("died");
    }

    @Override
    public void redisReady(CommandApplier applier, long appliedIndex) {
      events.add("ready");
      for (long index = appliedIndex + 1; index <= 2; index++) {
        ByteBuffer payload =
            ByteBuffer.wrap("*2\r\n$4\r\nINCR\r\n$1\r\nn\r\n".getBytes(StandardCharsets.US_ASCII));
        EntryHeader header = EntryHeader.of(EntryType.COMMANDS, 0, 0, payload);
        applier.apply(new Entry(1, index, header, payload), null, Set.of());
      }
    }

    @Override
    public void answered() {}

    @Override
    public void acknowledged(long index) {
      events.add("applied " + index);
      Runnable hook = onFirstApplied;
      onFirstApplied = () -> {};
      hook.run();
    }
  }

  ApplyLinkTest() throws IOException {
    redis = new FakeRedis();
    client = new ControlClient(redis.endpoint());
    control = client.connect(Duration.ofSeconds(PATIENCE_SECONDS));
    redis.on(
        "CLIENT",
        (connection, command) -> {
          if (command.equals(List.of("CLIENT", "SETNAME", RedisControl.APPLY_CONNECTION))) {
            connection.hold();
            applyConnections.add(connection);
          }
          return Optional.of(command.contains("LIST") ? FakeRedis.bulk("") : "+OK\r\n");
        });
  }

  @AfterEach
  void stop() throws IOException {
    control.close();
    client.close();
    front.close();
    redis.close();
  }

  private ApplyLink link(RespEndpoint endpoint) {
    return new ApplyLink(
        front,
        new RedisConnector(front, endpoint),
        new ReloadMark(dir),
        new SnapshotLoader(endpoint),
        (reason, cause) -> events.add("fatal: " + reason),
        lost::release,
        () -> events.add("end the script"));
  }

  private void attach(ApplyLink link) {
    try {
      assertTrue(link.attach(control, log, RESERVED_DATABASE));
    } catch (IOException | InterruptedException e) {
      throw new AssertionError(e);
    }
  }

  private FakeRedis.Connection nextApplyConnection() throws InterruptedException {
    FakeRedis.Connection next = applyConnections.poll(PATIENCE_SECONDS, TimeUnit.SECONDS);
    assertNotNull(next, "no connection for entries");
    return next;
  }

  private static void answerAll(FakeRedis.Connection connection) throws Exception {
    connection.awaitUnanswered(REPLIES);
    connection.say("+OK\r\n".repeat(REPLIES));
  }

  private void awaitLoop() throws InterruptedException {
    front.loop().submit(() -> {}).sync();
  }

  @Test
  void when_replies_of_an_old_connection_come_after_a_new_attempt_then_they_do_not_count()
      throws Exception {
    ApplyLink link = link(redis.endpoint());
    attach(link);
    redis.awaitCommand("CLIENT", "LIST");
    FakeRedis.Connection old = nextApplyConnection();
    CompletableFuture<Void> again = new CompletableFuture<>();
    // The reply that tells of entry 2 has come, and waits in the same piece of input.
    log.onFirstApplied =
        () -> {
          CompletableFuture.runAsync(() -> attach(link))
              .whenComplete(
                  (done, e) -> {
                    if (e == null) {
                      again.complete(null);
                    } else {
                      again.completeExceptionally(e);
                    }
                  });
          try {
            redis.awaitCommand("CLIENT", "LIST");
          } catch (InterruptedException e) {
            throw new AssertionError(e);
          }
        };
    answerAll(old);
    again.get(PATIENCE_SECONDS, TimeUnit.SECONDS);
    assertEquals(List.of("lost", "ready", "applied 1", "lost", "ready"), events);
    old.awaitEnd();
    assertTrue(link.isOpen());

    FakeRedis.Connection current = nextApplyConnection();
    answerAll(current);
    current.close();
    assertTrue(lost.tryAcquire(PATIENCE_SECONDS, TimeUnit.SECONDS));
    awaitLoop();
    assertEquals(List.of("applied 1", "applied 2", "died"), events.subList(5, events.size()));
  }

  @Test
  void when_an_old_connection_ends_then_the_new_one_is_not_lost() throws Exception {
    ApplyLink link = link(redis.endpoint());
    attach(link);
    attach(link);
    nextApplyConnection().awaitEnd();
    awaitLoop();
    assertEquals(0, lost.availablePermits());
    assertTrue(link.isOpen());
    assertEquals(List.of("lost", "ready", "lost", "ready"), events);

    nextApplyConnection().close();
    assertTrue(lost.tryAcquire(PATIENCE_SECONDS, TimeUnit.SECONDS));
    awaitLoop();
    assertFalse(link.isOpen());
    assertEquals(List.of("lost", "ready", "lost", "ready", "died"), events);
  }

  @Test
  void when_a_connection_opens_after_its_attempt_was_given_up_then_it_is_closed() throws Exception {
    BlockingQueue<FakeRedis.Connection> greeted = new LinkedBlockingQueue<>();
    redis.on(
        "AUTH",
        (connection, command) -> {
          boolean first = greeted.isEmpty();
          greeted.add(connection);
          return first ? Optional.empty() : Optional.of("+OK\r\n");
        });
    RespEndpoint endpoint =
        new RespEndpoint(
            redis.endpoint().host(),
            redis.endpoint().port(),
            Optional.empty(),
            Optional.of("sesame"));
    ApplyLink link = link(endpoint);
    CompletableFuture<Throwable> givenUp = new CompletableFuture<>();
    Thread first =
        new Thread(
            () -> {
              try {
                link.attach(control, log, RESERVED_DATABASE);
                givenUp.completeExceptionally(new AssertionError("it was attached"));
              } catch (IOException | InterruptedException e) {
                givenUp.complete(e);
              }
            });
    first.start();
    redis.awaitCommand("AUTH");
    first.interrupt();
    assertEquals(
        InterruptedException.class, givenUp.get(PATIENCE_SECONDS, TimeUnit.SECONDS).getClass());

    attach(link);
    FakeRedis.Connection late = greeted.take();
    late.say("+OK\r\n");
    late.awaitEnd();
    awaitLoop();
    assertTrue(link.isOpen());
    assertEquals(0, lost.availablePermits());
    assertEquals(List.of("lost", "lost", "ready"), events);
  }

  @Test
  void when_a_connection_can_not_have_its_name_then_no_entry_is_sent_on_it() throws Exception {
    BlockingQueue<FakeRedis.Connection> refused = new LinkedBlockingQueue<>();
    redis.on(
        "CLIENT",
        (connection, command) -> {
          if (command.contains("SETNAME")) {
            refused.add(connection);
            return Optional.of("-NOPERM this user has no permissions\r\n");
          }
          return Optional.of(FakeRedis.bulk(""));
        });
    ApplyLink link = link(redis.endpoint());
    IOException e =
        assertThrows(IOException.class, () -> link.attach(control, log, RESERVED_DATABASE));
    assertTrue(e.getMessage().contains("NOPERM"), e::getMessage);
    refused.take().awaitEnd();
    awaitLoop();
    assertEquals(List.of("lost"), events);
  }

  @Test
  void when_redis_can_not_write_its_file_then_its_next_run_is_not_believed() throws Exception {
    redis.info("run_id", "this run");
    redis.on("SAVE", (connection, command) -> Optional.of("-ERR\r\n"));
    ApplyLink link = link(redis.endpoint());
    attach(link);
    redis.awaitCommand("FLUSHALL");
    redis.on("MGET", (connection, command) -> Optional.of("*2\r\n$1\r\n2\r\n$5\r\n2 1 c\r\n"));
    link.doubt(control);
    assertFalse(new ReloadMark(dir).isSet());
    redis.info("run_id", "another");
    link.doubt(control);
    assertTrue(new ReloadMark(dir).isSet());
    attach(link);
    redis.awaitCommand("FLUSHALL"); // in spite of its marker
    ReloadMark mark = new ReloadMark(dir);
    assertFalse(mark.isSet());
    assertFalse(mark.doubts("another"));
    assertTrue(mark.doubts("this run"));
  }

  @Test
  void when_redis_is_emptied_then_that_may_take_longer_than_other_commands() throws Exception {
    redis.on(
        "FLUSHALL",
        (connection, command) -> {
          LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(600));
          return Optional.of("+OK\r\n");
        });
    try (RedisControl impatient = client.connect(Duration.ofMillis(300))) {
      assertTrue(link(redis.endpoint()).attach(impatient, log, RESERVED_DATABASE));
    }
  }

  @Test
  void when_a_child_of_redis_is_about_to_end_then_its_file_is_written_behind_that()
      throws Exception {
    Iterator<String> replies =
        List.of("-ERR Background save already in progress\r\n", "+OK\r\n").iterator();
    redis.on("SAVE", (connection, command) -> Optional.of(replies.next()));
    attach(link(redis.endpoint()));
    assertFalse(replies.hasNext());
    assertFalse(new ReloadMark(dir).doubts("another"));
  }

  @Test
  void
      when_attaching_then_older_apply_connections_and_no_others_are_killed_before_the_data_is_read()
          throws Exception {
    String clients =
        "id=7 addr=a name=ratis-sidecar-apply age=1\n"
            + "id=8 addr=b name=ratis-sidecar-apply-not age=1\n"
            + "id=9 addr=c name= age=1\n"
            + "id=10 addr=d name=ratis-sidecar-apply age=2\n";
    redis.on(
        "CLIENT",
        (connection, command) ->
            Optional.of(
                switch (command.get(1)) {
                  case "LIST" -> FakeRedis.bulk(clients);
                  case "KILL" -> ":1\r\n";
                  default -> "+OK\r\n";
                }));
    attach(link(redis.endpoint()));
    redis.awaitCommand("CLIENT", "LIST");
    assertEquals(List.of("CLIENT", "KILL", "ID", "7"), redis.next());
    assertEquals(List.of("CLIENT", "KILL", "ID", "10"), redis.next());
    assertEquals(List.of("SELECT", "15"), redis.next());
    assertEquals("MGET", redis.next().get(0));
  }
}
