package io.ratissidecar.sidecar.raft;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.ratissidecar.sidecar.UnusedPort;
import io.ratissidecar.sidecar.config.SidecarConfig;
import io.ratissidecar.snapshot.SnapshotStore;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.stream.Stream;
import org.apache.ratis.client.impl.ClientProtoUtils;
import org.apache.ratis.proto.RaftProtos.AppendEntriesReplyProto;
import org.apache.ratis.proto.RaftProtos.AppendEntriesReplyProto.AppendResult;
import org.apache.ratis.proto.RaftProtos.AppendEntriesRequestProto;
import org.apache.ratis.protocol.RaftGroupId;
import org.apache.ratis.protocol.RaftGroupMemberId;
import org.apache.ratis.server.impl.ServerImplUtils;
import org.apache.ratis.server.raftlog.LogProtoUtils;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** One node with Ratis; what other nodes would send is made up. */
class RaftNodeTest {
  private static final ClusterIdentity IDENTITY =
      new ClusterIdentity("00112233445566778899aabbccddeeff", 3);

  @TempDir Path dir;
  private final ExecutorService reader = Executors.newSingleThreadExecutor();
  private SidecarConfig config;
  private RaftNode node;

  @BeforeEach
  void choosePort() {
    config =
        SidecarConfig.of(
            Map.of(
                "dir", dir.toString(),
                "raft-port", Integer.toString(UnusedPort.next()),
                // So that it stands for election only where a test wants it to.
                "election-timeout-millis", "60000"));
  }

  @AfterEach
  void stop() throws IOException {
    node.close();
    reader.shutdownNow();
  }

  private Member member(int id, boolean voter) {
    int port = id == IDENTITY.nodeId() ? config.raftPort() : id;
    return new Member(id, "127.0.0.1:100" + id, "127.0.0.1:" + port, voter);
  }

  private void start(List<Member> members) throws IOException {
    FatalHandler fatal =
        (reason, cause) -> {
          throw new AssertionError(reason, cause);
        };
    node =
        new RaftNode(
            config,
            IDENTITY,
            SnapshotStore.open(dir.resolve("snapshots")),
            new Applier(work -> {}, reader, fatal, () -> 0),
            work -> {},
            new ReplicatedLogStateMachine.GroupListener() {
              @Override
              public void onLeaderChanged() {}

              @Override
              public void onSnapshotNeeded(long firstAvailable) {}

              @Override
              public void onClosed() {}
            },
            fatal);
    node.start(members, true);
  }

  private Path storedConfiguration() throws IOException {
    try (Stream<Path> groups = Files.list(dir.resolve("raft"))) {
      return groups.findFirst().orElseThrow().resolve("current").resolve("raft-meta.conf");
    }
  }

  /** As Ratis stores it when it was applied. */
  private void store(List<Member> members, long index) throws IOException {
    var configuration =
        ServerImplUtils.newRaftConfiguration(
            Peers.of(members, true), Peers.of(members, false), index, List.of(), List.of());
    Files.write(
        storedConfiguration(),
        LogProtoUtils.toLogEntryProto(configuration, 5L, index).toByteArray());
  }

  /** Entry 0, which is no configuration, from node 1 as the leader. */
  private AppendEntriesReplyProto append() throws Exception {
    RaftGroupId group = RaftGroupId.valueOf(IDENTITY.groupUuid());
    AppendEntriesRequestProto request =
        AppendEntriesRequestProto.newBuilder()
            .setServerRequest(
                ClientProtoUtils.toRaftRpcRequestProtoBuilder(
                    RaftGroupMemberId.valueOf(Peers.id(1), group), Peers.id(3)))
            .setLeaderTerm(6)
            .addEntries(LogProtoUtils.toLogEntryProto(0L, 6L, 0L))
            .build();
    return node.division().getRaftServer().appendEntries(request);
  }

  /**
   * Ratis drops a configuration when entries come from below its index on, and for a moment
   * whenever this node is told to fetch a snapshot. What it falls back on must not be the group as
   * it was when this node came to it: a learner of then would end, and a first node lead alone.
   */
  @Test
  void when_ratis_drops_its_configuration_then_it_falls_back_on_the_one_that_was_stored()
      throws Exception {
    List<Member> atFirst = List.of(member(1, true), member(2, true), member(3, false));
    start(atFirst);
    node.close();
    List<Member> since = List.of(member(1, true), member(3, true), member(4, true));
    store(since, 50);
    start(atFirst);
    assertEquals(since, node.group().members());
    AppendEntriesReplyProto reply = append();
    assertEquals(AppendResult.SUCCESS, reply.getResult());
    assertEquals(since, node.group().members());
  }

  @Test
  void when_the_stored_configuration_is_damaged_then_the_node_refuses() throws Exception {
    List<Member> members = List.of(member(1, true), member(2, true), member(3, true));
    start(members);
    node.close();
    Files.write(storedConfiguration(), new byte[] {1, 2, 3});
    IOException e = assertThrows(IOException.class, () -> start(members));
    assertTrue(e.getMessage().contains("raft-meta.conf is damaged"), e.getMessage());
  }
}
