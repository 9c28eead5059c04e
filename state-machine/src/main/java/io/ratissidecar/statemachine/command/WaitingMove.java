package io.ratissidecar.statemachine.command;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;

/**
 * {@code BLMOVE} and {@code BRPOPLPUSH} of a client that waits already. A source of another type is
 * nothing to it, as if it were empty; a destination of another type is an error that it hears of.
 * {@code LMOVE} says the same about both.
 */
public final class WaitingMove {
  private static final byte[] MOVE =
      Args.ascii(
          "if redis.call('TYPE',KEYS[1]).ok~='list' then return false end "
              + "return redis.pcall(ARGV[1],KEYS[1],KEYS[2],unpack(ARGV,2))");

  private WaitingMove() {}

  /**
   * A command that tells the two apart: null when there is nothing to move, and an error only for
   * the destination.
   *
   * @param attempt of a {@link Plan.Blocking}
   * @return null when it moves nothing
   */
  public static byte[][] of(byte[][] attempt) {
    String name = Args.text(attempt[0]).toUpperCase(Locale.ROOT);
    if (!name.equals("LMOVE") && !name.equals("RPOPLPUSH")) {
      return null;
    }
    List<byte[]> script =
        new ArrayList<>(
            List.of(Args.ascii("EVAL"), MOVE, Args.decimal(2), attempt[1], attempt[2], attempt[0]));
    script.addAll(Arrays.asList(attempt).subList(3, attempt.length));
    return script.toArray(byte[][]::new);
  }
}
