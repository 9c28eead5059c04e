package io.ratissidecar.sidecar.admin;

import io.netty.buffer.ByteBuf;
import io.ratissidecar.sidecar.membership.Membership;
import io.ratissidecar.sidecar.raft.GroupView;
import io.ratissidecar.sidecar.raft.Member;
import io.ratissidecar.sidecar.resp.LeaderErrors;
import io.ratissidecar.statemachine.command.KeySlot;
import io.ratissidecar.statemachine.resp.Request;
import io.ratissidecar.statemachine.resp.Resp;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.function.Consumer;

/**
 * {@code CLUSTER}: the group as cluster clients see it, one shard with all slots and the leader
 * first.
 */
final class ClusterCommand {
  private static final int LAST_SLOT = 16383;

  private final Membership membership;

  ClusterCommand(Membership membership) {
    this.membership = membership;
  }

  Consumer<ByteBuf> run(Request request, int protocol) {
    if (request.argCount() < 2) {
      return error("ERR wrong number of arguments for 'cluster' command");
    }
    String sub = request.argString(1).toUpperCase(Locale.ROOT);
    if (sub.equals("KEYSLOT")) {
      if (request.argCount() != 3) {
        return error("ERR wrong number of arguments for 'cluster|keyslot' command");
      }
      int slot = KeySlot.of(request.arg(2));
      return out -> Resp.writeInteger(out, slot);
    }
    Optional<String> refusal = membership.refusal();
    if (refusal.isPresent()) {
      return error(refusal.get());
    }
    GroupView group = membership.replication().orElseThrow().raft().group();
    Optional<Member> leader = group.leader();
    return switch (sub) {
      case "MYID" -> out -> Resp.writeBulk(out, membership.nodeName(membership.nodeId()));
      case "INFO" -> out -> Resp.writeBulk(out, info(group, leader));
      case "NODES" -> out -> Resp.writeBulk(out, nodes(group, leader));
      case "SLOTS" -> leader.isEmpty() ? noLeader() : out -> slots(out, group, leader.get());
      case "SHARDS" ->
          leader.isEmpty() ? noLeader() : out -> shards(out, group, leader.get(), protocol);
      default ->
          error(
              "ERR unknown subcommand '"
                  + request.argString(1)
                  + "'. The sidecar has CLUSTER SLOTS, SHARDS, NODES, INFO, KEYSLOT, MYID.");
    };
  }

  private static Consumer<ByteBuf> error(String text) {
    return out -> Resp.writeError(out, text);
  }

  private static Consumer<ByteBuf> noLeader() {
    return error(LeaderErrors.NO_LEADER);
  }

  private static List<Member> leaderFirst(GroupView group, Member leader) {
    List<Member> members = new ArrayList<>();
    members.add(leader);
    group.members().stream().filter(m -> m.voter() && m.id() != leader.id()).forEach(members::add);
    return members;
  }

  private void slots(ByteBuf out, GroupView group, Member leader) {
    List<Member> members = leaderFirst(group, leader);
    Resp.writeArrayHeader(out, 1);
    Resp.writeArrayHeader(out, 2 + members.size());
    Resp.writeInteger(out, 0);
    Resp.writeInteger(out, LAST_SLOT);
    for (Member member : members) {
      Resp.writeArrayHeader(out, 4);
      Resp.writeBulk(out, member.host());
      Resp.writeInteger(out, member.port());
      Resp.writeBulk(out, membership.nodeName(member.id()));
      Resp.writeArrayHeader(out, 0);
    }
  }

  private void shards(ByteBuf out, GroupView group, Member leader, int protocol) {
    Resp.writeArrayHeader(out, 1);
    Resp.writeMapHeader(out, 2, protocol);
    Resp.writeBulk(out, "slots");
    Resp.writeArrayHeader(out, 2);
    Resp.writeInteger(out, 0);
    Resp.writeInteger(out, LAST_SLOT);
    Resp.writeBulk(out, "nodes");
    List<Member> members = leaderFirst(group, leader);
    Resp.writeArrayHeader(out, members.size());
    for (Member member : members) {
      Resp.writeMapHeader(out, 7, protocol);
      field(out, "id", membership.nodeName(member.id()));
      Resp.writeBulk(out, "port");
      Resp.writeInteger(out, member.port());
      field(out, "ip", member.host());
      field(out, "endpoint", member.host());
      field(out, "role", member.id() == leader.id() ? "master" : "replica");
      Resp.writeBulk(out, "replication-offset");
      Resp.writeInteger(out, group.knownCommitIndex(member.id()).orElse(0L));
      field(out, "health", isSilent(group, member) ? "fail" : "online");
    }
  }

  /** Only the leader hears of every node; the others take all for well. */
  private static boolean isSilent(GroupView group, Member member) {
    return group.silenceMillis().getOrDefault(member.id(), 0L) > Membership.SILENT_MILLIS;
  }

  private static void field(ByteBuf out, String name, String value) {
    Resp.writeBulk(out, name);
    Resp.writeBulk(out, value);
  }

  private String nodes(GroupView group, Optional<Member> leader) {
    StringBuilder text = new StringBuilder();
    List<Member> members = new ArrayList<>(group.members());
    leader.ifPresent(
        first -> {
          members.removeIf(m -> m.id() == first.id());
          members.add(0, first);
        });
    for (Member member : members) {
      boolean leads = leader.isPresent() && leader.get().id() == member.id();
      text.append(membership.nodeName(member.id())).append(' ');
      text.append(member.clientAddress()).append('@').append(member.port() + 10000).append(' ');
      text.append(member.id() == membership.nodeId() ? "myself," : "")
          .append(leads ? "master" : "slave")
          .append(isSilent(group, member) ? ",fail" : "");
      text.append(' ')
          .append(leads || leader.isEmpty() ? "-" : membership.nodeName(leader.get().id()));
      text.append(" 0 0 ")
          .append(group.term())
          .append(isSilent(group, member) ? " disconnected" : " connected");
      text.append(leads ? " 0-" + LAST_SLOT : "").append('\n');
    }
    return text.toString();
  }

  private static String info(GroupView group, Optional<Member> leader) {
    int slots = leader.isPresent() ? LAST_SLOT + 1 : 0;
    return "cluster_enabled:1\r\n"
        + ("cluster_state:" + (leader.isPresent() ? "ok" : "fail") + "\r\n")
        + ("cluster_slots_assigned:" + (LAST_SLOT + 1) + "\r\n")
        + ("cluster_slots_ok:" + slots + "\r\n")
        + "cluster_slots_pfail:0\r\n"
        + ("cluster_slots_fail:" + (LAST_SLOT + 1 - slots) + "\r\n")
        + ("cluster_known_nodes:" + group.members().size() + "\r\n")
        + "cluster_size:1\r\n"
        + ("cluster_current_epoch:" + group.term() + "\r\n")
        + ("cluster_my_epoch:" + group.term() + "\r\n");
  }
}
