package io.ratissidecar.cli.demo;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.util.HashSet;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Which ports a demo uses. */
class PortPlanTest {
  @Test
  void when_planned_then_ports_are_where_the_help_says() {
    PortPlan ports = new PortPlan(7001, 3);
    assertEquals("127.0.0.1:7001", ports.clientAddress(1));
    assertEquals(7003, ports.client(3));
    assertEquals("127.0.0.1:7103", ports.redisAddress(3));
    assertEquals(17002, ports.raft(2));
  }

  @Test
  void when_there_are_as_many_nodes_as_allowed_then_no_port_is_used_twice() {
    PortPlan ports = new PortPlan(7001, PortPlan.MAX_NODES);
    Set<Integer> used = new HashSet<>();
    for (int node = 1; node <= PortPlan.MAX_NODES; node++) {
      ports.of(node).forEach(use -> assertTrue(used.add(use.port()), use.toString()));
    }
  }

  @ParameterizedTest
  @CsvSource({"0,3", "-5,3", "55534,3", "65536,1", "7001,0", "7001,10"})
  void when_it_can_not_be_then_it_is_refused(int basePort, int nodes) {
    assertThrows(IllegalArgumentException.class, () -> new PortPlan(basePort, nodes));
  }

  @Test
  void when_the_last_port_is_used_then_it_is_allowed() {
    assertEquals(65535, new PortPlan(55533, 3).raft(3));
  }

  @Test
  void when_somebody_listens_then_the_port_is_not_free() throws IOException {
    int port;
    try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      port = socket.getLocalPort();
      assertFalse(new PortPlan.Use(port, "test").isFree());
    }
    assertTrue(new PortPlan.Use(port, "test").isFree());
  }
}
