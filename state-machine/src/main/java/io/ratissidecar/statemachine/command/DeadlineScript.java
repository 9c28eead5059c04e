package io.ratissidecar.statemachine.command;

import io.ratissidecar.statemachine.resp.Request;
import java.util.Collection;

/**
 * What Redis has no command for: deleting keys whose deadline has passed by the log's clock, and,
 * in version 6.2, asking for a deadline as it is kept.
 *
 * <p>Both scripts are part of the log, so they have to run alike on every version that a node may
 * have. Version 6.2 only tells how much time is left by its own clock; the deadline is known when
 * that clock stood still meanwhile.
 */
public final class DeadlineScript {
  private static final String STORED =
      "redis.replicate_commands() "
          + "local function stored(key) "
          + "local at = redis.pcall('PEXPIRETIME', key) "
          + "if type(at) == 'number' then return at end "
          + "while true do "
          + "local a = redis.call('TIME') "
          + "local left = redis.call('PTTL', key) "
          + "local b = redis.call('TIME') "
          + "local ms = a[1] * 1000 + math.floor(a[2] / 1000) "
          + "if ms == b[1] * 1000 + math.floor(b[2] / 1000) then "
          + "return left < 0 and left or ms + left end "
          + "end end ";

  /** Redis itself ends the key, so that subscribers and statistics hear of an expired one. */
  private static final byte[] EXPIRE =
      Args.ascii(
          STORED
              + "local up_to, gone = tonumber(ARGV[1]), 0 "
              + "for _, key in ipairs(KEYS) do "
              + "local at = stored(key) "
              + "if at >= 0 and at <= up_to then "
              + "redis.call('SET', key, '', 'PXAT', 1) "
              + "redis.call('EXISTS', key) "
              + "gone = gone + 1 "
              + "end end "
              + "return gone");

  private static final byte[] ASK = Args.ascii(STORED + "return stored(KEYS[1])");
  private static final byte[] EVAL = Args.ascii("EVAL");
  private static final byte[] PEXPIRETIME = Args.ascii("PEXPIRETIME");
  private static final byte[] SELECT = Args.ascii("SELECT");
  private static final byte[] ONE = Args.ascii("1");

  private DeadlineScript() {}

  /**
   * The command that deletes those of the keys whose deadline is at this time or before. The reply
   * is how many.
   *
   * @param upToMillis by the log's clock
   */
  public static byte[][] expire(Collection<byte[]> keys, long upToMillis) {
    byte[][] command = new byte[4 + keys.size()][];
    command[0] = EVAL;
    command[1] = EXPIRE;
    command[2] = Args.decimal(keys.size());
    int next = 3;
    for (byte[] key : keys) {
      command[next++] = key;
    }
    command[next] = Args.decimal(LogicalTime.toRedis(upToMillis));
    return command;
  }

  /** A command that answers as {@code PEXPIRETIME} does, on every version of Redis. */
  public static byte[][] stored(byte[] key) {
    return new byte[][] {EVAL, ASK, ONE, key};
  }

  /** The same question to a Redis that has the command. */
  public static byte[][] pexpiretime(byte[] key) {
    return new byte[][] {PEXPIRETIME, key};
  }

  /** Selects a database. */
  public static byte[][] select(int database) {
    return new byte[][] {SELECT, Args.decimal(database)};
  }

  /** Whether this is a command of {@link #expire}. */
  static boolean isExpire(Request r) {
    if (r.argCount() < 5 || r.argLength(1) != EXPIRE.length || !r.argIs(0, "EVAL")) {
      return false;
    }
    for (int i = 0; i < EXPIRE.length; i++) {
      if (r.buffer().getByte(r.argStart(1) + i) != EXPIRE[i]) {
        return false;
      }
    }
    return true;
  }
}
