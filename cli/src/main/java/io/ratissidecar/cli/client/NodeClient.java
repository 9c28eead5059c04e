package io.ratissidecar.cli.client;

import io.ratissidecar.sidecar.membership.NodeStatus;
import io.ratissidecar.sidecar.membership.PeerProtocol;
import io.ratissidecar.sidecar.resp.BlockingRespClient;
import io.ratissidecar.sidecar.resp.LeaderErrors;
import io.ratissidecar.sidecar.resp.RespEndpoint;
import io.ratissidecar.statemachine.resp.RespValue;
import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicReference;

/**
 * Asks nodes, one connection a question: the commands ask little, and a node may have gone since
 * the last time. Immutable.
 */
public final class NodeClient {
  private static final Duration CONNECT = Duration.ofSeconds(3);
  private static final Duration SHORT = Duration.ofSeconds(5);
  private static final long RETRY_MILLIS = 200;
  private static final int MAX_REDIRECTIONS = 16;

  private final Optional<String> password;

  public NodeClient(Optional<String> password) {
    this.password = password;
  }

  /** Where the node is, with the password. */
  public RespEndpoint endpoint(String address) {
    return RespEndpoint.parse(address, password);
  }

  /** Sends a command to one node; an error reply is a reply. */
  public RespValue ask(String address, Duration timeout, String... command)
      throws UnreachableException {
    try (BlockingRespClient client =
        BlockingRespClient.connect(endpoint(address), CONNECT, timeout)) {
      return client.call(command);
    } catch (BlockingRespClient.PasswordRefusedException e) {
      throw new ReplyException(address, e.getMessage());
    } catch (IOException e) {
      throw new UnreachableException(address, e);
    }
  }

  /** As {@link #ask}, for a command that must succeed on this very node. */
  public RespValue demand(String address, Duration timeout, String... command)
      throws UnreachableException {
    return require(address, ask(address, timeout, command));
  }

  private static RespValue require(String address, RespValue reply) {
    if (reply instanceof RespValue.Error error) {
      throw new ReplyException(address, error.message());
    }
    return reply;
  }

  /**
   * Sends a command to the leader, whom the node at the address knows. Waits up to {@code patience}
   * where there is no leader for the moment, or another change is under way. A lost connection ends
   * it, since the command may have taken effect.
   */
  public RespValue askLeader(String address, Duration patience, Duration timeout, String... command)
      throws UnreachableException, InterruptedException {
    AtomicReference<Answer> last = new AtomicReference<>(new Answer(address, null));
    Poll.<Answer, UnreachableException>until(
        patience,
        RETRY_MILLIS,
        () -> {
          last.set(follow(last.get().address(), timeout, command));
          return Optional.of(last.get()).filter(answer -> !mayPass(answer.reply()));
        });
    return require(last.get().address(), last.get().reply());
  }

  private record Answer(String address, RespValue reply) {}

  private Answer follow(String first, Duration timeout, String... command)
      throws UnreachableException {
    Answer answer = new Answer(first, ask(first, timeout, command));
    for (int i = 0; i < MAX_REDIRECTIONS; i++) {
      Optional<String> elsewhere = moved(answer.reply());
      if (elsewhere.isEmpty()) {
        break;
      }
      answer = new Answer(elsewhere.get(), ask(elsewhere.get(), timeout, command));
    }
    return answer;
  }

  /** The leader's address in a {@code MOVED}; empty for any other reply. */
  public static Optional<String> moved(RespValue reply) {
    return reply instanceof RespValue.Error error
        ? LeaderErrors.movedTo(error.message())
        : Optional.empty();
  }

  private static boolean mayPass(RespValue reply) {
    return reply instanceof RespValue.Error error && LeaderErrors.mayPass(error.message());
  }

  /** What the node at the address says of itself. */
  public NodeStatus status(String address) throws UnreachableException {
    return NodeStatus.parse(demand(address, SHORT, PeerProtocol.message(PeerProtocol.STATUS, "")));
  }

  /** As {@link #status}; empty when the node can't be reached. */
  public Optional<NodeStatus> tryStatus(String address) {
    try {
      return Optional.of(status(address));
    } catch (UnreachableException | ReplyException e) {
      return Optional.empty();
    }
  }

  /** The members as the node at the address knows them. */
  public List<MemberLine> members(String address) throws UnreachableException {
    RespValue reply = demand(address, SHORT, "RAFT.NODE", "LIST");
    return reply.asList().stream().map(MemberLine::parse).toList();
  }
}
