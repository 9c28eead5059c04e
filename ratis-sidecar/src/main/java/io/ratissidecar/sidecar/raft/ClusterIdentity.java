package io.ratissidecar.sidecar.raft;

import java.nio.ByteBuffer;
import java.util.HexFormat;
import java.util.Locale;
import java.util.UUID;
import java.util.regex.Pattern;

/**
 * Which node of which cluster this is.
 *
 * @param clusterId 32 hexadecimal digits, lower case
 * @param nodeId 1 to 65535
 */
public record ClusterIdentity(String clusterId, int nodeId) {
  private static final Pattern CLUSTER_ID = Pattern.compile("[0-9a-f]{32}");

  public ClusterIdentity {
    if (!isClusterId(clusterId)) {
      throw new IllegalArgumentException(
          "'" + clusterId + "' is not a cluster id (32 hexadecimal digits)");
    }
    if (nodeId < 1 || nodeId > 65535) {
      throw new IllegalArgumentException("node id " + nodeId + " is not in 1 to 65535");
    }
  }

  /** True for 32 lower-case hexadecimal digits. */
  public static boolean isClusterId(String text) {
    return CLUSTER_ID.matcher(text).matches();
  }

  /** A new random cluster id. */
  public static String newClusterId() {
    return UUID.randomUUID().toString().replace("-", "").toLowerCase(Locale.ROOT);
  }

  UUID groupUuid() {
    ByteBuffer bytes = ByteBuffer.wrap(HexFormat.of().parseHex(clusterId));
    return new UUID(bytes.getLong(), bytes.getLong());
  }
}
