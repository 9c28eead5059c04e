package io.ratissidecar.statemachine.command;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;

import org.junit.jupiter.api.Test;

class KeySlotTest {

  @Test
  void slots_are_those_of_redis_cluster() {
    assertEquals(12739, slot("123456789")); // 0x31C3, the example of the specification
    assertEquals(12182, slot("foo"));
    assertEquals(5061, slot("bar"));
    assertEquals(0, slot(""));
  }

  @Test
  void only_a_hash_tag_counts() {
    assertEquals(slot("user1000"), slot("{user1000}.following"));
    assertEquals(slot("bar"), slot("foo{bar}{zap}"));
    assertEquals(slot("{bar"), slot("foo{{bar}}zap"));
    assertNotEquals(slot(""), slot("foo{}{bar}"));
    assertNotEquals(slot("bar"), slot("foo{bar"));
  }

  private static int slot(String key) {
    return KeySlot.of(key.getBytes(US_ASCII));
  }
}
