package io.ratissidecar.sidecar.raft;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.ratissidecar.logstore.LogIdentity;
import io.ratissidecar.logstore.LogOptions;
import io.ratissidecar.logstore.PayloadLog;
import io.ratissidecar.statemachine.entry.Entry;
import io.ratissidecar.statemachine.entry.EntryHeader;
import io.ratissidecar.statemachine.entry.EntryType;
import io.ratissidecar.statemachine.resp.Resp;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeoutException;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Ratis, whose answer to a purge is made up, does what a slow disk or a closed log make it do. */
@Timeout(30)
class LogCutterTest {
  private static final Duration SHORT = Duration.ofMillis(50);
  private static final Duration LONG = Duration.ofDays(1);

  @TempDir Path dir;
  private final List<Long> purges = new ArrayList<>();
  private PayloadLog payload;

  @BeforeEach
  void open() throws IOException {
    // So small that a segment takes but a few entries.
    payload = PayloadLog.open(dir, new LogIdentity("c", 1), new LogOptions(1024, 2000, 0));
    for (int i = 1; i <= 20; i++) {
      ByteBuf out = Unpooled.buffer();
      Resp.command(out, "SET", "key" + i, "x".repeat(100));
      ByteBuffer body = out.nioBuffer();
      payload.append(new Entry(1, i, EntryHeader.of(EntryType.COMMANDS, 1, 1, body), body));
    }
    payload.flush();
  }

  @AfterEach
  void close() throws IOException {
    payload.close();
  }

  private boolean cut(LogCutter cutter, long last, CompletableFuture<Long> answer)
      throws IOException {
    return cutter.cut(
        index -> {
          purges.add(index);
          return answer;
        },
        payload,
        last);
  }

  @Test
  void when_ratis_has_purged_then_the_payload_goes_too() throws IOException {
    assertTrue(cut(new LogCutter(LONG), 10, CompletableFuture.completedFuture(10L)));
    assertEquals(List.of(10L), purges);
    assertTrue(payload.startIndex() > 1, () -> "it starts at " + payload.startIndex());
    assertTrue(payload.startIndex() <= 11, () -> "it starts at " + payload.startIndex());
  }

  @Test
  void when_a_purge_never_answers_then_the_payload_stays_and_it_can_be_tried_again()
      throws IOException {
    LogCutter cutter = new LogCutter(SHORT);
    IOException e =
        assertThrows(IOException.class, () -> cut(cutter, 10, new CompletableFuture<>()));
    assertTrue(e.getMessage().contains("up to entry 10"), e.getMessage());
    assertInstanceOf(TimeoutException.class, e.getCause());
    assertEquals(1, payload.startIndex());
    assertTrue(cut(cutter, 12, CompletableFuture.completedFuture(12L)));
    assertEquals(List.of(10L, 12L), purges);
    assertTrue(payload.startIndex() > 1);
  }

  @Test
  void when_a_purge_fails_then_the_payload_stays() {
    IOException cause = new IOException("no such file");
    IOException e =
        assertThrows(
            IOException.class,
            () -> cut(new LogCutter(LONG), 10, CompletableFuture.failedFuture(cause)));
    assertEquals(cause, e.getCause().getCause());
    assertEquals(1, payload.startIndex());
  }

  /** Ratis's log worker ends without a word about what it had still to do. */
  @Test
  void when_the_logs_are_closed_meanwhile_then_nobody_waits_for_the_answer() throws IOException {
    LogCutter cutter = new LogCutter(LONG);
    assertFalse(
        cutter.cut(
            index -> {
              cutter.close();
              return new CompletableFuture<>();
            },
            payload,
            10));
    assertEquals(1, payload.startIndex());
  }

  @Test
  void when_the_logs_are_closed_as_ratis_answers_then_the_payload_log_is_left_alone()
      throws IOException {
    LogCutter cutter = new LogCutter(LONG);
    cutter.close();
    assertFalse(cut(cutter, 10, CompletableFuture.completedFuture(10L)));
    assertEquals(1, payload.startIndex());
  }

  @Test
  void when_it_is_interrupted_then_it_ends() {
    Thread.currentThread().interrupt();
    assertThrows(
        InterruptedIOException.class,
        () -> cut(new LogCutter(LONG), 10, new CompletableFuture<>()));
    assertTrue(Thread.interrupted());
    assertEquals(1, payload.startIndex());
  }
}
