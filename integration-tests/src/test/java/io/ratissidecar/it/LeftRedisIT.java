package io.ratissidecar.it;

import static io.ratissidecar.it.Replies.assertOk;
import static io.ratissidecar.it.Replies.assertText;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/** A managed Redis that a killed sidecar left running hangs when the next sidecar comes. */
@Tag("fault")
@ExtendWith(PrintLogsOnFailure.class)
class LeftRedisIT {
  private static final String HUNG = "it accepts connections but does not answer, and is started";

  @AutoClose private TestCluster cluster;
  private Node node;
  private ProcessHandle left;

  @BeforeEach
  void leaveRedis() throws Exception {
    cluster = TestCluster.of(1);
    node = cluster.leader();
    assertOk(node.call("RAFT", "SET", "left", "behind"));
    node.killSidecar();
    left = node.redis().orElseThrow();
  }

  @Test
  void when_it_hangs_then_it_is_killed_and_another_one_is_loaded_from_the_log() throws Exception {
    node.pauseRedis();
    node.start().awaitReady();
    assertText("behind", cluster.leader().call("RAFT", "GET", "left"));
    node.assertLogs(HUNG);
    assertFalse(node.runsRedis(left), "the one that hung is still there");
    assertNotEquals(left.pid(), node.redis().orElseThrow().pid());
    cluster.checkLogs();
  }

  @Test
  void when_it_hangs_and_the_node_is_told_to_stop_then_both_end() {
    node.pauseRedis();
    node.start();
    Poll.until("the sidecar has its directory", TestCluster.PATIENCE, this::isLocked);
    node.terminate();
    assertEquals(0, node.awaitExit(Duration.ofSeconds(20)));
    assertFalse(node.runsRedis(left), "a Redis that hangs was left behind");
    assertTrue(node.redis().isEmpty());
  }

  private boolean isLocked() throws IOException {
    try (FileChannel channel =
            FileChannel.open(node.dir().resolve("lock"), StandardOpenOption.WRITE);
        FileLock free = channel.tryLock()) {
      return free == null;
    }
  }
}
