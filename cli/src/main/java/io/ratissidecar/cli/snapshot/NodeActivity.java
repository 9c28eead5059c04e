package io.ratissidecar.cli.snapshot;

import io.ratissidecar.cli.client.NodeClient;
import io.ratissidecar.cli.client.Progress;
import io.ratissidecar.statemachine.resp.RespValue;
import java.io.IOException;
import java.time.Duration;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;

/**
 * Shows what a node says of its snapshot while a command that takes long waits for it; nothing in
 * the first two seconds, nor where nobody looks. A thread of its own asks the node.
 */
final class NodeActivity {
  /** What a node may need for any of it. */
  static final Duration LONG = Duration.ofHours(24);

  private static final long FIRST_MILLIS = 2000;
  private static final long NEXT_MILLIS = 500;

  private final Progress progress;
  private final ScheduledExecutorService thread =
      Executors.newSingleThreadScheduledExecutor(
          work -> {
            Thread asker = new Thread(work, "node-activity");
            asker.setDaemon(true);
            return asker;
          });

  NodeActivity(NodeClient client, String node, Progress progress) {
    this.progress = progress;
    if (progress.isVisible()) {
      thread.scheduleWithFixedDelay(
          () ->
              client
                  .tryStatus(node)
                  .map(status -> status.snapshot().activity())
                  .filter(activity -> !activity.isEmpty())
                  .ifPresent(progress::show),
          FIRST_MILLIS,
          NEXT_MILLIS,
          TimeUnit.MILLISECONDS);
    }
  }

  /** What takes long. */
  interface Question {
    RespValue ask() throws IOException;
  }

  /** Asks, and shows what the node does until it answers. */
  RespValue during(Question question) throws IOException {
    try {
      return question.ask();
    } finally {
      end();
    }
  }

  private void end() {
    thread.shutdownNow();
    try {
      thread.awaitTermination(NEXT_MILLIS, TimeUnit.MILLISECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    progress.clear();
  }
}
