package io.ratissidecar.sidecar.membership;

import io.ratissidecar.sidecar.raft.FatalHandler;
import io.ratissidecar.sidecar.raft.Member;
import io.ratissidecar.sidecar.resp.FrontLoop;
import java.util.HashMap;
import java.util.Map;
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

  private final FrontLoop front;
  private final RollCall rollCall;
  private final FatalHandler fatal;
  private final Participation part;
  private boolean asking;
  private boolean ended;
  private long endedNanos;

  Standing(FrontLoop front, RollCall rollCall, FatalHandler fatal, Participation part) {
    this.front = front;
    this.rollCall = rollCall;
    this.fatal = fatal;
    this.part = part;
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
    if (!matters() || asking) {
      return;
    }
    asking = true;
    NodeFile file = part.file();
    // Ratis ends only a node that finds itself outside a configuration that it was sent.
    boolean wasMember = ended || file.joined();
    Map<Integer, Member> others = new HashMap<>();
    file.members().forEach(m -> others.put(m.id(), m));
    if (!ended) {
      part.replication().orElseThrow().raft().group().members().forEach(m -> others.put(m.id(), m));
    }
    others.remove(file.nodeId());
    rollCall
        .ask(others.values(), file.clusterId(), file.nodeId())
        .whenCompleteAsync(
            (answer, error) -> {
              asking = false;
              heard(answer, wasMember);
            },
            front.loop());
  }

  private boolean matters() {
    return part.replication().isPresent() && !part.isStopping();
  }

  /**
   * @param wasMember when it asked: a leader may have said no just before it added this node, which
   *     has seen itself added by the time that it hears so
   */
  private void heard(RollCall.Answer answer, boolean wasMember) {
    if (!matters()) {
      return;
    }
    if (answer == RollCall.Answer.NOT_MEMBER && wasMember) {
      part.removed();
    } else if (ended && System.nanoTime() - endedNanos < ASKING_NANOS) {
      front.loop().schedule(this::ask, ASK_AGAIN_MILLIS, TimeUnit.MILLISECONDS);
    } else if (ended) {
      fatal.stop(
          "Raft has ended on this node, and no leader says that it was removed; see the log above",
          null);
    }
  }
}
