package io.ratissidecar.cli.demo;

import io.ratissidecar.cli.client.NodeClient;
import io.ratissidecar.cli.client.Poll;
import io.ratissidecar.sidecar.resp.BlockingRespClient;
import io.ratissidecar.sidecar.resp.RespEndpoint;
import io.ratissidecar.statemachine.resp.RespValue;
import java.io.Closeable;
import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.Optional;

/**
 * A client as an application should have one: it starts at one node, follows redirections, tries
 * another node when one is gone, sends again what definitely did not happen, and nothing else. For
 * one thread.
 */
final class CheckClient implements Closeable {
  private static final Duration PATIENCE = Duration.ofSeconds(30);
  private static final Duration CONNECT = Duration.ofSeconds(2);
  private static final Duration REPLY = Duration.ofSeconds(15); // the node's own limit is 10 s
  private static final long RETRY_MILLIS = 20;

  /** The first words of errors after which nothing was written. */
  private static final List<String> DEFINITE =
      List.of("MOVED", "CLUSTERDOWN", "NOTLEADER", "NOCLUSTER", "LOADING", "TRYAGAIN");

  private final List<String> addresses;
  private final Runnable onRetry;
  private int next;
  private String address;
  private BlockingRespClient connection;

  /**
   * @param first place of the node to start with, in {@code addresses}
   */
  CheckClient(List<String> addresses, int first, Runnable onRetry) {
    this.addresses = addresses;
    this.next = first;
    this.address = addresses.get(first);
    this.onRetry = onRetry;
  }

  /**
   * The reply to a command; empty when it is not known whether it took effect.
   *
   * @throws DemoFailure when no node takes it for long, or it is refused
   */
  Optional<String> call(String... command) throws DemoFailure, InterruptedException {
    String[] lastProblem = {""};
    return Poll.<Optional<String>, DemoFailure>until(
            PATIENCE,
            RETRY_MILLIS,
            () -> {
              Attempt attempt = attempt(command);
              if (!attempt.again()) {
                return Optional.of(attempt.reply());
              }
              lastProblem[0] = attempt.problem();
              onRetry.run();
              return Optional.empty();
            })
        .orElseThrow(
            () ->
                new DemoFailure(
                    "no node took '"
                        + String.join(" ", command)
                        + "' within "
                        + PATIENCE.toSeconds()
                        + " s: "
                        + lastProblem[0]));
  }

  /**
   * What came of one attempt.
   *
   * @param again whether the command definitely had no effect
   */
  private record Attempt(boolean again, Optional<String> reply, String problem) {
    static Attempt definite(String problem) {
      return new Attempt(true, Optional.empty(), problem);
    }

    static Attempt unknown() {
      return new Attempt(false, Optional.empty(), "");
    }
  }

  private Attempt attempt(String... command) throws DemoFailure {
    try {
      connect();
    } catch (IOException e) {
      tryNextNode();
      return Attempt.definite(e.getMessage());
    }
    try {
      return judge(connection.call(command), command);
    } catch (IOException e) {
      tryNextNode();
      return Attempt.unknown(); // it was sent, and who knows how far it came
    }
  }

  private void connect() throws IOException {
    if (connection == null) {
      RespEndpoint endpoint = RespEndpoint.parse(address, Optional.empty());
      connection = BlockingRespClient.connect(endpoint, CONNECT, REPLY);
    }
  }

  private Attempt judge(RespValue reply, String... command) throws DemoFailure {
    if (!(reply instanceof RespValue.Error error)) {
      return new Attempt(
          false, Optional.ofNullable(reply.asString()).or(() -> Optional.of("")), "");
    }
    Optional<String> elsewhere = NodeClient.moved(reply);
    if (elsewhere.isPresent()) {
      disconnect();
      address = elsewhere.get();
      return Attempt.definite(error.message());
    }
    String code = error.message().split(" ", 2)[0];
    if (code.equals("TIMEOUT")) {
      return Attempt.unknown();
    }
    if (DEFINITE.contains(code)) {
      tryNextNode();
      return Attempt.definite(error.message());
    }
    throw new DemoFailure(
        address + " refused '" + String.join(" ", command) + "': " + error.message());
  }

  private void tryNextNode() {
    disconnect();
    next = (next + 1) % addresses.size();
    address = addresses.get(next);
  }

  private void disconnect() {
    if (connection != null) {
      try {
        connection.close();
      } catch (IOException e) {
        // It is given up anyway.
      }
      connection = null;
    }
  }

  @Override
  public void close() {
    disconnect();
  }
}
