package io.ratissidecar.sidecar.raft;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.Collection;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.BooleanSupplier;
import java.util.function.Function;
import java.util.stream.Stream;
import org.apache.ratis.proto.RaftProtos.RaftPeerRole;
import org.apache.ratis.protocol.RaftPeer;
import org.apache.ratis.protocol.RaftPeerId;
import org.apache.ratis.server.RaftConfiguration;
import org.apache.ratis.server.RaftServer;
import org.apache.ratis.server.protocol.TermIndex;
import org.apache.ratis.statemachine.SnapshotInfo;

/**
 * What this node knows of its group: roles, members, and how far the log is. It knows of nobody
 * before it takes part in the group, and after that. Any thread.
 */
public final class GroupView implements ReadGate.Leadership {
  private final RaftPeerId selfId;
  private final BooleanSupplier knowsClock;
  private volatile RaftServer.Division division;

  /**
   * @param knowsClock whether this node knows the log's clock, without which it can't serve
   */
  GroupView(RaftPeerId selfId, BooleanSupplier knowsClock) {
    this.selfId = selfId;
    this.knowsClock = knowsClock;
  }

  void begin(RaftServer.Division started) {
    division = started;
  }

  void end() {
    division = null;
  }

  private <T> T ask(Function<RaftServer.Division, T> question, T otherwise) {
    RaftServer.Division current = division;
    return current == null ? otherwise : question.apply(current);
  }

  @Override
  public boolean isLeaderReady() {
    return ask(d -> d.getInfo().isLeaderReady() && knowsClock.getAsBoolean(), false);
  }

  /** True as soon as this node won an election, also before it may serve. */
  public boolean isLeader() {
    return ask(d -> d.getInfo().isLeader(), false);
  }

  /** leader, follower, candidate, or learner. */
  public String role() {
    return ask(
        d ->
            switch (d.getInfo().getCurrentRole()) {
              case LEADER -> "leader";
              case CANDIDATE -> "candidate";
              case LISTENER -> "learner";
              default -> "follower";
            },
        "follower");
  }

  @Override
  public long term() {
    return ask(d -> d.getInfo().getCurrentTerm(), 0L);
  }

  @Override
  public long commitIndex() {
    return ask(d -> Math.max(0, d.getRaftLog().getLastCommittedIndex()), 0L);
  }

  /** Index of the last entry in this node's log, committed or not. */
  public long lastIndex() {
    return ask(GroupView::lastIndex, 0L);
  }

  private static long lastIndex(RaftServer.Division division) {
    if (!division.getRaftLog().isOpened()) {
      return 0;
    }
    TermIndex last = division.getRaftLog().getLastEntryTermIndex();
    if (last != null) {
      return last.getIndex();
    }
    // Behind which nothing was written yet.
    SnapshotInfo snapshot = division.getStateMachine().getLatestSnapshot();
    return snapshot == null ? 0 : snapshot.getIndex();
  }

  /** All nodes, this one too, by id. */
  public List<Member> members() {
    return ask(d -> members(d.getRaftConf()), List.of());
  }

  static List<Member> members(RaftConfiguration conf) {
    return Stream.concat(
            conf.getCurrentPeers(RaftPeerRole.FOLLOWER).stream().map(p -> Peers.member(p, true)),
            conf.getCurrentPeers(RaftPeerRole.LISTENER).stream().map(p -> Peers.member(p, false)))
        .sorted(Comparator.comparingInt(Member::id))
        .toList();
  }

  /** The member with the id. */
  public Optional<Member> member(int id) {
    return members().stream().filter(m -> m.id() == id).findFirst();
  }

  /** True when the id is part of the group, or of the group that a change under way comes from. */
  public boolean isInConfiguration(int id) {
    return ask(
        d ->
            Stream.of(RaftPeerRole.FOLLOWER, RaftPeerRole.LISTENER)
                .flatMap(role -> d.getRaftConf().getAllPeers(role).stream())
                .anyMatch(peer -> Peers.nodeId(peer.getId()) == id),
        false);
  }

  /** The leader as far as this node knows. */
  public Optional<Member> leader() {
    RaftPeerId leader = ask(d -> d.getInfo().getLeaderId(), null);
    return leader == null ? Optional.empty() : member(Peers.nodeId(leader));
  }

  @Override
  public List<Member> otherVoters() {
    return ask(
        d ->
            d.getRaftConf().getAllPeers(RaftPeerRole.FOLLOWER).stream()
                .filter(peer -> !peer.getId().equals(selfId))
                .map(peer -> Peers.member(peer, true))
                .toList(),
        List.of());
  }

  @Override
  public boolean isMajorityWith(Set<Integer> nodeIds) {
    return ask(d -> isMajorityWith(nodeIds, d.getRaftConf()), false);
  }

  private boolean isMajorityWith(Set<Integer> nodeIds, RaftConfiguration conf) {
    Collection<RaftPeer> previous = conf.getPreviousPeers(RaftPeerRole.FOLLOWER);
    return isMajority(conf.getCurrentPeers(RaftPeerRole.FOLLOWER), nodeIds)
        && (previous == null || previous.isEmpty() || isMajority(previous, nodeIds));
  }

  private boolean isMajority(Collection<RaftPeer> voters, Set<Integer> nodeIds) {
    long yes =
        voters.stream()
            .map(RaftPeer::getId)
            .filter(id -> id.equals(selfId) || nodeIds.contains(Peers.nodeId(id)))
            .count();
    return yes > voters.size() / 2;
  }

  /** Commit index of each node as this one knows it; empty for a node that it has not heard of. */
  public Optional<Long> knownCommitIndex(int nodeId) {
    return ask(
        d ->
            d.getCommitInfos().stream()
                .filter(i -> Peers.nodeId(RaftPeerId.valueOf(i.getServer().getId())) == nodeId)
                .map(i -> i.getCommitIndex())
                .findFirst(),
        Optional.empty());
  }

  /**
   * How many other voters hold a committed entry: those of which it is known, and never fewer than
   * it took to commit it.
   */
  public int otherVotersWith(long index) {
    List<Member> others = otherVoters();
    long known =
        others.stream().filter(other -> knownCommitIndex(other.id()).orElse(0L) >= index).count();
    return Math.max((int) known, (others.size() + 1) / 2);
  }

  /** Id of the node that this one voted for in its current term; 0 when there is none. */
  public int votedFor() {
    return ask(GroupView::votedFor, 0);
  }

  private static int votedFor(RaftServer.Division division) {
    try {
      RaftPeerId voted = division.getRaftStorage().getMetadataFile().getMetadata().getVotedFor();
      return voted == null || voted.toString().isEmpty() ? 0 : Peers.nodeId(voted);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /**
   * On the leader: for each other node, how long ago it answered last, milliseconds. Empty
   * elsewhere.
   */
  public Map<Integer, Long> silenceMillis() {
    return ask(d -> d.getInfo().isLeader() ? silenceMillis(d) : Map.of(), Map.of());
  }

  private static Map<Integer, Long> silenceMillis(RaftServer.Division leader) {
    Map<Integer, Long> silence = new HashMap<>();
    for (var follower : leader.getInfo().getRoleInfoProto().getLeaderInfo().getFollowerInfoList()) {
      silence.put(
          Peers.nodeId(RaftPeerId.valueOf(follower.getId().getId())),
          follower.getLastRpcElapsedTimeMs());
    }
    return silence;
  }
}
