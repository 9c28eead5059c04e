package io.ratissidecar.sidecar.admin;

import io.netty.buffer.ByteBuf;
import io.ratissidecar.sidecar.config.HostPort;
import io.ratissidecar.sidecar.config.SidecarConfig;
import io.ratissidecar.sidecar.digest.Comparison;
import io.ratissidecar.sidecar.digest.Digests;
import io.ratissidecar.sidecar.membership.Membership;
import io.ratissidecar.sidecar.membership.PeerCommands;
import io.ratissidecar.sidecar.raft.Failure;
import io.ratissidecar.sidecar.raft.Member;
import io.ratissidecar.sidecar.raft.Replication;
import io.ratissidecar.sidecar.redis.LocalRedis;
import io.ratissidecar.sidecar.resp.FrontLoop;
import io.ratissidecar.sidecar.session.Session;
import io.ratissidecar.sidecar.snapshot.Snapshots;
import io.ratissidecar.statemachine.resp.Request;
import io.ratissidecar.statemachine.resp.Resp;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.function.IntSupplier;
import java.util.function.Supplier;

/**
 * {@code RAFT.CLUSTER}, {@code RAFT.NODE}, {@code RAFT.SNAPSHOT}, {@code RAFT.DIGEST}, {@code
 * RAFT.TRANSFER_LEADER}, {@code RAFT.PEER}, {@code CLUSTER}, {@code SENTINEL}, {@code ROLE}, {@code
 * SCRIPT KILL} and {@code FUNCTION KILL}.
 */
public final class AdminCommands {
  private final Membership membership;
  private final FrontLoop front;
  private final PeerCommands peerCommands;
  private final ClusterCommand cluster;
  private final SentinelCommand sentinel;
  private final RoleCommand role;
  private final SnapshotCommand snapshot;
  private final Digests digests;
  private final ScriptKill scripts;
  private final Supplier<String> notLeader;

  /**
   * @param failureText the error for a command that came to nothing
   */
  public AdminCommands(
      Membership membership,
      Snapshots snapshots,
      Digests digests,
      LocalRedis redis,
      FrontLoop front,
      IntSupplier reservedDatabase,
      SidecarConfig config,
      Function<Failure, String> failureText) {
    this.membership = membership;
    this.front = front;
    this.peerCommands = new PeerCommands(membership, snapshots.offer(), digests::answer);
    this.cluster = new ClusterCommand(membership);
    this.sentinel =
        new SentinelCommand(membership, config.sentinelMasterName(), config.followerProxy());
    this.role = new RoleCommand(membership);
    this.snapshot = new SnapshotCommand(snapshots);
    this.digests = digests;
    this.scripts = new ScriptKill(membership, redis, front, reservedDatabase, failureText);
    this.notLeader = () -> failureText.apply(Failure.NOT_LEADER);
  }

  /** Runs one; {@code reply} is called once, on the front loop. */
  public void run(Request request, Session session, Consumer<Consumer<ByteBuf>> reply) {
    String name = request.argString(0).toUpperCase(Locale.ROOT);
    switch (name) {
      case "RAFT.CLUSTER" -> cluster(request, reply);
      case "RAFT.NODE" -> node(request, reply);
      case "RAFT.TRANSFER_LEADER" -> transfer(request, reply);
      case "RAFT.SNAPSHOT" -> snapshot(request, reply);
      case "RAFT.DIGEST" -> digest(request, reply);
      case "SCRIPT", "FUNCTION" -> // KILL, with no further argument: its arity was checked
          atLeader(
              reply,
              leader ->
                  finish(scripts.kill(leader, name), reply, (done, out) -> Resp.writeOk(out)));
      case "RAFT.PEER" ->
          finish(peerCommands.run(request, session::setFromPeer), reply, Consumer::accept);
      case "SENTINEL" -> reply.accept(sentinel.run(request, session.protocol()));
      case "ROLE" -> reply.accept(role::write);
      case "CLUSTER" -> reply.accept(cluster.run(request, session.protocol()));
      default ->
          error(
              reply,
              "ERR unknown command '"
                  + request.argString(0)
                  + "'. The sidecar has RAFT, RAFT.CLUSTER, RAFT.NODE, RAFT.SNAPSHOT, RAFT.DIGEST and RAFT.TRANSFER_LEADER.");
    }
  }

  private static void error(Consumer<Consumer<ByteBuf>> reply, String text) {
    reply.accept(out -> Resp.writeError(out, text));
  }

  private static String sub(Request request) {
    return request.argCount() < 2 ? "" : request.argString(1).toUpperCase(Locale.ROOT);
  }

  private void cluster(Request request, Consumer<Consumer<ByteBuf>> reply) {
    switch (sub(request)) {
      case "INIT" -> init(request, reply);
      case "JOIN" -> {
        List<String> addresses = new ArrayList<>();
        for (int i = 2; i < request.argCount(); i++) {
          addresses.add(request.argString(i));
        }
        Optional<String> wrong = addresses.stream().filter(a -> !isAddress(a)).findFirst();
        if (addresses.isEmpty()) {
          error(reply, "ERR wrong number of arguments for 'raft.cluster|join' command");
        } else if (wrong.isPresent()) {
          error(reply, "ERR invalid address '" + wrong.get() + "'; it must be host:port");
        } else {
          finish(membership.join(addresses), reply, (done, out) -> Resp.writeOk(out));
        }
      }
      default ->
          error(
              reply,
              "ERR RAFT.CLUSTER supports INIT [id] [FROM path] and JOIN host:port [host:port …]"
                  + " only");
    }
  }

  private void init(Request request, Consumer<Consumer<ByteBuf>> reply) {
    int count = request.argCount();
    boolean from = count >= 4 && request.argIs(count - 2, "FROM");
    int optional = from ? count - 2 : count; // behind the id, where there is one
    if (optional > 3 || (optional == 3 && request.argIs(2, "FROM"))) {
      error(reply, "ERR wrong number of arguments for 'raft.cluster|init' command");
      return;
    }
    Optional<String> id = optional == 3 ? Optional.of(request.argString(2)) : Optional.empty();
    Optional<Path> rdb = Optional.empty();
    if (from) {
      rdb = absolutePath(request.argString(count - 1));
      if (rdb.isEmpty()) {
        error(reply, "ERR the path behind FROM must be an absolute one of the node's machine");
        return;
      }
    }
    finish(
        membership.init(id, rdb),
        reply,
        (clusterId, out) -> Resp.writeSimple(out, "OK " + clusterId));
  }

  private static Optional<Path> absolutePath(String text) {
    try {
      return Optional.of(Path.of(text)).filter(Path::isAbsolute);
    } catch (InvalidPathException e) {
      return Optional.empty();
    }
  }

  private static boolean isAddress(String text) {
    return HostPort.tryParse(text).isPresent();
  }

  private void node(Request request, Consumer<Consumer<ByteBuf>> reply) {
    String sub = sub(request);
    if (sub.equals("LIST") && request.argCount() == 2) {
      list(reply);
      return;
    }
    int wanted = sub.equals("ADD") ? 4 : sub.equals("REMOVE") ? 3 : -1;
    if (request.argCount() != wanted) {
      error(
          reply,
          wanted < 0
              ? "ERR RAFT.NODE supports ADD id host:port, REMOVE id and LIST only"
              : "ERR wrong number of arguments for 'raft.node|"
                  + sub.toLowerCase(Locale.ROOT)
                  + "' command");
      return;
    }
    int id = number(request.argString(2));
    if (id < 0 || id > 65535 || (id == 0 && sub.equals("REMOVE"))) {
      error(reply, "ERR invalid node id");
      return;
    }
    if (sub.equals("ADD") && !isAddress(request.argString(3))) {
      error(reply, "ERR invalid address '" + request.argString(3) + "'; it must be host:port");
      return;
    }
    atLeader(
        reply,
        leader -> {
          if (sub.equals("ADD")) {
            finish(
                membership.changes().add(leader, id, request.argString(3)),
                reply,
                (added, out) -> {
                  Resp.writeArrayHeader(out, 2);
                  Resp.writeInteger(out, added.id());
                  Resp.writeBulk(out, added.clusterId());
                });
          } else {
            finish(
                membership.changes().remove(leader, id), reply, (done, out) -> Resp.writeOk(out));
          }
        });
  }

  private static int number(String text) {
    try {
      return Integer.parseInt(text);
    } catch (NumberFormatException e) {
      return -1;
    }
  }

  private void list(Consumer<Consumer<ByteBuf>> reply) {
    Optional<String> refusal = membership.refusal();
    if (refusal.isPresent()) {
      error(reply, refusal.get());
      return;
    }
    var raft = membership.replication().orElseThrow().raft();
    int leader = raft.group().leader().map(Member::id).orElse(0);
    List<Member> members = raft.group().members();
    reply.accept(
        out -> {
          Resp.writeArrayHeader(out, members.size());
          for (Member member : members) {
            Resp.writeArrayHeader(out, 4);
            Resp.writeInteger(out, member.id());
            Resp.writeBulk(out, member.clientAddress());
            Resp.writeBulk(out, member.voter() ? "voter" : "learner");
            Resp.writeBulk(out, member.id() == leader ? "leader" : "follower");
          }
        });
  }

  private void snapshot(Request request, Consumer<Consumer<ByteBuf>> reply) {
    if (request.argCount() == 1) {
      finish(snapshot.take(), reply, SnapshotCommand::write);
    } else if (request.argCount() == 2 && sub(request).equals("LIST")) {
      reply.accept(snapshot::list);
    } else {
      error(reply, "ERR RAFT.SNAPSHOT takes a snapshot; RAFT.SNAPSHOT LIST lists them");
    }
  }

  private void digest(Request request, Consumer<Consumer<ByteBuf>> reply) {
    if (request.argCount() > 1) {
      error(reply, "ERR wrong number of arguments for 'raft.digest' command");
      return;
    }
    atLeader(
        reply, leader -> finish(digests.compare(leader), reply, AdminCommands::writeComparison));
  }

  /** Names and values, as an array; that of the nodes has one of id and digest for each. */
  private static void writeComparison(Comparison comparison, ByteBuf out) {
    Resp.writeArrayHeader(out, 6);
    Resp.writeBulk(out, "index");
    Resp.writeInteger(out, comparison.index());
    Resp.writeBulk(out, "verdict");
    Resp.writeBulk(out, comparison.verdict().name().toLowerCase(Locale.ROOT));
    Resp.writeBulk(out, "nodes");
    Resp.writeArrayHeader(out, comparison.digests().size());
    comparison
        .digests()
        .forEach(
            (node, digest) -> {
              Resp.writeArrayHeader(out, 3);
              Resp.writeInteger(out, node);
              Resp.writeBulk(out, digest.hash());
              Resp.writeBulk(out, "rdb-version " + digest.version());
            });
  }

  private void transfer(Request request, Consumer<Consumer<ByteBuf>> reply) {
    int id = request.argCount() == 1 ? 0 : number(request.argString(1));
    if (request.argCount() > 2 || id < 0) {
      error(
          reply,
          id < 0
              ? "ERR invalid node id"
              : "ERR wrong number of arguments for 'raft.transfer_leader' command");
      return;
    }
    atLeader(
        reply,
        leader ->
            finish(
                membership.handover().transfer(leader, id),
                reply,
                (done, out) -> Resp.writeOk(out)));
  }

  private void atLeader(Consumer<Consumer<ByteBuf>> reply, Consumer<Replication> action) {
    Optional<String> refusal = membership.refusal();
    if (refusal.isPresent()) {
      error(reply, refusal.get());
      return;
    }
    Replication replication = membership.replication().orElseThrow();
    if (replication.raft().group().isLeaderReady()) {
      action.accept(replication);
    } else {
      error(reply, notLeader.get());
    }
  }

  private interface Success<T> {
    void write(T value, ByteBuf out);
  }

  private <T> void finish(
      CompletableFuture<T> future, Consumer<Consumer<ByteBuf>> reply, Success<T> success) {
    future.whenCompleteAsync(
        (value, error) -> {
          if (error == null) {
            reply.accept(out -> success.write(value, out));
          } else {
            error(reply, message(error));
          }
        },
        front.loop());
  }

  private static String message(Throwable error) {
    Throwable cause =
        error instanceof CompletionException && error.getCause() != null ? error.getCause() : error;
    String text = String.valueOf(cause.getMessage());
    // Refusals carry their code; anything else is unexpected and gets the general one.
    return Character.isUpperCase(text.charAt(0))
            && text.substring(0, text.indexOf(' ') + 1).matches("[A-Z]+ ")
        ? text
        : "ERR " + text;
  }
}
