package io.ratissidecar.sidecar.membership;

import io.ratissidecar.sidecar.raft.FatalHandler;
import io.ratissidecar.sidecar.raft.Member;
import io.ratissidecar.sidecar.raft.Replication;
import io.ratissidecar.sidecar.resp.FrontLoop;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.TimeUnit;

/**
 * Finds out whether the cluster has removed this node. Raft does not tell it, so it asks a leader
 * when something hints at it: no leader is heard of, or Raft has ended here. Only the answer of a
 * leader that a majority confirmed counts, and only for a node that was a member: one whose join is
 * not finished waits for it to be repeated. Confined to the front loop.
 */
final class Standing {
  private static final long ASK_AGAIN_MILLIS = 500;
  private static final long ASKING_NANOS = 30_000_000_000L;

  /** What it needs to know, and the consequence. */
  interface Node {
    NodeFile file();

    /** Empty when this node is in no cluster, or about to stop. */
    Optional<Replication> replication();

    void removed();
  }

  private final FrontLoop front;
  private final RollCall rollCall;
  private final FatalHandler fatal;
  private final Node node;
  private boolean asking;
  private boolean ended;
  private long endedNanos;

  Standing(FrontLoop front, RollCall rollCall, FatalHandler fatal, Node node) {
    this.front = front;
    this.rollCall = rollCall;
    this.fatal = fatal;
    this.node = node;
  }

  /** Ratis has ended this node's part in the group: it was removed, or something is wrong. */
  void raftEnded() {
    if (!ended) {
      ended = true;
      endedNanos = System.nanoTime();
      ask();
    }
  }

  /** Asks, unless a question is under way. */
  void ask() {
    Optional<Replication> replication = node.replication();
    if (replication.isEmpty() || asking) {
      return;
    }
    asking = true;
    NodeFile file = node.file();
    Map<Integer, Member> others = new HashMap<>();
    file.members().forEach(m -> others.put(m.id(), m));
    if (!ended) {
      replication.get().raft().members().forEach(m -> others.put(m.id(), m));
    }
    others.remove(file.nodeId());
    rollCall
        .ask(others.values(), file.clusterId(), file.nodeId())
        .whenCompleteAsync(
            (answer, error) -> {
              asking = false;
              heard(answer);
            },
            front.loop());
  }

  private void heard(RollCall.Answer answer) {
    if (node.replication().isEmpty()) {
      return;
    }
    // Ratis ends only a node that finds itself outside a configuration that it was sent.
    if (answer == RollCall.Answer.NOT_MEMBER && (ended || node.file().joined())) {
      node.removed();
    } else if (ended && System.nanoTime() - endedNanos < ASKING_NANOS) {
      front.loop().schedule(this::ask, ASK_AGAIN_MILLIS, TimeUnit.MILLISECONDS);
    } else if (ended) {
      fatal.stop(
          "Raft has ended on this node, and no leader says that it was removed; see the log above",
          null);
    }
  }
}
