package io.ratissidecar.sidecar.config;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import org.junit.jupiter.api.Test;

class HostPortTest {
  @Test
  void when_there_is_a_host_and_a_port_then_it_is_read_and_written_back() {
    for (String text : List.of("localhost:1", "10.0.0.1:65535", "::1:6380")) {
      assertEquals(text, HostPort.parse(text).toString());
    }
    assertEquals(new HostPort("::1", 6380), HostPort.parse("::1:6380"));
  }

  @Test
  void when_a_part_is_missing_or_no_port_then_it_is_refused() {
    for (String text : List.of("", "host", ":1", "host:", "host:x", "host:0", "host:65536")) {
      assertTrue(HostPort.tryParse(text).isEmpty(), text);
    }
    var e = assertThrows(IllegalArgumentException.class, () -> HostPort.parse("host"));
    assertEquals("'host' is not host:port", e.getMessage());
  }
}
