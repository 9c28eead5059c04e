package io.ratissidecar.sidecar.membership;

import io.netty.buffer.ByteBuf;
import io.ratissidecar.sidecar.config.SidecarConfig;
import io.ratissidecar.sidecar.raft.GroupView;
import io.ratissidecar.sidecar.raft.Member;
import io.ratissidecar.sidecar.raft.Replication;
import io.ratissidecar.statemachine.resp.Resp;
import io.ratissidecar.statemachine.resp.RespValue;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * What a node says of itself to other nodes and to the command line.
 *
 * @param role leader, follower, candidate, learner, none (in no cluster) or removed
 * @param leaderId 0 when it knows of no leader
 * @param commitIndex how far it knows the log to be committed
 * @param appliedIndex how far its Redis has the log
 * @param serving true when its Redis is there and close behind the log
 * @param raftAddress where other nodes' Raft connects to it; empty when it did not say
 * @param redis state of the local Redis, in words
 * @param digest what became of the last comparison of its data with that of others: empty, or a
 *     word and the entry behind which they were compared
 */
public record NodeStatus(
    int id,
    String clusterId,
    String role,
    long term,
    int leaderId,
    long commitIndex,
    long appliedIndex,
    boolean serving,
    String clientAddress,
    String raftAddress,
    String redisAddress,
    String redis,
    SnapshotState snapshot,
    String digest) {

  /** Of this node, now. */
  static NodeStatus of(
      NodeFile file, Optional<Replication> replication, SidecarConfig config, ClusterHost host) {
    Optional<GroupView> group = replication.map(r -> r.raft().group());
    return new NodeStatus(
        file.nodeId(),
        file.clusterId(),
        group.map(GroupView::role).orElse(file.removed() ? "removed" : "none"),
        group.map(GroupView::term).orElse(0L),
        group.flatMap(GroupView::leader).map(Member::id).orElse(0),
        group.map(GroupView::commitIndex).orElse(0L),
        replication.map(r -> r.applier().appliedIndex()).orElse(0L),
        replication.map(r -> r.applier().isServing()).orElse(false),
        config.clientAddress(),
        group
            .flatMap(g -> g.member(file.nodeId()))
            .map(Member::raftAddress)
            .orElse(config.raftAddress()),
        host.redisAddress(),
        host.redisState(),
        host.snapshotState(),
        host.digestState());
  }

  /** Writes names and values as an array. */
  void write(ByteBuf out) {
    Map<String, String> fields = new LinkedHashMap<>();
    fields.put("id", Integer.toString(id));
    fields.put("cluster", clusterId);
    fields.put("role", role);
    fields.put("term", Long.toString(term));
    fields.put("leader", Integer.toString(leaderId));
    fields.put("commit", Long.toString(commitIndex));
    fields.put("applied", Long.toString(appliedIndex));
    fields.put("serving", Boolean.toString(serving));
    fields.put("address", clientAddress);
    fields.put("raft-address", raftAddress);
    fields.put("redis-address", redisAddress);
    fields.put("redis", redis);
    snapshot.addTo(fields);
    fields.put("digest", digest);
    Resp.writeArrayHeader(out, fields.size() * 2);
    fields.forEach(
        (name, value) -> {
          Resp.writeBulk(out, name);
          Resp.writeBulk(out, value);
        });
  }

  /**
   * Reads what {@link #write} wrote; unknown names are ignored.
   *
   * @throws IllegalArgumentException when it is something else
   */
  public static NodeStatus parse(RespValue reply) {
    if (reply instanceof RespValue.Error error) {
      throw new IllegalArgumentException(error.message());
    }
    List<RespValue> items = reply.asList();
    Map<String, String> fields = new LinkedHashMap<>();
    for (int i = 0; i + 1 < items.size(); i += 2) {
      fields.put(items.get(i).asString(), items.get(i + 1).asString());
    }
    return new NodeStatus(
        Integer.parseInt(fields.getOrDefault("id", "0")),
        fields.getOrDefault("cluster", ""),
        fields.getOrDefault("role", "none"),
        Long.parseLong(fields.getOrDefault("term", "0")),
        Integer.parseInt(fields.getOrDefault("leader", "0")),
        Long.parseLong(fields.getOrDefault("commit", "0")),
        Long.parseLong(fields.getOrDefault("applied", "0")),
        Boolean.parseBoolean(fields.getOrDefault("serving", "false")),
        fields.getOrDefault("address", ""),
        fields.getOrDefault("raft-address", ""),
        fields.getOrDefault("redis-address", ""),
        fields.getOrDefault("redis", ""),
        SnapshotState.of(fields),
        fields.getOrDefault("digest", ""));
  }
}
