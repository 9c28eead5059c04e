package io.ratissidecar.sidecar.membership;

import io.ratissidecar.sidecar.config.SidecarConfig;
import io.ratissidecar.sidecar.raft.ClusterIdentity;
import io.ratissidecar.sidecar.raft.FatalHandler;
import io.ratissidecar.sidecar.raft.Member;
import io.ratissidecar.sidecar.raft.Replication;
import io.ratissidecar.snapshot.InvalidSnapshotException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * This node's part in a cluster, on disk and running: {@code node.properties} and the replication
 * that belongs to it change together. In no cluster → in one → seen in its configuration → removed.
 *
 * <p>Changes are asked for on the front loop; what blocks runs on the thread {@code membership},
 * which this class owns. Reading is for any thread.
 */
final class Participation {
  private static final Logger LOG = LoggerFactory.getLogger(Participation.class);

  /** What is being started when the node stops is closed as well, if it does not take longer. */
  private static final long LAST_WORK_MILLIS = 1000;

  private final SidecarConfig config;
  private final ClusterHost host;
  private final FatalHandler fatal;
  private final ExecutorService executor =
      Executors.newSingleThreadExecutor(work -> new Thread(work, "membership"));
  private volatile NodeFile file;
  private volatile Replication replication;
  private volatile boolean stopping;

  Participation(SidecarConfig config, ClusterHost host, FatalHandler fatal) {
    this.config = config;
    this.host = host;
    this.fatal = fatal;
  }

  /** Goes on with the cluster that the directory belongs to, if any. Blocks. */
  void start() throws IOException {
    file = NodeFile.read(config.dir());
    if (config.id() != 0 && file.nodeId() != 0 && config.id() != file.nodeId()) {
      throw new IOException(
          "'id' is " + config.id() + ", but " + config.dir() + " belongs to node " + file.nodeId());
    }
    if (!file.clusterId().isEmpty() && !file.removed()) {
      startReplication(new ClusterIdentity(file.clusterId(), file.nodeId()), file.members());
    }
  }

  private Replication startReplication(ClusterIdentity identity, List<Member> members)
      throws IOException {
    Replication created = host.createReplication(identity);
    try {
      created.start(members, file.joined());
    } catch (IOException | RuntimeException e) {
      created.close();
      throw e;
    }
    replication = created;
    host.followed(created);
    return created;
  }

  /**
   * Closes the replication and begins anew, from what is on disk then.
   *
   * @param between runs while there is none
   * @return completes when the new one runs; fails when that does not come to pass
   */
  CompletableFuture<Void> restart(RestartStep between) {
    CompletableFuture<Void> done = new CompletableFuture<>();
    try {
      executor.execute(() -> beginAnew(between, done));
    } catch (RejectedExecutionException e) {
      done.completeExceptionally(new IOException("this node stops", e));
    }
    return done;
  }

  private void beginAnew(RestartStep between, CompletableFuture<Void> done) {
    Replication former = replication;
    if (former == null || stopping) {
      done.completeExceptionally(new IOException("this node stops, or is in no cluster any more"));
      return;
    }
    try {
      former.close();
      between.run();
      startReplication(former.raft().identity(), file.members());
      // Who stopped or removed this node meanwhile may have seen the former one only.
      if (stopping || file.removed()) {
        Replication created = replication;
        replication = file.removed() ? null : created;
        if (created != null) {
          created.close();
        }
      }
      done.complete(null);
    } catch (IOException | RuntimeException | Error e) {
      done.completeExceptionally(e);
      if (!stopping) {
        fatal.stop("can't go on from a snapshot", e);
      }
    }
  }

  NodeFile file() {
    return file;
  }

  /** Empty in no cluster, and once this node was removed. */
  Optional<Replication> replication() {
    return Optional.ofNullable(replication);
  }

  /**
   * Becomes part of a cluster. Repeating it is fine; fails with {@link RefusedException}.
   *
   * @param rdb what the cluster begins with, where this node is the first one
   */
  CompletableFuture<Replication> begin(
      ClusterIdentity identity, List<Member> members, Optional<Path> rdb) {
    CompletableFuture<Replication> done = new CompletableFuture<>();
    executor.execute(
        () -> {
          try {
            done.complete(become(identity, members, rdb));
          } catch (RefusedException e) {
            done.completeExceptionally(e);
          } catch (InvalidSnapshotException e) {
            done.completeExceptionally(
                new RefusedException("ERR " + e.getMessage() + ". Nothing was changed"));
          } catch (IOException | RuntimeException e) {
            LOG.error("Becoming part of a cluster failed", e);
            done.completeExceptionally(new RefusedException("ERR " + e.getMessage()));
          }
        });
    return done;
  }

  private Replication become(ClusterIdentity identity, List<Member> members, Optional<Path> rdb)
      throws IOException {
    if (replication != null) {
      return replication; // an earlier attempt came this far
    }
    if (!host.redisIsEmpty()) {
      throw new RefusedException(
          "ERR the local Redis is not empty. A node starts with an empty one, since it will hold the cluster's data");
    }
    host.deleteSeeds(); // this process, or one before it, may have died behind the next line
    if (rdb.isPresent()) {
      host.seed(rdb.get(), identity, members.get(0));
    }
    if (stopping) {
      throw new RefusedException("ERR this node is stopping");
    }
    NodeFile before = file;
    NodeFile next = before.inCluster(identity.clusterId(), identity.nodeId(), members);
    next.write(config.dir());
    file = next;
    try {
      return startReplication(identity, members);
    } catch (IOException | RuntimeException e) {
      // Nothing was acknowledged yet. Another attempt may be for another cluster.
      file = before;
      before.write(config.dir());
      host.deleteSeeds();
      delete(config.dir().resolve("raft"));
      delete(config.dir().resolve("log"));
      throw e;
    }
  }

  private static void delete(Path tree) throws IOException {
    if (!Files.exists(tree)) {
      return;
    }
    try (Stream<Path> files = Files.walk(tree)) {
      for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
        Files.delete(file);
      }
    }
  }

  /** This node has seen itself in a committed configuration. */
  void joined() {
    NodeFile next = file.asJoined();
    file = next;
    record(next, "can't record that this node is part of its cluster", () -> {});
  }

  /** The cluster has removed this node: it takes no more commands, now and after a restart. */
  void removed() {
    if (file.removed()) {
      return;
    }
    LOG.warn("This node ({}) was removed from cluster {}", file.nodeId(), file.clusterId());
    NodeFile next = file.asRemoved();
    file = next;
    Replication former = replication;
    replication = null;
    record(
        next,
        "can't record that this node was removed from its cluster",
        () -> {
          if (former != null) {
            former.close();
          }
        });
  }

  private interface Step {
    void run() throws IOException;
  }

  private void record(NodeFile next, String problem, Step then) {
    executor.execute(
        () -> {
          try {
            next.write(config.dir());
            then.run();
          } catch (IOException e) {
            fatal.stop(problem, e);
          }
        });
  }

  /** For other work that blocks. */
  Executor executor() {
    return executor;
  }

  boolean isStopping() {
    return stopping;
  }

  /** Leaves the group's protocol; the node remains a member. Blocks. */
  void stop() throws IOException {
    stopping = true;
    executor.shutdown();
    try {
      executor.awaitTermination(LAST_WORK_MILLIS, TimeUnit.MILLISECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    Replication current = replication;
    if (current != null) {
      current.close();
    }
  }
}
