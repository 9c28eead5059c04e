package io.ratissidecar.sidecar.expiry;

import java.util.List;

/**
 * What has to happen before a command, so that it meets no key whose deadline has passed.
 *
 * @param waits the command has to come again, see {@link Expirer#whenSettled}
 * @param before commands to put in front of it in the log; they end in the command's database
 */
public record Guard(boolean waits, List<byte[][]> before) {
  /** Nothing: the command takes its usual way. */
  public static final Guard NONE = new Guard(false, List.of());

  static final Guard WAIT = new Guard(true, List.of());

  /** Whether the command may go its usual way. */
  public boolean isNone() {
    return before.isEmpty();
  }

  /** The commands with these behind them. */
  public byte[][][] then(byte[][]... commands) {
    byte[][][] all = new byte[before.size() + commands.length][][];
    for (int i = 0; i < all.length; i++) {
      all[i] = i < before.size() ? before.get(i) : commands[i - before.size()];
    }
    return all;
  }
}
