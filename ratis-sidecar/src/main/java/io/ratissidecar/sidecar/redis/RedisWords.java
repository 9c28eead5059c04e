package io.ratissidecar.sidecar.redis;

import io.lettuce.core.RedisException;
import java.nio.channels.ClosedChannelException;
import java.util.Objects;
import java.util.Optional;
import java.util.stream.Stream;

/** What a failure of a connection to Redis says, in words for a person. */
final class RedisWords {
  private RedisWords() {}

  /** Lettuce passes on what its library says of a connection that has ended: a class name. */
  static String of(RedisException e) {
    boolean closed = causes(e).anyMatch(ClosedChannelException.class::isInstance);
    return closed ? "the connection was closed" : String.valueOf(e.getMessage());
  }

  /** What Redis says about user and password when they are wrong or missing. */
  static Optional<String> refusal(RedisException e) {
    return causes(e)
        .map(cause -> String.valueOf(cause.getMessage()))
        .filter(
            text ->
                text.startsWith("WRONGPASS")
                    || text.startsWith("NOAUTH")
                    || text.startsWith("NOPERM"))
        .map(text -> text + " (settings redis-user, redis-password)")
        .findFirst();
  }

  /** Whether Redis is there, and still reads its data from disk. */
  static boolean isLoading(RedisException e) {
    return causes(e).anyMatch(cause -> String.valueOf(cause.getMessage()).contains("LOADING"));
  }

  /** The failure, and what is behind it. */
  private static Stream<Throwable> causes(Throwable e) {
    return Stream.iterate(e, Objects::nonNull, Throwable::getCause);
  }
}
