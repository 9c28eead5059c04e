package io.ratissidecar.sidecar.raft;

import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;

/**
 * The clock of the log, which deadlines count from. It goes on from leader to leader at the pace of
 * their monotone clocks, whatever their wall clocks show: a follower keeps time by what it hears
 * from the leader. A node that was started does not know it, and shows its own wall clock, until it
 * hears of it or leads a group in which nobody knows it. A leader brings the log's clock towards
 * its wall clock as slowly as NTP does, so that a key with an hour to live is off by two seconds at
 * most.
 *
 * <p>Any thread.
 */
public final class LogClock {
  private static final long NANOS_PER_MILLI = TimeUnit.MILLISECONDS.toNanos(1);

  /** The fastest correction, parts in 1: 500 ppm. */
  private static final double SLEW = 500e-6;

  private final LongSupplier wallMillis;
  private final LongSupplier nanoClock;
  private long anchorMillis;
  private long anchorNanos;
  private long steeredNanos;
  private double correctionMillis;
  private volatile boolean known;

  /** No entry, and nothing that was planned for one, is later. */
  private long latestMillis;

  LogClock(LongSupplier wallMillis, LongSupplier nanoClock) {
    this.wallMillis = wallMillis;
    this.nanoClock = nanoClock;
    this.steeredNanos = nanoClock.getAsLong();
    anchor(wallMillis.getAsLong());
  }

  /** What it shows, milliseconds since 1970; never earlier than any entry of the log. */
  public synchronized long millis() {
    return Math.max(latestMillis, running());
  }

  /** The clock for an entry of this leader; from now on it shows no earlier time. */
  synchronized long next() {
    latestMillis = millis();
    return latestMillis;
  }

  /** An entry of the log has this clock. */
  synchronized void logged(long entryMillis) {
    latestMillis = Math.max(latestMillis, entryMillis);
    if (entryMillis > running()) {
      anchor(entryMillis);
    }
  }

  /**
   * Whether it is the log's, and not only the wall clock of a node that was just started. Until it
   * is, no entry may have it.
   */
  public boolean isKnown() {
    return known;
  }

  /** That of a node that knows it shows this now. On a node that does not, or on a follower. */
  public synchronized void heard(long millis) {
    anchor(millis);
    known = true;
  }

  /** Nobody knows it, so it is what this node's shows. On the leader. */
  public void begin() {
    known = true;
  }

  /** Comes closer to the wall clock. On the leader, every now and then. */
  synchronized void steer() {
    long now = nanoClock.getAsLong();
    double most = (now - steeredNanos) * SLEW / NANOS_PER_MILLI;
    steeredNanos = now;
    double off = wallMillis.getAsLong() - running();
    correctionMillis += Math.max(-most, Math.min(most, off));
  }

  private void anchor(long millis) {
    anchorMillis = millis;
    anchorNanos = nanoClock.getAsLong();
    correctionMillis = 0;
  }

  private long running() {
    long elapsedNanos = nanoClock.getAsLong() - anchorNanos;
    return anchorMillis + elapsedNanos / NANOS_PER_MILLI + (long) correctionMillis;
  }
}
