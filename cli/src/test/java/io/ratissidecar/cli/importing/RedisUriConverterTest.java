package io.ratissidecar.cli.importing;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.ratissidecar.sidecar.resp.RespEndpoint;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import picocli.CommandLine.TypeConversionException;

class RedisUriConverterTest {
  private final RedisUriConverter converter = new RedisUriConverter();

  @Test
  void when_it_has_user_and_password_then_both_are_decoded() {
    assertEquals(RespEndpoint.tcp("h", 1), converter.convert("redis://h:1"));
    assertEquals(RespEndpoint.tcp("h", 1), converter.convert("redis://h:1/"));
    assertEquals(
        new RespEndpoint("h", 1, Optional.of("me"), Optional.of("a@b:c+d")),
        converter.convert("redis://me:a%40b:c+d@h:1"));
    assertEquals(
        new RespEndpoint("h", 1, Optional.empty(), Optional.of("secret")),
        converter.convert("redis://:secret@h:1"));
  }

  @ParameterizedTest
  @ValueSource(strings = {"h:1", "redis://h", "redis://secret@h:1", "redis://u:secret@h"})
  void when_it_is_none_then_the_error_does_not_repeat_a_password(String text) {
    String error =
        assertThrows(TypeConversionException.class, () -> converter.convert(text)).getMessage();
    assertFalse(error.contains("secret"), error);
  }
}
