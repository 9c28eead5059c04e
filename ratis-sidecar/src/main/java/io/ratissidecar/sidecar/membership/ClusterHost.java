package io.ratissidecar.sidecar.membership;

import io.ratissidecar.sidecar.raft.ClusterIdentity;
import io.ratissidecar.sidecar.raft.Replication;
import java.io.IOException;

/** What membership needs of the process. */
public interface ClusterHost {
  /** Makes the replication of a cluster, not yet started. */
  Replication createReplication(ClusterIdentity identity);

  /** From now on this node's Redis follows the log. */
  void followed(Replication replication);

  /** True when the local Redis holds no key; blocks. */
  boolean redisIsEmpty() throws IOException;

  int reservedDatabase();

  String redisAddress();

  String redisState();

  SnapshotState snapshotState();
}
