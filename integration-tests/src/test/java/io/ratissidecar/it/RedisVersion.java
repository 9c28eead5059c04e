package io.ratissidecar.it;

import java.util.Arrays;
import java.util.stream.Stream;

/** Which Redis the nodes of a cluster run. */
enum RedisVersion {
  /** The bundled one, 6.2: the oldest that will do, which tells much by its own clock only. */
  OLDEST("--redis-server", "bundled"),

  /** The one on the path. */
  INSTALLED;

  private final String[] settings;

  RedisVersion(String... settings) {
    this.settings = settings;
  }

  /** The settings of nodes that run it, with these behind. */
  String[] with(String... more) {
    return Stream.concat(Arrays.stream(settings), Arrays.stream(more)).toArray(String[]::new);
  }
}
