package io.ratissidecar.sidecar.membership;

import static io.ratissidecar.sidecar.membership.RefusedException.refused;

import io.netty.buffer.ByteBuf;
import io.ratissidecar.sidecar.raft.LogClock;
import io.ratissidecar.sidecar.raft.Member;
import io.ratissidecar.statemachine.resp.Request;
import io.ratissidecar.statemachine.resp.Resp;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.CompletableFuture;
import java.util.function.Consumer;
import java.util.function.LongFunction;

/** Answers the messages of other nodes. On the front loop. */
public final class PeerCommands {
  private final Membership membership;
  private final SnapshotOffer snapshots;
  private final LongFunction<List<String>> digests;

  /**
   * @param digests what {@link PeerProtocol#DIGEST} tells of an entry
   */
  public PeerCommands(
      Membership membership, SnapshotOffer snapshots, LongFunction<List<String>> digests) {
    this.membership = membership;
    this.snapshots = snapshots;
    this.digests = digests;
  }

  /**
   * Answers one message; the future gives a writer for the reply or fails with the error.
   *
   * @param onPeer called when the connection that the message came on is another node's of this
   *     cluster
   */
  public CompletableFuture<Consumer<ByteBuf>> run(Request request, Runnable onPeer) {
    try {
      return answer(request, onPeer);
    } catch (IllegalArgumentException e) {
      return refused("ERR " + e.getMessage());
    }
  }

  private CompletableFuture<Consumer<ByteBuf>> answer(Request request, Runnable onPeer) {
    if (request.argCount() < 4) {
      return refused("ERR wrong number of arguments for 'raft.peer' command");
    }
    if (Integer.parseInt(request.argString(2)) > PeerProtocol.VERSION) {
      return refused(
          "ERR node-to-node protocol version "
              + request.argString(2)
              + " is newer than "
              + PeerProtocol.VERSION
              + ", which this node speaks");
    }
    String word = request.argString(1).toUpperCase(Locale.ROOT);
    String clusterId = request.argString(3);
    boolean ours = clusterId.equals(membership.clusterId());
    switch (word) {
      case PeerProtocol.STATUS:
        return reply(membership.status()::write);
      case PeerProtocol.DESCRIBE:
        return reply(texts(membership.description()));
      case PeerProtocol.ATTACH:
        return attach(request, clusterId);
      default:
        return ours
            ? aboutOurCluster(request, word, onPeer)
            : refused("ERR this node is not of cluster " + clusterId);
    }
  }

  private CompletableFuture<Consumer<ByteBuf>> aboutOurCluster(
      Request request, String word, Runnable onPeer) {
    onPeer.run();
    switch (word) {
      case PeerProtocol.TERM:
        var replication = membership.replication();
        return replication.isEmpty()
            ? refused(membership.refusal().orElseThrow())
            : reply(out -> Resp.writeInteger(out, replication.get().raft().group().term()));
      case PeerProtocol.CLOCK:
        return membership
            .replication()
            .map(r -> r.raft().clock())
            .filter(LogClock::isKnown)
            .map(clock -> reply(out -> Resp.writeInteger(out, clock.millis())))
            .orElseGet(() -> refused("ERR this node does not know the log's clock"));
      case PeerProtocol.MEMBER:
        return membership
            .knowsMember(id(request))
            .thenApply(member -> out -> Resp.writeInteger(out, member ? 1 : 0));
      case PeerProtocol.DETACH:
        if (id(request) != membership.nodeId()) {
          return refused("ERR this is node " + membership.nodeId());
        }
        membership.mayBeRemoved();
        return reply(Resp::writeOk);
      case PeerProtocol.PROXY:
        return reply(Resp::writeOk);
      case PeerProtocol.SNAPSHOT:
        return bulk(
            request.argCount() == 4
                ? snapshots.latest()
                : snapshots.manifest(number(request, 4), number(request, 5)));
      case PeerProtocol.CHUNK:
        return bulk(
            snapshots.chunk(
                number(request, 4),
                number(request, 5),
                number(request, 6),
                (int) Math.min(number(request, 7), Integer.MAX_VALUE)));
      case PeerProtocol.DOUBT:
        snapshots.doubt(number(request, 4), number(request, 5));
        return reply(Resp::writeOk);
      case PeerProtocol.DIGEST:
        return reply(texts(digests.apply(number(request, 4))));
      default:
        return refused("ERR unknown message '" + word + "' between nodes");
    }
  }

  private static Consumer<ByteBuf> texts(List<String> texts) {
    return out -> {
      Resp.writeArrayHeader(out, texts.size());
      texts.forEach(text -> Resp.writeBulk(out, text));
    };
  }

  private static int id(Request request) {
    return Integer.parseInt(argument(request, 4));
  }

  private static long number(Request request, int argument) {
    return Long.parseLong(argument(request, argument));
  }

  private static String argument(Request request, int argument) {
    if (request.argCount() <= argument) {
      throw new IllegalArgumentException("wrong number of arguments for 'raft.peer' command");
    }
    return request.argString(argument);
  }

  private static CompletableFuture<Consumer<ByteBuf>> bulk(CompletableFuture<byte[]> bytes) {
    return bytes.thenApply(b -> out -> Resp.writeBulk(out, b));
  }

  private CompletableFuture<Consumer<ByteBuf>> attach(Request request, String clusterId) {
    int id = id(request);
    List<Member> members = new ArrayList<>();
    for (int i = 5; i < request.argCount(); i++) {
      members.add(Member.parse(request.argString(i)));
    }
    return membership.attach(clusterId, id, members).thenApply(done -> Resp::writeOk);
  }

  private static CompletableFuture<Consumer<ByteBuf>> reply(Consumer<ByteBuf> writer) {
    return CompletableFuture.completedFuture(writer);
  }
}
