package io.ratissidecar.sidecar.redis;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.lettuce.core.RedisException;
import java.nio.channels.ClosedChannelException;
import org.junit.jupiter.api.Test;

class RedisWordsTest {
  @Test
  void when_a_connection_ended_then_no_class_name_is_told() {
    RedisException closed = new RedisException(new ClosedChannelException());
    assertEquals("the connection was closed", RedisWords.of(closed));
    assertEquals("LOADING", RedisWords.of(new RedisException("LOADING")));
  }
}
