package io.ratissidecar.sidecar.membership;

import io.ratissidecar.sidecar.config.SidecarConfig;
import io.ratissidecar.sidecar.resp.FrontLoop;
import io.ratissidecar.sidecar.resp.LeaderErrors;
import io.ratissidecar.statemachine.resp.RespValue;
import java.util.ArrayDeque;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;

/**
 * One attempt of this node to become part of a cluster: asks the given addresses in turn, follows
 * redirections, tries again what may pass, and gives up at the time-out or at a refusal that will
 * stay. Confined to the front loop.
 */
final class Joining {
  private static final long RETRY_MILLIS = 200;
  private static final int MAX_REDIRECTIONS = 16;

  private final FrontLoop front;
  private final PeerLinks peers;
  private final SidecarConfig config;
  private final ArrayDeque<String> addresses;
  private final BooleanSupplier isMember;
  private final CompletableFuture<Void> result = new CompletableFuture<>();
  private final long deadlineNanos;
  private String lastProblem = "no address answered";
  private int redirections;

  Joining(
      FrontLoop front,
      PeerLinks peers,
      SidecarConfig config,
      List<String> addresses,
      BooleanSupplier isMember) {
    this.front = front;
    this.peers = peers;
    this.config = config;
    this.addresses = new ArrayDeque<>(addresses);
    this.isMember = isMember;
    this.deadlineNanos = System.nanoTime() + config.joinTimeout().toNanos();
  }

  CompletableFuture<Void> run() {
    attempt(addresses.peek());
    return result;
  }

  /** Gives up; a node that was added meanwhile stays added. */
  void cancel(String error) {
    result.completeExceptionally(new RefusedException(error));
  }

  private void attempt(String address) {
    if (result.isDone()) {
      return;
    }
    long leftMillis = TimeUnit.NANOSECONDS.toMillis(deadlineNanos - System.nanoTime());
    if (leftMillis <= 0) {
      result.completeExceptionally(
          new RefusedException("ERR join timed out: " + lastProblem + ". It is safe to repeat it"));
      return;
    }
    peers
        .call(
            address,
            leftMillis,
            "RAFT.NODE",
            "ADD",
            Integer.toString(config.id()),
            config.clientAddress())
        .whenComplete((reply, error) -> answered(address, reply, error));
  }

  private void answered(String address, RespValue reply, Throwable error) {
    if (error != null) {
      lastProblem = error.getMessage();
      next();
    } else if (reply instanceof RespValue.Error refused) {
      refused(address, refused.message());
    } else {
      Polling.until(
          front,
          isMember,
          TimeUnit.NANOSECONDS.toMillis(Math.max(0, deadlineNanos - System.nanoTime())),
          () -> result.complete(null),
          () ->
              result.completeExceptionally(
                  new RefusedException(
                      "ERR the cluster added this node, but no leader has contacted it yet")));
    }
  }

  private void refused(String address, String message) {
    lastProblem = address + ": " + message;
    Optional<String> elsewhere = LeaderErrors.movedTo(message);
    if (elsewhere.isPresent() && redirections < MAX_REDIRECTIONS) {
      redirections++;
      attempt(elsewhere.get());
    } else if (message.startsWith("ERR ")) {
      result.completeExceptionally(new RefusedException(message));
    } else {
      next(); // no leader at the moment, no majority: may pass
    }
  }

  private void next() {
    addresses.add(addresses.poll());
    front.loop().schedule(() -> attempt(addresses.peek()), RETRY_MILLIS, TimeUnit.MILLISECONDS);
  }
}
