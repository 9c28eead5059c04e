package io.ratissidecar.sidecar.raft;

import io.ratissidecar.statemachine.apply.CommandApplier;
import io.ratissidecar.statemachine.entry.VoidedCommand;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Finds the entry that Redis does not survive. It is part of the log: every node's Redis ends with
 * it, and again after each start, until the log says that it is void. See docs/adr/0018.
 *
 * <p>When Redis ends, it is one of those that were on their way: of several of them the last
 * replies are lost. From one end to the next the range becomes smaller, and in it entries are sent
 * one by one.
 *
 * <p>Confined to the front loop, but for {@link #isSuspected()} and {@link #found}.
 */
public final class DeadlyEntry {
  private static final Logger LOG = LoggerFactory.getLogger(DeadlyEntry.class);

  /** Somebody may have ended Redis for another reason, and that twice. */
  private static final int DEATHS = 3;

  /** So often in one place is no accident any more: from then on it is looked for. */
  private static final int DEATHS_TO_LOOK = 2;

  /** It is one of these. */
  private long first;

  private long last;

  private int deaths;

  /** How often Redis has ended with the first of them alone on its way. */
  private int alone;

  /** The last entry with which Redis ended as the first on its way; never behind {@link #first}. */
  private long partly;

  /**
   * How many commands of that entry Redis has answered at the most before it ended: it has not
   * ended with these, and clients have heard of them.
   */
  private int survived;

  private volatile boolean suspected;
  private volatile Found found;

  /**
   * What was found.
   *
   * @param index of the entry
   * @param deaths how often Redis has ended with nothing else on its way
   * @param commands of it that may have been the reason
   */
  public record Found(long index, int deaths, List<VoidedCommand> commands) {}

  /** Redis has ended by itself, or somebody has ended it, with this on its way. */
  void redisDied(CommandApplier redis) {
    OptionalLong underWay = redis.firstUnderWay();
    if (underWay.isEmpty()) {
      return;
    }
    long from = underWay.getAsLong();
    long to = redis.lastSent();
    if (deaths > 0 && from <= last && to >= first) {
      first = Math.max(first, from);
      last = Math.min(last, to);
    } else {
      forget();
      first = from;
      last = to;
    }
    if (from > partly) {
      partly = from;
      survived = 0;
    }
    if (from == partly) {
      survived = Math.max(survived, redis.answeredOfFirst());
    }
    deaths++;
    suspected = deaths >= DEATHS_TO_LOOK;
    alone = from == to ? alone + 1 : 0;
    if (alone >= DEATHS) {
      List<VoidedCommand> commands = redis.suspects(survived);
      if (commands.isEmpty()) {
        found = null;
        LOG.error(
            "The local Redis has ended {} times with nothing but entry {} on its way, of which nothing is left that could be"
                + " the reason: something else ends it. Its own log, and the system's, may tell",
            alone,
            first);
        return;
      }
      if (found == null) {
        LOG.error(
            "The local Redis has ended {} times with nothing but entry {} on its way. Its own log may tell why. SCRIPT KILL"
                + " at the leader (behind RAFT in explicit mode) leaves that entry's scripts out, on every node; where it"
                + " has none, all of its commands",
            alone,
            first);
      }
      found = new Found(first, alone, commands);
    }
  }

  /** Redis has answered everything up to the index, or has come back with it. */
  void acknowledged(long index) {
    if (deaths > 0 && index >= last) {
      forget();
    } else if (deaths > 0 && index >= first) {
      first = index + 1;
      alone = 0;
      found = null;
    }
  }

  private void forget() {
    deaths = 0;
    alone = 0;
    partly = 0;
    survived = 0;
    suspected = false;
    found = null;
  }

  /** Whether an entry has to be on its way alone. */
  boolean isSuspected(long index) {
    return suspected && index >= first;
  }

  /** Whether Redis has ended in one place again and again: nobody is to rely on it. Any thread. */
  boolean isSuspected() {
    return suspected;
  }

  /** The entry, once it is known. Any thread. */
  Optional<Found> found() {
    return Optional.ofNullable(found);
  }
}
