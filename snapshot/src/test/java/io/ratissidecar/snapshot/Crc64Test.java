package io.ratissidecar.snapshot;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.nio.charset.StandardCharsets;
import java.util.Random;
import org.junit.jupiter.api.Test;

class Crc64Test {
  @Test
  void when_the_check_value_is_computed_then_it_is_that_of_redis() {
    byte[] digits = "123456789".getBytes(StandardCharsets.US_ASCII);
    assertEquals(0xe9c6d914c4b8d9caL, Crc64.update(0, digits, 0, 9));
  }

  @Test
  void when_it_is_computed_in_pieces_then_it_is_the_same() {
    byte[] bytes = new byte[1000];
    Random random = new Random(1);
    random.nextBytes(bytes);
    long whole = Crc64.update(0, bytes, 0, bytes.length);
    for (int round = 0; round < 100; round++) {
      int cut = random.nextInt(bytes.length);
      long first = Crc64.update(0, bytes, 0, cut);
      assertEquals(whole, Crc64.update(first, bytes, cut, bytes.length - cut));
    }
  }
}
