package io.ratissidecar.sidecar.admin;

import io.netty.buffer.ByteBuf;
import io.ratissidecar.sidecar.membership.Membership;
import io.ratissidecar.sidecar.raft.GroupView;
import io.ratissidecar.sidecar.raft.Member;
import io.ratissidecar.statemachine.resp.Request;
import io.ratissidecar.statemachine.resp.Resp;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.function.Consumer;

/**
 * {@code SENTINEL}, so that clients which find the master through sentinels find the leader: each
 * node says what a sentinel would, with the leader as the master, and the other nodes as replicas
 * if they take commands.
 */
final class SentinelCommand {
  private final Membership membership;
  private final String masterName;
  private final boolean followersForward;

  /**
   * @param masterName how clients call the cluster
   * @param followersForward whether followers take commands: those that only name the leader are no
   *     replicas to read from
   */
  SentinelCommand(Membership membership, String masterName, boolean followersForward) {
    this.membership = membership;
    this.masterName = masterName;
    this.followersForward = followersForward;
  }

  Consumer<ByteBuf> run(Request request, int protocol) {
    if (request.argCount() < 2) {
      return error("ERR wrong number of arguments for 'sentinel' command");
    }
    String sub = request.argString(1).toUpperCase(Locale.ROOT);
    boolean named = !sub.equals("MASTERS") && !sub.equals("MYID");
    if (request.argCount() != (named ? 3 : 2)) {
      return error(
          "ERR wrong number of arguments for 'sentinel|"
              + sub.toLowerCase(Locale.ROOT)
              + "' command");
    }
    Optional<GroupView> group = membership.replication().map(r -> r.raft().group());
    List<Member> members = group.map(GroupView::members).orElse(List.of());
    Optional<Member> leader = group.flatMap(GroupView::leader);
    boolean known = !named || request.argString(2).equals(masterName);
    if (sub.equals("GET-MASTER-ADDR-BY-NAME")) {
      return known && leader.isPresent()
          ? out -> address(out, leader.get())
          : out -> Resp.writeNullArray(out, protocol);
    }
    if (!known) {
      return error("ERR No such master with that name");
    }
    return switch (sub) {
      case "MYID" -> out -> Resp.writeBulk(out, membership.nodeName(membership.nodeId()));
      case "MASTERS" ->
          out -> {
            Resp.writeArrayHeader(out, leader.isPresent() ? 1 : 0);
            leader.ifPresent(first -> map(out, master(first, members), protocol));
          };
      case "MASTER" ->
          leader.isPresent()
              ? out -> map(out, master(leader.get(), members), protocol)
              : error("ERR No such master with that name");
      case "REPLICAS", "SLAVES" ->
          out -> {
            List<Member> replicas = leader.map(l -> replicas(l, members)).orElse(List.of());
            Resp.writeArrayHeader(out, replicas.size());
            replicas.forEach(
                replica -> map(out, replica(replica, leader.get(), group.get()), protocol));
          };
      case "SENTINELS" ->
          out -> {
            List<Member> others =
                members.stream().filter(m -> m.id() != membership.nodeId()).toList();
            Resp.writeArrayHeader(out, others.size());
            others.forEach(
                other -> map(out, server(other.clientAddress(), other, "sentinel"), protocol));
          };
      case "CKQUORUM" ->
          leader.isPresent()
              ? out -> Resp.writeSimple(out, "OK " + members.size() + " usable Sentinels.")
              : error("NOQUORUM no leader is known here");
      default ->
          error(
              "ERR Unknown sentinel subcommand '"
                  + request.argString(1)
                  + "'. The sidecar has SENTINEL GET-MASTER-ADDR-BY-NAME, MASTERS, MASTER, REPLICAS,"
                  + " SLAVES, SENTINELS, CKQUORUM, MYID.");
    };
  }

  private static Consumer<ByteBuf> error(String text) {
    return out -> Resp.writeError(out, text);
  }

  private static void address(ByteBuf out, Member member) {
    Resp.writeArrayHeader(out, 2);
    Resp.writeBulk(out, member.host());
    Resp.writeBulk(out, Integer.toString(member.port()));
  }

  private Map<String, String> server(String name, Member member, String flags) {
    Map<String, String> fields = new LinkedHashMap<>();
    fields.put("name", name);
    fields.put("ip", member.host());
    fields.put("port", Integer.toString(member.port()));
    fields.put("runid", membership.nodeName(member.id()));
    fields.put("flags", flags);
    return fields;
  }

  private List<Member> replicas(Member leader, List<Member> members) {
    return followersForward ? members.stream().filter(m -> !m.equals(leader)).toList() : List.of();
  }

  private Map<String, String> master(Member leader, List<Member> members) {
    Map<String, String> fields = server(masterName, leader, "master");
    fields.put("num-slaves", Integer.toString(replicas(leader, members).size()));
    fields.put("num-other-sentinels", Integer.toString(members.size() - 1));
    fields.put("quorum", Integer.toString(members.size() / 2 + 1));
    return fields;
  }

  /** Only the leader hears of every node; the others take all for well. */
  private Map<String, String> replica(Member member, Member leader, GroupView group) {
    boolean silent = group.silenceMillis().getOrDefault(member.id(), 0L) > Membership.SILENT_MILLIS;
    Map<String, String> fields =
        server(member.clientAddress(), member, silent ? "s_down,slave,disconnected" : "slave");
    fields.put("master-link-status", silent ? "err" : "ok");
    fields.put("master-host", leader.host());
    fields.put("master-port", Integer.toString(leader.port()));
    fields.put("slave-priority", "100");
    fields.put("slave-repl-offset", Long.toString(group.knownCommitIndex(member.id()).orElse(0L)));
    return fields;
  }

  private static void map(ByteBuf out, Map<String, String> fields, int protocol) {
    Resp.writeMapHeader(out, fields.size(), protocol);
    fields.forEach(
        (name, value) -> {
          Resp.writeBulk(out, name);
          Resp.writeBulk(out, value);
        });
  }
}
