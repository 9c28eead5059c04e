package io.ratissidecar.sidecar.quota;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.ratissidecar.sidecar.raft.Failure;
import io.ratissidecar.sidecar.raft.Replication;
import io.ratissidecar.sidecar.raft.ReplyReceiver;
import io.ratissidecar.statemachine.command.CommandSpec;
import io.ratissidecar.statemachine.resp.Resp;
import java.nio.charset.StandardCharsets;
import java.util.Optional;
import java.util.function.Supplier;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Whether commands that take memory may go into the log. Only the leader asks, before it proposes:
 * each Redis by itself would refuse at another moment, and so have other data. What is in the log
 * is applied whatever it takes.
 *
 * <p>Redis is asked ten times a second, so that data may outgrow the quota by what is written in
 * between. Confined to the front loop.
 */
public final class MemoryQuota {
  /** In Redis's words. */
  public static final String EXCEEDED = "OOM command not allowed when used memory > 'maxmemory'.";

  private static final Pattern USED = Pattern.compile("(?m)^used_memory:(\\d+)\r?$");

  /** Buffers of replicas, which Redis itself does not count either. */
  private static final Pattern NOT_COUNTED =
      Pattern.compile("(?m)^mem_not_counted_for_evict:(\\d+)\r?$");

  private final long maxBytes;
  private final Supplier<Optional<Replication>> replication;
  private boolean exceeded;
  private boolean asking;

  /**
   * @param maxBytes 0 for no limit
   */
  public MemoryQuota(long maxBytes, Supplier<Optional<Replication>> replication) {
    this.maxBytes = maxBytes;
    this.replication = replication;
  }

  /** Looks at the leader's Redis; call it about ten times a second. */
  public void tick() {
    Optional<Replication> leading =
        replication.get().filter(r -> r.raft().group().isLeaderReady() && !r.isClosed());
    if (leading.isEmpty()) {
      exceeded = false; // by the time that this node leads again it may not be true any more
    }
    if (maxBytes == 0 || asking || leading.isEmpty()) {
      return;
    }
    asking = true;
    ByteBuf command = Unpooled.buffer(32);
    Resp.command(command, "INFO", "memory");
    leading
        .get()
        .applier()
        .read(
            0,
            2,
            command,
            new ReplyReceiver() {
              @Override
              public void reply(ByteBuf frame) {
                asking = false;
                exceeded =
                    leading.get().raft().group().isLeaderReady()
                        && used(frame.toString(StandardCharsets.US_ASCII)) > maxBytes;
              }

              @Override
              public void failed(Failure failure) {
                asking = false; // what is written now waits for Redis anyway
              }
            });
  }

  /** What Redis counts, bytes; 0 when it does not say. */
  static long used(String info) {
    return number(USED, info) - number(NOT_COUNTED, info);
  }

  private static long number(Pattern field, String info) {
    Matcher matcher = field.matcher(info);
    return matcher.find() ? Long.parseLong(matcher.group(1)) : 0;
  }

  /** Whether the data takes more than it may. */
  public boolean isExceeded() {
    return exceeded;
  }

  /**
   * Whether the command can't be taken now: it may need memory, and there is too much already. A
   * script is told, and refuses what it may not call.
   */
  public boolean denies(CommandSpec command) {
    return exceeded && command.flags().contains("denyoom");
  }
}
