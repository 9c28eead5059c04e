package io.ratissidecar.sidecar.membership;

import io.netty.buffer.ByteBuf;
import io.ratissidecar.sidecar.resp.FrontLoop;
import io.ratissidecar.sidecar.resp.RespConnection;
import io.ratissidecar.sidecar.resp.RespEndpoint;
import io.ratissidecar.statemachine.apply.ReplySink;
import io.ratissidecar.statemachine.resp.RespValue;
import java.io.IOException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;

/** One connection to each other node, opened when it is needed. Confined to the front loop. */
final class PeerLinks {
  /**
   * Questions to a node that does not answer are refused from here on, so that they can't pile up.
   */
  private static final int MAX_OUTSTANDING = 256;

  private final FrontLoop front;
  private final Optional<String> password;
  private final Map<String, Link> links = new HashMap<>();

  PeerLinks(FrontLoop front, Optional<String> password) {
    this.front = front;
    this.password = password;
  }

  private static final class Link {
    private RespConnection connection;
    private final List<Runnable> waiting = new ArrayList<>();
    private Throwable failure;
    private long opened;
    private long failed;

    LinkReport report() {
      String state =
          connection != null ? "connected" : waiting.isEmpty() ? "disconnected" : "connecting";
      return new LinkReport(state, opened, failed);
    }
  }

  /** How the connection to the node at the address has done since this process started. */
  LinkReport report(String address) {
    Link link = links.get(address);
    return link == null ? LinkReport.NEVER_USED : link.report();
  }

  /**
   * Sends a command to the node at {@code host:port}.
   *
   * @return its reply, on the front loop; fails with {@link IOException} when the node can't be
   *     reached or does not answer in time. An error reply is a reply
   */
  CompletableFuture<RespValue> call(String address, long timeoutMillis, String... command) {
    CompletableFuture<RespValue> answer = new CompletableFuture<>();
    Link link = links.computeIfAbsent(address, a -> new Link());
    int outstanding = link.connection == null ? link.waiting.size() : link.connection.outstanding();
    if (outstanding >= MAX_OUTSTANDING) {
      answer.completeExceptionally(new IOException(address + " does not answer"));
      return answer;
    }
    withConnection(address, link, () -> send(address, link, answer, command));
    if (timeoutMillis > 0) {
      var timeout =
          front
              .loop()
              .schedule(
                  () ->
                      answer.completeExceptionally(
                          new IOException(
                              address + " did not answer within " + timeoutMillis + " ms")),
                  timeoutMillis,
                  TimeUnit.MILLISECONDS);
      answer.whenComplete((value, error) -> timeout.cancel(false));
    }
    return answer;
  }

  private void withConnection(String address, Link link, Runnable action) {
    if (link.connection != null) {
      action.run();
      return;
    }
    link.waiting.add(action);
    if (link.waiting.size() > 1) {
      return;
    }
    link.failure = null;
    RespConnection.open(
        front,
        RespEndpoint.parse(address, password),
        new RespConnection.OpenListener() {
          @Override
          public void onOpen(RespConnection connection) {
            link.opened++;
            link.connection = connection;
            connection.onClosed(c -> link.connection = null);
            runWaiting(link);
          }

          @Override
          public void onFailed(Throwable cause) {
            link.failed++;
            link.failure = cause;
            runWaiting(link);
          }
        });
  }

  private static void runWaiting(Link link) {
    List<Runnable> now = List.copyOf(link.waiting);
    link.waiting.clear();
    now.forEach(Runnable::run);
  }

  private static void send(
      String address, Link link, CompletableFuture<RespValue> answer, String... command) {
    if (link.connection == null) {
      String why = link.failure == null ? "" : ": " + Handover.rootMessage(link.failure);
      answer.completeExceptionally(
          new IOException("can't connect to " + address + why, link.failure));
      return;
    }
    link.connection.command(
        new ReplySink() {
          @Override
          public void onReply(ByteBuf frame) {
            answer.complete(RespValue.parse(frame));
          }

          @Override
          public void onLost() {
            answer.completeExceptionally(new IOException(address + " closed the connection"));
          }
        },
        command);
  }

  void close() {
    for (Link link : List.copyOf(links.values())) {
      if (link.connection != null) {
        link.connection.close();
      }
    }
  }
}
