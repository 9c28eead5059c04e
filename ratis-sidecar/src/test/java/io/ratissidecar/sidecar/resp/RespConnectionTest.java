package io.ratissidecar.sidecar.resp;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.netty.buffer.ByteBuf;
import io.ratissidecar.statemachine.apply.ReplySink;
import java.io.IOException;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.UnknownHostException;
import java.nio.channels.ClosedChannelException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class RespConnectionTest {
  private final FrontLoop front = new FrontLoop();
  private final List<String> events = new CopyOnWriteArrayList<>();
  private final CompletableFuture<Void> ended = new CompletableFuture<>();
  private ServerSocket server;

  @BeforeEach
  void listen() throws IOException {
    server = new ServerSocket(0, 1, InetAddress.getLoopbackAddress());
  }

  @AfterEach
  void stop() throws IOException {
    server.close();
    front.close();
  }

  /** Connects, asks three times, and has all replies come in one piece. */
  private void talk(ReplySink first) throws Exception {
    RespEndpoint endpoint = RespEndpoint.tcp("127.0.0.1", server.getLocalPort());
    RespConnection.OpenListener listener =
        new RespConnection.OpenListener() {
          @Override
          public void onOpen(RespConnection connection) {
            connection.onClosed(c -> ended.complete(null));
            connection.command(
                new ReplySink() {
                  @Override
                  public void onReply(ByteBuf frame) {
                    first.onReply(frame);
                    connection.close();
                  }

                  @Override
                  public void onLost() {
                    first.onLost();
                  }
                },
                "PING");
            connection.command(note("second"), "PING");
            connection.command(note("third"), "PING");
          }

          @Override
          public void onFailed(Throwable cause) {
            ended.completeExceptionally(cause);
          }
        };
    front.loop().execute(() -> RespConnection.open(front, endpoint, listener));
    try (Socket peer = server.accept()) {
      peer.getInputStream().read();
      peer.getOutputStream().write("+1\r\n+2\r\n+3\r\n".getBytes(StandardCharsets.US_ASCII));
      ended.get(10, TimeUnit.SECONDS);
    }
  }

  private static String text(ByteBuf frame) {
    int shown = Math.min(200, frame.readableBytes());
    return frame.toString(frame.readerIndex(), shown, StandardCharsets.US_ASCII).strip();
  }

  private ReplySink note(String name) {
    return new ReplySink() {
      @Override
      public void onReply(ByteBuf frame) {
        events.add(name + " " + text(frame));
      }

      @Override
      public void onLost() {
        events.add(name + " lost");
      }
    };
  }

  @Test
  void when_closed_by_a_reply_then_those_behind_it_are_lost_though_they_have_come()
      throws Exception {
    talk(note("first"));
    assertEquals(List.of("first +1", "second lost", "third lost"), events);
  }

  @Test
  void when_a_sink_throws_then_the_connection_ends_and_the_others_hear_of_it() throws Exception {
    talk(
        new ReplySink() {
          @Override
          public void onReply(ByteBuf frame) {
            throw new IllegalStateException("made up by the test");
          }

          @Override
          public void onLost() {}
        });
    assertTrue(events.containsAll(List.of("second lost", "third lost")), events.toString());
  }

  @Test
  void when_the_host_is_unknown_or_it_is_closed_before_then_it_fails() throws Exception {
    assertInstanceOf(UnknownHostException.class, failure("no-such-host.invalid", false));
    assertInstanceOf(ClosedChannelException.class, failure("127.0.0.1", true));
  }

  @Test
  void when_a_reply_is_too_long_then_an_error_comes_instead_and_the_next_one_is_right()
      throws Exception {
    CompletableFuture<Void> second = new CompletableFuture<>();
    RespConnection.OpenListener listener =
        new RespConnection.OpenListener() {
          @Override
          public void onOpen(RespConnection connection) {
            connection.command(note("first"), "PING");
            connection.command(
                new ReplySink() {
                  @Override
                  public void onReply(ByteBuf frame) {
                    events.add("second " + text(frame));
                    second.complete(null);
                  }

                  @Override
                  public void onLost() {
                    second.completeExceptionally(new AssertionError("lost"));
                  }
                },
                "PING");
          }

          @Override
          public void onFailed(Throwable cause) {
            second.completeExceptionally(cause);
          }
        };
    RespEndpoint endpoint = RespEndpoint.tcp("127.0.0.1", server.getLocalPort());
    front.loop().execute(() -> RespConnection.open(front, endpoint, listener));
    try (Socket peer = server.accept()) {
      OutputStream out = peer.getOutputStream();
      byte[] half = new byte[RespConnection.LONGEST_REPLY_BYTES / 2 + (4 << 20)];
      out.write("*2\r\n".getBytes(StandardCharsets.US_ASCII));
      for (int i = 0; i < 2; i++) {
        out.write(("$" + half.length + "\r\n").getBytes(StandardCharsets.US_ASCII));
        out.write(half);
        out.write("\r\n".getBytes(StandardCharsets.US_ASCII));
      }
      out.write("+2\r\n".getBytes(StandardCharsets.US_ASCII));
      second.get(30, TimeUnit.SECONDS);
    }
    assertEquals(
        List.of(
            "first -ERR the reply is longer than 67108864 bytes; the command was executed",
            "second +2"),
        events);
  }

  private Throwable failure(String host, boolean close) throws Exception {
    CompletableFuture<Throwable> failure = new CompletableFuture<>();
    RespConnection.OpenListener listener =
        new RespConnection.OpenListener() {
          @Override
          public void onOpen(RespConnection connection) {
            failure.completeExceptionally(new AssertionError("it is open"));
          }

          @Override
          public void onFailed(Throwable cause) {
            failure.complete(cause);
          }
        };
    front
        .loop()
        .execute(
            () -> {
              RespConnection opening =
                  RespConnection.open(
                      front, RespEndpoint.tcp(host, server.getLocalPort()), listener);
              if (close) {
                opening.close();
              }
            });
    return failure.get(30, TimeUnit.SECONDS);
  }
}
