package io.ratissidecar.sidecar.snapshot;

import io.ratissidecar.sidecar.raft.ClusterIdentity;
import io.ratissidecar.sidecar.raft.Member;
import io.ratissidecar.sidecar.redis.LocalRedis;
import io.ratissidecar.snapshot.InvalidSnapshotException;
import io.ratissidecar.snapshot.RdbFile;
import io.ratissidecar.snapshot.RdbRewrite;
import io.ratissidecar.snapshot.SnapshotDraft;
import io.ratissidecar.snapshot.SnapshotManifest;
import io.ratissidecar.snapshot.SnapshotStore;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/**
 * Makes the snapshot that a new cluster begins with of any Redis's RDB. One thread seeds; {@link
 * #bytesWritten} is for any.
 */
final class SnapshotSeeder {
  private static final String UNKNOWN_VERSION = "?";

  private final SnapshotStore store;
  private final LocalRedis redis;
  private volatile SnapshotDraft draft;

  SnapshotSeeder(SnapshotStore store, LocalRedis redis) {
    this.store = store;
    this.redis = redis;
  }

  /**
   * Publishes the snapshot; nothing is left of it when that fails. Blocks, and needs little memory,
   * whatever the size.
   *
   * @param reservedDatabase the last one of the local Redis
   * @param self the only member
   * @throws InvalidSnapshotException when the file can't be read, or a cluster can't begin with
   *     what it holds; says what to do
   */
  void seed(Path rdb, int reservedDatabase, ClusterIdentity identity, Member self)
      throws IOException {
    if (!Files.isRegularFile(rdb) || !Files.isReadable(rdb)) {
      throw new InvalidSnapshotException(
          rdb
              + " is no file that the node at "
              + self.clientAddress()
              + " can read. It must be on that node's machine, and readable for the user that the"
              + " node runs as");
    }
    int loadable = redis.rdbVersion();
    try (SnapshotDraft begun = store.begin()) {
      draft = begun;
      RdbFile file =
          RdbRewrite.seed(
              rdb,
              begun.out(),
              reservedDatabase,
              identity.clusterId(),
              SnapshotManifest.SEED_TERM,
              SnapshotManifest.SEED_INDEX);
      if (file.version() > loadable) {
        throw new InvalidSnapshotException(
            String.format(
                "%s has version %d of the RDB format, and the local Redis, %s, can load up to %d. Give"
                    + " each node a Redis as new as the one that wrote the file",
                rdb, file.version(), redis.version(), loadable));
      }
      begun.publish(
          identity.clusterId(),
          SnapshotManifest.SEED_INDEX,
          List.of(self.format()),
          UNKNOWN_VERSION);
    } finally {
      draft = null;
    }
  }

  /** Bytes written of the snapshot that is being made; -1 when none is. Any thread. */
  long bytesWritten() {
    SnapshotDraft current = draft;
    return current == null ? -1 : current.bytes();
  }
}
