package io.ratissidecar.logstore;

import java.nio.charset.StandardCharsets;

/**
 * Whose log a directory holds. It is written into every segment, so that files of another cluster
 * or node are refused rather than replayed.
 *
 * @param clusterId the cluster, 1 to 128 bytes of UTF-8
 * @param nodeId the node within it, 0 or more
 */
public record LogIdentity(String clusterId, int nodeId) {
  static final int MAX_CLUSTER_ID_BYTES = 128;

  /** Checks the limits. */
  public LogIdentity {
    int bytes = clusterId.getBytes(StandardCharsets.UTF_8).length;
    if (bytes == 0 || bytes > MAX_CLUSTER_ID_BYTES) {
      throw new IllegalArgumentException(
          "cluster id has " + bytes + " bytes; 1 to " + MAX_CLUSTER_ID_BYTES + " are allowed");
    }
    if (nodeId < 0) {
      throw new IllegalArgumentException("node id " + nodeId + " is negative");
    }
  }
}
