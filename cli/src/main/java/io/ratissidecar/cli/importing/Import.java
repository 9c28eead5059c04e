package io.ratissidecar.cli.importing;

import static java.nio.charset.StandardCharsets.US_ASCII;

import io.ratissidecar.sidecar.resp.RespEndpoint;
import io.ratissidecar.snapshot.RdbKeys;
import java.io.IOException;
import java.io.InputStream;
import java.util.List;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;

/**
 * Copies a Redis into a cluster: all keys as they are at one offset of the source's replication
 * stream, then the commands behind that offset. For one thread.
 */
final class Import {
  private static final int MOST_COMMANDS = 1000;
  private static final int MOST_BYTES = 1 << 20;
  private static final long HEARTBEAT_MILLIS = 1000;

  private final RespEndpoint from;
  private final LeaderLink link;
  private final Pace pace;
  private final ImportStatus status;
  private final Consumer<String> warnings;
  private final BooleanSupplier stopping;

  Import(
      RespEndpoint from,
      LeaderLink link,
      Pace pace,
      ImportStatus status,
      Consumer<String> warnings,
      BooleanSupplier stopping) {
    this.from = from;
    this.link = link;
    this.pace = pace;
    this.status = status;
    this.warnings = warnings;
    this.stopping = stopping;
  }

  /**
   * Runs until it is told to stop.
   *
   * @param once whether it stops by itself at the offset that the source has when all keys are
   *     there
   * @param merge whether the cluster may hold keys already
   * @throws StoppedException when it is told to stop before all keys are there
   */
  void run(boolean once, boolean merge) throws IOException {
    try (SourceInfo info = SourceInfo.connect(from)) {
      link.reconnect();
      if (!merge) {
        requireEmpty();
      }
      long keys = info.keys();
      try (ReplicationLink source = ReplicationLink.connect(from, stopping)) {
        ReplicationLink.Start start = source.synchronise();
        status.loading(keys, System.nanoTime());
        ScheduledExecutorService timer =
            Executors.newSingleThreadScheduledExecutor(r -> new Thread(r, "import-heartbeat"));
        try {
          timer.scheduleWithFixedDelay(
              () -> heartbeat(source, info),
              HEARTBEAT_MILLIS,
              HEARTBEAT_MILLIS,
              TimeUnit.MILLISECONDS);
          load(source.rdb());
          source.beginCommands();
          status.following(start.offset(), System.nanoTime());
          source.acknowledge(start.offset()); // only then do the commands begin to come
          follow(source, start, once ? info.offset() : Long.MAX_VALUE);
        } finally {
          timer.shutdownNow();
        }
      }
    }
  }

  private void requireEmpty() throws IOException {
    String info =
        link.repeat(0, "INFO".getBytes(US_ASCII), "keyspace".getBytes(US_ASCII)).asString();
    long keys = SourceInfo.keys(info);
    if (keys > 0) {
      throw new IllegalStateException(
          "the cluster holds "
              + keys
              + " keys already. What they lack of the source's would not be told from what the"
              + " source has deleted: empty it with RAFT FLUSHALL, or add to it with --merge");
    }
  }

  private void heartbeat(ReplicationLink source, SourceInfo info) {
    try {
      if (status.phase() == ImportStatus.Phase.FOLLOWING) {
        source.acknowledge(status.offset());
        status.sourceAt(info.offset());
      } else {
        source.keepAlive();
      }
    } catch (IOException e) {
      // Whoever reads from the source finds out, too.
    }
  }

  private void load(InputStream rdb) throws IOException {
    KeyWriter writer = new KeyWriter(link, pace, status, warnings);
    try {
      RdbKeys.read(rdb, writer);
    } catch (StoppedException e) {
      writer.finish();
      throw e;
    }
    writer.finish();
  }

  private void follow(ReplicationLink source, ReplicationLink.Start start, long until)
      throws IOException {
    CommandStream stream = new CommandStream(start.offset());
    Blocks blocks = new Blocks(stream, pace.most(MOST_COMMANDS), MOST_BYTES);
    StreamWriter writer = new StreamWriter(link, start.id(), warnings);
    try {
      while (status.offset() < until && !stopping.getAsBoolean()) {
        List<List<SourceCommand>> round = blocks.next();
        pace.take(round.stream().mapToInt(List::size).sum());
        for (List<SourceCommand> block : round) {
          writer.run(block);
          status.commandsDone(block.size(), System.nanoTime());
        }
        status.reached(blocks.endOffset());
        if (stream.takeAcknowledgementWanted()) {
          source.acknowledge(status.offset());
        }
        if (round.isEmpty()) {
          source.receive(stream);
        }
      }
    } catch (StoppedException e) {
      // What was under way is complete; what follows has not begun.
    } finally {
      writer.removePosition();
    }
  }
}
