package io.ratissidecar.statemachine.apply;

import java.util.Optional;

/**
 * How far the data in a Redis has come, as the Redis itself says. Kept in the reserved database, so
 * that it is part of the very state that it describes, also inside an RDB or AOF file.
 *
 * <p>Each entry is applied between a write of {@link #BEGIN_KEY} and one of {@link #APPLIED_KEY}.
 * Only when both name the same index is the state exactly that entry's.
 *
 * @param clusterId the cluster whose log this state comes from
 * @param begun index of the last entry whose application began
 * @param applied index of the last entry that was applied whole
 * @param term term of the entry at {@code applied}
 */
public record AppliedMarker(String clusterId, long begun, long applied, long term) {
  /** Holds the index of the entry that was begun last. */
  public static final String BEGIN_KEY = "ratis-sidecar:begin";

  /** Holds {@code index term cluster-id} of the entry that was applied last. */
  public static final String APPLIED_KEY = "ratis-sidecar:applied";

  /** True when the state is exactly that after entry {@link #applied}. */
  public boolean isWhole() {
    return begun == applied;
  }

  /** The text kept under {@link #APPLIED_KEY}. */
  public static String appliedValue(long index, long term, String clusterId) {
    return index + " " + term + " " + clusterId;
  }

  /**
   * Reads the two values.
   *
   * @param begin value of {@link #BEGIN_KEY}, null when the key is missing
   * @param applied value of {@link #APPLIED_KEY}, null when the key is missing
   * @return empty when Redis holds no marker at all
   * @throws IllegalArgumentException when the values are not ours
   */
  public static Optional<AppliedMarker> parse(String begin, String applied) {
    if (begin == null && applied == null) {
      return Optional.empty();
    }
    try {
      long begun = begin == null ? 0 : Long.parseLong(begin);
      if (applied == null) {
        return Optional.of(new AppliedMarker("", begun, 0, 0));
      }
      String[] fields = applied.split(" ", -1);
      if (fields.length != 3) {
        throw new IllegalArgumentException(
            "applied marker has " + fields.length + " fields: " + applied);
      }
      return Optional.of(
          new AppliedMarker(
              fields[2], begun, Long.parseLong(fields[0]), Long.parseLong(fields[1])));
    } catch (NumberFormatException e) {
      throw new IllegalArgumentException("not an applied marker: " + begin + " / " + applied, e);
    }
  }
}
