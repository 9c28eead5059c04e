package io.ratissidecar.sidecar.raft;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.apache.ratis.proto.RaftProtos.LogEntryProto;
import org.apache.ratis.server.raftlog.LogProtoUtils;
import org.apache.ratis.thirdparty.com.google.protobuf.InvalidProtocolBufferException;

/**
 * The configuration that Ratis keeps beside its log: the last one that this node has applied, or
 * that a leader has sent along when it told this node to fetch a snapshot.
 */
final class StoredConfiguration {
  private final Path file;

  /**
   * @param nodeDir the node's directory
   */
  StoredConfiguration(Path nodeDir, ClusterIdentity identity) {
    this.file =
        nodeDir
            .resolve("raft")
            .resolve(identity.groupUuid().toString())
            .resolve("current")
            .resolve("raft-meta.conf");
  }

  /** Its members, unless there is none. */
  Optional<List<Member>> members() throws IOException {
    if (!Files.exists(file)) {
      return Optional.empty();
    }
    try {
      LogEntryProto entry = LogEntryProto.parseFrom(Files.readAllBytes(file));
      return Optional.of(GroupView.members(LogProtoUtils.toRaftConfiguration(entry)));
    } catch (InvalidProtocolBufferException | RuntimeException e) {
      throw new IOException(file + " is damaged: " + e.getMessage() + MetadataReconciler.REMEDY, e);
    }
  }

  void forget() throws IOException {
    Files.deleteIfExists(file);
  }
}
