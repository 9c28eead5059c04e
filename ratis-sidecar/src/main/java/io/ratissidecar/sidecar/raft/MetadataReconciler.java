package io.ratissidecar.sidecar.raft;

import io.ratissidecar.logstore.PayloadLog;
import java.io.File;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import org.apache.ratis.proto.RaftProtos.LogEntryProto;
import org.apache.ratis.server.RaftServerConfigKeys.Log.CorruptionPolicy;
import org.apache.ratis.server.raftlog.segmented.LogSegment;
import org.apache.ratis.server.raftlog.segmented.LogSegmentPath;
import org.apache.ratis.server.storage.RaftStorage;
import org.apache.ratis.thirdparty.com.google.protobuf.CodedOutputStream;
import org.apache.ratis.util.SizeInBytes;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Makes the payload log and Ratis's own log agree before Ratis opens its log. Payload is on disk
 * before the header that promises it, so after a crash there can be payload without header (never
 * acknowledged: cut), but header without payload only where a truncation was interrupted. Anything
 * else is damage, and the node must not start.
 */
final class MetadataReconciler {
  private static final Logger LOG = LoggerFactory.getLogger(MetadataReconciler.class);

  /** Magic bytes at the start of a Ratis segment. */
  private static final int SEGMENT_HEADER_BYTES = 8;

  private static final int CHECKSUM_BYTES = 4;
  private static final String OPEN_PREFIX = "log_inprogress_";
  private static final String CLOSED_PREFIX = "log_";

  private record Header(long index, long term, Path segment, long offset) {}

  private MetadataReconciler() {}

  /** Index of the last entry in Ratis's log that has a payload; 0 when there is none. */
  static long lastPayloadIndex(RaftStorage storage, int maxEntryBytes) throws IOException {
    List<LogSegmentPath> segments = LogSegmentPath.getLogSegmentPaths(storage);
    for (int i = segments.size() - 1; i >= 0; i--) {
      List<Header> headers = headers(segments.get(i), maxEntryBytes);
      if (!headers.isEmpty()) {
        return headers.get(headers.size() - 1).index();
      }
    }
    return 0;
  }

  /**
   * @throws IOException when payload of an acknowledged entry is missing; the message says which
   *     and what to do
   */
  static void reconcile(RaftStorage storage, PayloadLog payload, int maxEntryBytes)
      throws IOException {
    List<LogSegmentPath> segments = LogSegmentPath.getLogSegmentPaths(storage);
    Header last = null;
    for (int i = segments.size() - 1; i >= 0 && last == null; i--) {
      List<Header> headers = headers(segments.get(i), maxEntryBytes);
      while (!headers.isEmpty()) {
        Header candidate = headers.remove(headers.size() - 1);
        if (isWhole(payload, candidate)) {
          last = candidate;
          break;
        }
        cutInterrupted(candidate, payload);
      }
    }
    long lastIndex = last == null ? 0 : last.index();
    if (payload.lastIndex() > lastIndex) {
      LOG.info(
          "Cutting payload of entries {} to {}, which were never acknowledged",
          lastIndex + 1,
          payload.lastIndex());
      payload.truncateFrom(lastIndex + 1);
    }
    payload.truncateDone();
  }

  private static boolean isWhole(PayloadLog payload, Header header) throws IOException {
    var entry = payload.read(header.index());
    return entry != null && entry.term() == header.term();
  }

  private static void cutInterrupted(Header header, PayloadLog payload) throws IOException {
    var from = payload.interruptedTruncation();
    if (from.isEmpty() || header.index() < from.getAsLong()) {
      throw new IOException(
          "payload of entry "
              + header.index()
              + " (term "
              + header.term()
              + ") is missing from the payload log, which ends at index "
              + payload.lastIndex()
              + ", though "
              + header.segment()
              + " says that it was acknowledged. This node's disk lost data; nothing was changed. Remove this node from"
              + " the cluster and join it again with an empty directory and a new id");
    }
    cut(header);
  }

  private static void cut(Header header) throws IOException {
    LOG.info(
        "Finishing the interrupted truncation of {} at entry {}", header.segment(), header.index());
    Path path = header.segment();
    // log_<first>-<last> when closed, log_inprogress_<first> when open.
    String name = path.getFileName().toString();
    boolean open = name.startsWith(OPEN_PREFIX);
    String numbers = name.substring(open ? OPEN_PREFIX.length() : CLOSED_PREFIX.length());
    long start = Long.parseLong(open ? numbers : numbers.substring(0, numbers.indexOf('-')));
    if (header.index() == start) {
      Files.delete(path);
    } else {
      try (FileChannel file = FileChannel.open(path, StandardOpenOption.WRITE)) {
        file.truncate(header.offset());
        file.force(true);
      }
      if (!open) {
        Files.move(path, path.resolveSibling(CLOSED_PREFIX + start + "-" + (header.index() - 1)));
      }
    }
    try (FileChannel directory = FileChannel.open(path.getParent(), StandardOpenOption.READ)) {
      directory.force(true);
    }
  }

  private static List<Header> headers(LogSegmentPath segment, int maxEntryBytes)
      throws IOException {
    File file = segment.getPath().toFile();
    List<Header> headers = new ArrayList<>();
    long[] offset = {SEGMENT_HEADER_BYTES};
    LogSegment.readSegmentFile(
        file,
        segment.getStartEnd(),
        SizeInBytes.valueOf(maxEntryBytes),
        CorruptionPolicy.EXCEPTION,
        null,
        entry -> {
          if (entry.hasStateMachineLogEntry()) {
            headers.add(new Header(entry.getIndex(), entry.getTerm(), file.toPath(), offset[0]));
          }
          offset[0] += recordBytes(entry);
        });
    return headers;
  }

  private static long recordBytes(LogEntryProto entry) {
    int size = entry.getSerializedSize();
    return (long) CodedOutputStream.computeUInt32SizeNoTag(size) + size + CHECKSUM_BYTES;
  }
}
