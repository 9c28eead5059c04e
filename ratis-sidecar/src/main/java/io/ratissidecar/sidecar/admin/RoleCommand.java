package io.ratissidecar.sidecar.admin;

import io.netty.buffer.ByteBuf;
import io.ratissidecar.sidecar.membership.Membership;
import io.ratissidecar.sidecar.raft.GroupView;
import io.ratissidecar.sidecar.raft.Member;
import io.ratissidecar.statemachine.resp.Resp;
import java.util.List;
import java.util.Optional;

/**
 * {@code ROLE}: the leader as the master, a follower as its replica. The offsets are commit indexes
 * of the log.
 */
final class RoleCommand {
  private final Membership membership;

  RoleCommand(Membership membership) {
    this.membership = membership;
  }

  void write(ByteBuf out) {
    Optional<GroupView> group = membership.replication().map(r -> r.raft().group());
    if (group.isEmpty() || group.get().isLeader()) {
      master(out, group);
    } else {
      replica(out, group.get());
    }
  }

  private void master(ByteBuf out, Optional<GroupView> group) {
    List<Member> others =
        group.map(GroupView::members).orElse(List.of()).stream()
            .filter(member -> member.id() != membership.nodeId())
            .toList();
    Resp.writeArrayHeader(out, 3);
    Resp.writeBulk(out, "master");
    Resp.writeInteger(out, group.map(GroupView::commitIndex).orElse(0L));
    Resp.writeArrayHeader(out, others.size());
    for (Member other : others) {
      Resp.writeArrayHeader(out, 3);
      Resp.writeBulk(out, other.host());
      Resp.writeBulk(out, Integer.toString(other.port()));
      Resp.writeBulk(
          out, Long.toString(group.flatMap(g -> g.knownCommitIndex(other.id())).orElse(0L)));
    }
  }

  private static void replica(ByteBuf out, GroupView group) {
    Optional<Member> leader = group.leader();
    Resp.writeArrayHeader(out, 5);
    Resp.writeBulk(out, "slave");
    Resp.writeBulk(out, leader.map(Member::host).orElse("?"));
    Resp.writeInteger(out, leader.map(Member::port).orElse(0));
    Resp.writeBulk(out, leader.isPresent() ? "connected" : "connect");
    Resp.writeInteger(out, group.commitIndex());
  }
}
