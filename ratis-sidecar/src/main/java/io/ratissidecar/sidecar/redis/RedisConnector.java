package io.ratissidecar.sidecar.redis;

import io.netty.buffer.ByteBuf;
import io.ratissidecar.sidecar.resp.FrontLoop;
import io.ratissidecar.sidecar.resp.RespConnection;
import io.ratissidecar.sidecar.resp.RespEndpoint;
import io.ratissidecar.statemachine.apply.ReplySink;
import io.ratissidecar.statemachine.resp.RespValue;
import java.io.IOException;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Consumer;

/** Lets the control thread wait for connections that live on the front loop. */
final class RedisConnector {
  private static final Duration TIMEOUT = Duration.ofSeconds(30);

  private final FrontLoop front;
  private final RespEndpoint endpoint;

  RedisConnector(FrontLoop front, RespEndpoint endpoint) {
    this.front = front;
    this.endpoint = endpoint;
  }

  /**
   * Opens a connection to the local Redis. Blocks.
   *
   * @param onOpen called on the front loop before anything else can happen to the connection
   */
  RespConnection open(Consumer<RespConnection> onOpen) throws IOException, InterruptedException {
    CompletableFuture<RespConnection> opened = new CompletableFuture<>();
    RespConnection.OpenListener listener =
        new RespConnection.OpenListener() {
          @Override
          public void onOpen(RespConnection connection) {
            onOpen.accept(connection);
            opened.complete(connection);
          }

          @Override
          public void onFailed(Throwable cause) {
            opened.completeExceptionally(cause);
          }
        };
    front.loop().execute(() -> RespConnection.open(front, endpoint, listener));
    return get(opened);
  }

  /**
   * As {@link #open}, with a name that {@code CLIENT LIST} shows before anything else is sent.
   *
   * @param onNamed called on the front loop before anything else can happen to the connection
   */
  void openNamed(String name, Consumer<RespConnection> onNamed)
      throws IOException, InterruptedException {
    CompletableFuture<Void> named = new CompletableFuture<>();
    open(
        connection ->
            command(connection, "CLIENT", "SETNAME", name)
                .whenComplete(
                    (reply, lost) -> {
                      if (lost != null) {
                        named.completeExceptionally(lost);
                      } else if (reply.isError()) {
                        named.completeExceptionally(new IOException(reply.asString()));
                        connection.close();
                      } else {
                        onNamed.accept(connection);
                        named.complete(null);
                      }
                    }));
    get(named);
  }

  /** One command on a connection of its own. Blocks. */
  RespValue ask(String... command) throws IOException, InterruptedException {
    CompletableFuture<RespValue> answer = new CompletableFuture<>();
    open(
        connection ->
            command(connection, command)
                .whenComplete(
                    (reply, lost) -> {
                      if (lost != null) {
                        answer.completeExceptionally(lost);
                      } else {
                        answer.complete(reply);
                        connection.close();
                      }
                    }));
    return get(answer);
  }

  /** Completes on the front loop. */
  private static CompletableFuture<RespValue> command(
      RespConnection connection, String... command) {
    CompletableFuture<RespValue> reply = new CompletableFuture<>();
    connection.command(
        new ReplySink() {
          @Override
          public void onReply(ByteBuf frame) {
            reply.complete(RespValue.parse(frame));
          }

          @Override
          public void onLost() {
            reply.completeExceptionally(new IOException("connection lost during " + command[0]));
          }
        },
        command);
    return reply;
  }

  private static <T> T get(CompletableFuture<T> future) throws IOException, InterruptedException {
    try {
      return future.get(TIMEOUT.toMillis(), TimeUnit.MILLISECONDS);
    } catch (ExecutionException e) {
      throw new IOException(e.getCause().getMessage(), e.getCause());
    } catch (TimeoutException e) {
      throw new IOException("no answer within " + TIMEOUT.toSeconds() + " s", e);
    }
  }
}
