package io.ratissidecar.sidecar.raft;

import java.util.List;
import org.apache.ratis.proto.RaftProtos.RaftPeerRole;
import org.apache.ratis.protocol.RaftPeer;
import org.apache.ratis.protocol.RaftPeerId;

/** Members as Ratis calls them. */
final class Peers {
  private Peers() {}

  static RaftPeerId id(int nodeId) {
    return RaftPeerId.valueOf("n" + nodeId);
  }

  static int nodeId(RaftPeerId id) {
    return Integer.parseInt(id.toString().substring(1));
  }

  static RaftPeer of(Member member) {
    return RaftPeer.newBuilder()
        .setId(id(member.id()))
        .setAddress(member.raftAddress())
        .setClientAddress(member.clientAddress())
        .setStartupRole(member.voter() ? RaftPeerRole.FOLLOWER : RaftPeerRole.LISTENER)
        .build();
  }

  /** Those that vote, or those that don't. */
  static List<RaftPeer> of(List<Member> members, boolean voters) {
    return members.stream().filter(m -> m.voter() == voters).map(Peers::of).toList();
  }

  static Member member(RaftPeer peer, boolean voter) {
    return new Member(nodeId(peer.getId()), peer.getClientAddress(), peer.getAddress(), voter);
  }
}
