package io.ratissidecar.logstore;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.ratissidecar.statemachine.entry.UnsupportedFormatException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.List;

/**
 * The first 512 bytes of a segment: a RESP array of format name, format version, cluster id, node
 * id, previous term, previous index, padding and CRC32C. The previous term and index are those of
 * the last entry before this segment: the chain that shows a missing file.
 */
record SegmentHeader(LogIdentity identity, long prevTerm, long prevIndex) {
  static final int BYTES = 512;
  static final int VERSION = 1;
  private static final String FORMAT = "ratis-sidecar-log";
  private static final String NUMBER = "%020d";
  private static final int FIELDS = 7;

  /** What these bytes begin; {@link #parse} gives the header of a complete one. */
  enum State {
    COMPLETE,
    /** A crash interrupted the creation of the file; nothing was ever appended to it. */
    INCOMPLETE,
    DAMAGED
  }

  byte[] toBytes() {
    RespList list =
        new RespList(
            List.of(
                FORMAT,
                String.format("%010d", VERSION),
                identity.clusterId(),
                String.format("%010d", identity.nodeId()),
                String.format(NUMBER, prevTerm),
                String.format(NUMBER, prevIndex)));
    return list.toBytesOfLength(BYTES);
  }

  /**
   * Says whether the file's first bytes are a header.
   *
   * @throws UnsupportedFormatException when a newer version wrote it
   */
  static State state(Path file, ByteBuffer head, boolean nothingFollows) {
    refuseNewer(file, head);
    if (parse(head) != null) {
      return State.COMPLETE;
    }
    // The header is durable before the first append, so no record can follow an incomplete one. A
    // complete one has no zero byte; what was never written reads as zeros.
    boolean incomplete = head.limit() < BYTES;
    for (int i = 0; i < head.limit() && !incomplete; i++) {
      incomplete = head.get(i) == 0;
    }
    return incomplete && nothingFollows ? State.INCOMPLETE : State.DAMAGED;
  }

  /** The header, or null when the bytes are not a complete one of this version. */
  static SegmentHeader parse(ByteBuffer head) {
    if (head.limit() < BYTES) {
      return null;
    }
    RespList list = RespList.parse(head.duplicate().limit(BYTES));
    if (list == null || list.values().size() != FIELDS || !FORMAT.equals(list.values().get(0))) {
      return null;
    }
    List<String> values = list.values();
    return new SegmentHeader(
        new LogIdentity(values.get(2), Integer.parseInt(values.get(3))),
        Long.parseLong(values.get(4)),
        Long.parseLong(values.get(5)));
  }

  /** Refuses the files of another cluster or node. */
  void requireIdentity(LogIdentity expected, Path file) throws IOException {
    if (!identity.equals(expected)) {
      throw new IOException(
          file
              + " belongs to node "
              + identity.nodeId()
              + " of cluster "
              + identity.clusterId()
              + "; this is node "
              + expected.nodeId()
              + " of cluster "
              + expected.clusterId()
              + ". Check the data directory in the configuration");
    }
  }

  /** Name and version keep their place in every version, whatever else changes. */
  private static void refuseNewer(Path file, ByteBuffer head) {
    byte[] bytes = new byte[Math.min(head.limit(), 64)];
    head.get(0, bytes);
    String start = new String(bytes, UTF_8);
    String lead = "\r\n$" + FORMAT.length() + "\r\n" + FORMAT + "\r\n$10\r\n";
    int at = start.indexOf(lead);
    if (!start.startsWith("*") || at < 0 || at > 4 || start.length() < at + lead.length() + 10) {
      return;
    }
    String version = start.substring(at + lead.length(), at + lead.length() + 10);
    if (version.chars().allMatch(c -> c >= '0' && c <= '9') && Long.parseLong(version) > VERSION) {
      throw new UnsupportedFormatException(
          file
              + " has log format version "
              + Long.parseLong(version)
              + "; this version reads up to "
              + VERSION);
    }
  }
}
