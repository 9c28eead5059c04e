package io.ratissidecar.sidecar.membership;

import io.ratissidecar.sidecar.raft.Member;
import io.ratissidecar.statemachine.resp.RespValue;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.concurrent.CompletableFuture;

/**
 * Asks other nodes whether this one is a member of the cluster: Raft does not tell a node that was
 * removed. Confined to the front loop.
 */
final class RollCall {
  private static final long CALL_MILLIS = 2000;

  /** What the others say. */
  enum Answer {
    MEMBER,
    NOT_MEMBER,
    /** No leader answered. */
    UNKNOWN
  }

  private final PeerLinks peers;

  RollCall(PeerLinks peers) {
    this.peers = peers;
  }

  /** Never fails. */
  CompletableFuture<Answer> ask(Collection<Member> others, String clusterId, int nodeId) {
    List<CompletableFuture<RespValue>> answers = new ArrayList<>();
    for (Member other : others) {
      answers.add(
          peers
              .call(
                  other.clientAddress(),
                  CALL_MILLIS,
                  PeerProtocol.message(PeerProtocol.MEMBER, clusterId, Integer.toString(nodeId)))
              .exceptionally(unreachable -> null));
    }
    return CompletableFuture.allOf(answers.toArray(new CompletableFuture<?>[0]))
        .thenApply(done -> weigh(answers));
  }

  private static Answer weigh(List<CompletableFuture<RespValue>> answers) {
    for (CompletableFuture<RespValue> answer : answers) {
      if (answer.join() instanceof RespValue.Int member) {
        return member.value() == 0 ? Answer.NOT_MEMBER : Answer.MEMBER;
      }
    }
    return Answer.UNKNOWN;
  }
}
