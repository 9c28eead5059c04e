package io.ratissidecar.sidecar;

import io.ratissidecar.sidecar.membership.Membership;
import io.ratissidecar.sidecar.raft.Replication;
import io.ratissidecar.sidecar.resp.FrontLoop;
import io.ratissidecar.sidecar.session.SessionRegistry;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What a node does for others before it stops: it hands over leadership, answers the commands that
 * are under way, and leaves Raft. Blocks the caller, who is not the front loop.
 */
final class GracefulStop {
  private static final Logger LOG = LoggerFactory.getLogger(GracefulStop.class);

  /** What is left of the time when leadership is handed over is for the drain. */
  private static final long DRAIN_MILLIS_AT_LEAST = 500;

  private final FrontLoop front;
  private final Membership membership;
  private final SessionRegistry sessions;

  GracefulStop(FrontLoop front, Membership membership, SessionRegistry sessions) {
    this.front = front;
    this.membership = membership;
    this.sessions = sessions;
  }

  /**
   * Does what can be done in time; says in the log what could not.
   *
   * @param deadlineNanos of both together, as {@link System#nanoTime} tells the time
   */
  void run(long deadlineNanos) {
    quietly(
        "hand over leadership", () -> handOver(millisUntil(deadlineNanos) - DRAIN_MILLIS_AT_LEAST));
    quietly("answer the last commands", () -> drain(millisUntil(deadlineNanos)));
  }

  /**
   * Ends this node's part in the cluster. Ratis waits five seconds for a connection that it is just
   * making, as to a node that stops at the same time: that is not waited for. What is on disk is
   * whole at any moment.
   */
  void leave(long deadlineNanos) {
    CompletableFuture<Void> left =
        CompletableFuture.runAsync(
            () -> {
              try {
                membership.stop();
              } catch (IOException e) {
                throw new UncheckedIOException(e);
              }
            });
    quietly("end Raft", () -> left.get(millisUntil(deadlineNanos), TimeUnit.MILLISECONDS));
  }

  private static long millisUntil(long deadlineNanos) {
    return Math.max(0, TimeUnit.NANOSECONDS.toMillis(deadlineNanos - System.nanoTime()));
  }

  private interface Step {
    void run() throws ExecutionException, InterruptedException, TimeoutException;
  }

  private static void quietly(String what, Step step) {
    try {
      step.run();
    } catch (ExecutionException e) {
      LOG.info("Could not {} before stopping: {}", what, reason(e));
    } catch (TimeoutException e) {
      LOG.info("Could not {} before stopping: it took too long", what);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private static String reason(Throwable error) {
    Throwable root = error;
    while (root.getCause() != null) {
      root = root.getCause();
    }
    String text = root.getMessage() == null ? root.toString() : root.getMessage();
    return text.startsWith("ERR ") ? text.substring(4) : text;
  }

  private void handOver(long timeoutMillis)
      throws ExecutionException, InterruptedException, TimeoutException {
    Optional<Replication> replication = membership.replication();
    if (replication.isEmpty()
        || !replication.get().raft().group().isLeaderReady()
        || replication.get().raft().group().otherVoters().isEmpty()) {
      return;
    }
    CompletableFuture<Void> done = new CompletableFuture<>();
    front
        .loop()
        .execute(
            () ->
                membership
                    .handover()
                    .transfer(replication.get(), 0)
                    .whenComplete(
                        (ok, error) -> {
                          if (error == null) {
                            done.complete(null);
                          } else {
                            done.completeExceptionally(error);
                          }
                        }));
    done.get(timeoutMillis, TimeUnit.MILLISECONDS);
  }

  private void drain(long timeoutMillis)
      throws ExecutionException, InterruptedException, TimeoutException {
    CompletableFuture<Void> quiet = new CompletableFuture<>();
    var check =
        front
            .loop()
            .scheduleWithFixedDelay(
                () -> {
                  if (sessions.isQuiet()) {
                    quiet.complete(null);
                  }
                },
                0,
                10,
                TimeUnit.MILLISECONDS);
    try {
      quiet.get(timeoutMillis, TimeUnit.MILLISECONDS);
    } finally {
      check.cancel(false);
      front.loop().submit(sessions::closeAll).await(200);
    }
  }
}
