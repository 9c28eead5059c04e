package io.ratissidecar.sidecar.snapshot;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.ratissidecar.sidecar.UnusedPort;
import io.ratissidecar.sidecar.config.SidecarConfig;
import io.ratissidecar.sidecar.raft.ClusterIdentity;
import io.ratissidecar.sidecar.raft.Member;
import io.ratissidecar.sidecar.raft.Replication;
import io.ratissidecar.snapshot.SnapshotStore;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A node that leads a cluster of its own; what it is told by a leader is made up. */
class SnapshotInstallerTest {
  private static final ClusterIdentity IDENTITY =
      new ClusterIdentity("00112233445566778899aabbccddeeff", 1);

  @TempDir Path dir;
  private final ScheduledExecutorService loop = Executors.newSingleThreadScheduledExecutor();
  private final ExecutorService reader = Executors.newSingleThreadExecutor();
  private SidecarConfig config;
  private SnapshotStore store;
  private Replication replication;
  private SnapshotInstaller installer;

  @BeforeEach
  void start() throws Exception {
    config =
        SidecarConfig.of(
            Map.of(
                "dir", dir.toString(),
                "raft-port", Integer.toString(UnusedPort.next())));
    store = SnapshotStore.open(dir.resolve("snapshots"));
    installer =
        new SnapshotInstaller(
            config, store, () -> Integer.MAX_VALUE, step -> new CompletableFuture<>());
    lead();
    replication.close();
    lead(); // each leader begins with an entry
    assertTrue(committed() > 0, () -> "its last entry is " + committed());
  }

  private void lead() throws Exception {
    CountDownLatch leads = new CountDownLatch(1);
    replication =
        new Replication(
            config,
            IDENTITY,
            store,
            loop,
            reader,
            System::nanoTime,
            (member, answer) -> answer.accept(-1),
            new Replication.Listener() {
              @Override
              public void onLeaderChanged() {
                loop.execute(
                    () -> {
                      if (replication.raft().isLeaderReady()) {
                        leads.countDown();
                      }
                    });
              }

              @Override
              public void onSnapshotNeeded(Replication from, long firstAvailable) {}

              @Override
              public void onClosed() {}
            },
            (reason, cause) -> {
              throw new AssertionError(reason, cause);
            });
    replication.raft().clock().begin();
    replication.start(
        List.of(new Member(1, "127.0.0.1:1", "127.0.0.1:" + config.raftPort(), true)), false);
    assertTrue(leads.await(30, TimeUnit.SECONDS), "it does not lead");
  }

  @AfterEach
  void stop() throws IOException {
    installer.close();
    replication.close();
    loop.shutdownNow();
    reader.shutdownNow();
  }

  private long committed() {
    return replication.raft().group().commitIndex();
  }

  @Test
  void when_it_ends_right_before_the_leaders_first_entry_then_it_fetches_a_snapshot() {
    assertTrue(installer.install(replication, committed() + 1));
  }

  @Test
  void when_it_has_the_leaders_first_entry_then_it_needs_no_snapshot() {
    assertFalse(installer.install(replication, committed()));
    assertTrue(installer.install(replication, committed() + 1), "nothing was under way");
  }

  @Test
  void when_one_is_being_fetched_then_it_is_not_fetched_twice() {
    assertTrue(installer.install(replication, committed() + 10));
    assertFalse(installer.install(replication, committed() + 10));
    assertEquals(0, installer.received());
  }
}
