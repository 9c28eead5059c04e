package io.ratissidecar.statemachine.resp;

import java.util.Random;

/** Seeded randomness for tests: a failing run names its seed, {@code -Dseed=} repeats it. */
final class Seeds {
  static final long SEED = Long.getLong("seed", new Random().nextLong());

  private Seeds() {}

  static Random random() {
    return new Random(SEED);
  }
}
