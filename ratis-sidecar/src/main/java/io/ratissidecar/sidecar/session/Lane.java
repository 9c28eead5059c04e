package io.ratissidecar.sidecar.session;

/**
 * The way that a command takes. Commands of one client that take the same way keep their order on
 * it and may be under way together; before the first one that takes another way, all earlier ones
 * must have been answered. That one rule keeps every client's program order.
 */
enum Lane {
  /** Through the log: writes, and reads behind writes of the same client that are under way. */
  LOG,
  /** A linearizable read, which the local Redis alone is asked for. */
  READ,
  /** This client's own connection to the local Redis. */
  LOCAL,
  /** This client's own connection to the leader's Redis, on which it watches keys. */
  WATCH,
  /** This client's own connection to the leader. */
  PROXY,
  /** Work of the sidecar itself that takes a while. */
  ADMIN,
  /** Answered at once. */
  IMMEDIATE
}
