package io.ratissidecar.sidecar.session;

import io.netty.buffer.ByteBuf;
import io.ratissidecar.sidecar.blocking.BlockedClients;
import io.ratissidecar.sidecar.config.SidecarConfig;
import io.ratissidecar.sidecar.expiry.Expirer;
import io.ratissidecar.sidecar.quota.MemoryQuota;
import io.ratissidecar.sidecar.raft.Failure;
import io.ratissidecar.sidecar.raft.Member;
import io.ratissidecar.sidecar.raft.Replication;
import io.ratissidecar.sidecar.resp.FrontLoop;
import io.ratissidecar.sidecar.resp.RespEndpoint;
import io.ratissidecar.statemachine.command.CommandTable;
import io.ratissidecar.statemachine.resp.Request;
import java.util.Optional;
import java.util.function.Consumer;

/** What sessions need of the node that they run in. Called on the front loop. */
public interface Services {
  SidecarConfig config();

  FrontLoop front();

  CommandTable commands();

  SessionRegistry sessions();

  /** Where clients' own commands go. */
  RespEndpoint localRedis();

  /** This node's part in a cluster; empty when it is in none. */
  Optional<Replication> replication();

  /** What ends keys; there is one when there is a replication. */
  Expirer expirer();

  /**
   * Why RAFT commands can't be taken at all, such as {@code NOCLUSTER No Raft Cluster}; empty when
   * they can.
   */
  Optional<String> refusal();

  /**
   * Why plain commands on data can't be taken either: this node was removed from its cluster, or
   * its data is being loaded. Empty when they can.
   */
  Optional<String> dataRefusal();

  /**
   * What the local Redis says while it is at work with a script for long, and so takes no other
   * command; else empty. It may be over since a moment ago: {@link #whenBusyAsked}.
   */
  Optional<String> busy();

  /** Whether the local Redis has had something of the log for a while and has not answered. */
  boolean isRedisLate();

  /** Runs the callback once the local Redis was asked anew whether it is busy. */
  void whenBusyAsked(Runnable callback);

  /** A client has set a setting of the local Redis to a number. */
  void redisSetting(String name, long value);

  /** How much memory data may take. */
  MemoryQuota quota();

  /** Those clients of this node that wait for data. */
  BlockedClients blocked();

  /** The leader to send commands to, when it is another node. */
  Optional<Member> remoteLeader();

  /** What becomes of clients once this node leads no more. */
  FormerLeader formerLeader();

  /** The one place where outcomes become error replies. */
  String failureText(Failure failure);

  /**
   * Runs a command of the sidecar's own: {@code RAFT.CLUSTER}, {@code RAFT.NODE}, {@code CLUSTER}
   * and the like.
   *
   * @param request a copy
   * @param reply called once, on the front loop, with a writer for the reply
   */
  void administer(Request request, Session session, Consumer<Consumer<ByteBuf>> reply);

  /** Version of the local Redis. */
  String redisVersion();

  /** True while this node leads its cluster, or is in none. */
  boolean isLeader();

  /** The text of {@code INFO raft}. */
  String infoRaft();

  /** The log's clock, or this node's when it is in no cluster; milliseconds since 1970. */
  long clockMillis();

  /** A monotone clock, nanoseconds. */
  long nanoTime();
}
