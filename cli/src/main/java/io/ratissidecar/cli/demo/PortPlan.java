package io.ratissidecar.cli.demo;

import io.ratissidecar.sidecar.config.FreePort;
import java.io.IOException;
import java.util.List;

/**
 * Which port belongs to what: sidecars from the base port upwards, the Redis of each 100 above it,
 * its Raft port 10,000 above it. Nodes are numbered from 1.
 */
record PortPlan(int basePort, int nodes) {
  static final int MAX_NODES = 9;
  private static final String LOOPBACK = "127.0.0.1";
  private static final int REDIS_OFFSET = 100;
  private static final int RAFT_OFFSET = 10_000;
  private static final int LAST_PORT = 65_535;

  /**
   * Checks that all ports exist.
   *
   * @throws IllegalArgumentException saying what is allowed
   */
  PortPlan {
    if (nodes < 1 || nodes > MAX_NODES) {
      throw new IllegalArgumentException(
          "--nodes is " + nodes + "; it must be a number from 1 to " + MAX_NODES);
    }
    int last = LAST_PORT - RAFT_OFFSET - nodes + 1;
    if (basePort < 1 || basePort > last) {
      throw new IllegalArgumentException(
          "--base-port is "
              + basePort
              + "; with "
              + nodes
              + " nodes it must be a number from 1 to "
              + last
              + ", since Raft uses the port + "
              + RAFT_OFFSET);
    }
  }

  int client(int node) {
    return basePort + node - 1;
  }

  int redis(int node) {
    return client(node) + REDIS_OFFSET;
  }

  int raft(int node) {
    return client(node) + RAFT_OFFSET;
  }

  String clientAddress(int node) {
    return LOOPBACK + ":" + client(node);
  }

  String redisAddress(int node) {
    return LOOPBACK + ":" + redis(node);
  }

  /** All ports of a node, with what each is for. */
  List<Use> of(int node) {
    return List.of(
        new Use(client(node), "clients of node " + node),
        new Use(redis(node), "Redis of node " + node),
        new Use(raft(node), "Raft of node " + node));
  }

  /** One port and its purpose. */
  record Use(int port, String purpose) {
    /** Whether nobody listens on it. */
    boolean isFree() {
      try {
        FreePort.require(purpose, LOOPBACK, port);
        return true;
      } catch (IOException e) {
        return false;
      }
    }
  }
}
