package io.ratissidecar.sidecar.membership;

import io.ratissidecar.sidecar.raft.ClusterIdentity;
import io.ratissidecar.sidecar.raft.Member;
import io.ratissidecar.sidecar.raft.Replication;
import java.io.IOException;
import java.nio.file.Path;

/** What membership needs of the process. */
public interface ClusterHost {
  /** Makes the replication of a cluster, not yet started. */
  Replication createReplication(ClusterIdentity identity);

  /** From now on this node's Redis follows the log. */
  void followed(Replication replication);

  /** True when the local Redis holds no key; blocks. */
  boolean redisIsEmpty() throws IOException;

  /**
   * Makes what an RDB holds the data that a new cluster begins with. Blocks.
   *
   * @param self the cluster's only member
   * @throws io.ratissidecar.snapshot.InvalidSnapshotException when that can't be; says why
   */
  void seed(Path rdb, ClusterIdentity identity, Member self) throws IOException;

  /** Deletes what {@link #seed} made for a cluster that came to nothing. Blocks. */
  void deleteSeeds() throws IOException;

  int reservedDatabase();

  String redisAddress();

  String redisState();

  SnapshotState snapshotState();

  /** What became of the last comparison of this node's data with that of others, in words. */
  String digestState();
}
