package io.ratissidecar.cli.client;

import static org.junit.jupiter.api.Assertions.assertEquals;

import org.junit.jupiter.api.Test;

class UnitsTest {
  @Test
  void when_amounts_are_large_then_they_get_larger_units() {
    assertEquals("0 B", Units.bytes(0));
    assertEquals("999 B", Units.bytes(999));
    assertEquals("1.25 KB", Units.bytes(1250));
    assertEquals("12.5 MB", Units.bytes(12_500_000));
    assertEquals("125 GB", Units.bytes(125_000_000_000L));
    assertEquals("5000 TB", Units.bytes(5_000_000_000_000_000L));
  }

  @Test
  void when_it_is_long_ago_then_the_unit_is_larger() {
    assertEquals("119 s", Units.age(119));
    assertEquals("2 min", Units.age(120));
    assertEquals("119 min", Units.age(7199));
    assertEquals("47 h", Units.age(172_799));
    assertEquals("3 d", Units.age(3 * 86_400));
  }
}
