package io.ratissidecar.sidecar.config;

/** Which commands of clients are replicated. */
public enum Mode {
  /** Those that begin with {@code RAFT}; others go to the local Redis. */
  EXPLICIT,
  /** All that read or change data. */
  TRANSPARENT
}
