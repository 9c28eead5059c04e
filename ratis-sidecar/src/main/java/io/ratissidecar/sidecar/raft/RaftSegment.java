package io.ratissidecar.sidecar.raft;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.apache.ratis.proto.RaftProtos.LogEntryProto;
import org.apache.ratis.server.RaftServerConfigKeys.Log.CorruptionPolicy;
import org.apache.ratis.server.raftlog.segmented.LogSegment;
import org.apache.ratis.server.raftlog.segmented.LogSegmentPath;
import org.apache.ratis.thirdparty.com.google.protobuf.CodedOutputStream;
import org.apache.ratis.util.SizeInBytes;

/**
 * What a segment file of Ratis's log says, read once.
 *
 * @param first index of its first entry; 0 when it holds none
 * @param last index of its last entry; -1 when it holds none
 * @param headers those of its entries that have a payload, ascending
 */
record RaftSegment(Path path, long first, long last, List<Header> headers) {
  /** Magic bytes at the start of a segment; the first entry stands behind them. */
  static final int START_BYTES = 8;

  private static final int CHECKSUM_BYTES = 4;

  /** Where an entry with a payload stands in the segment. */
  record Header(long index, long term, long offset) {}

  static RaftSegment read(LogSegmentPath segment, int entryLimitBytes) throws IOException {
    List<Header> headers = new ArrayList<>();
    long[] range = {0, -1};
    long[] offset = {START_BYTES};
    LogSegment.readSegmentFile(
        segment.getPath().toFile(),
        segment.getStartEnd(),
        SizeInBytes.valueOf(entryLimitBytes),
        CorruptionPolicy.EXCEPTION,
        null,
        entry -> {
          if (range[1] < 0) {
            range[0] = entry.getIndex();
          }
          range[1] = entry.getIndex();
          if (entry.hasStateMachineLogEntry()) {
            headers.add(new Header(entry.getIndex(), entry.getTerm(), offset[0]));
          }
          offset[0] += recordBytes(entry);
        });
    return new RaftSegment(segment.getPath(), range[0], range[1], headers);
  }

  private static long recordBytes(LogEntryProto entry) {
    int size = entry.getSerializedSize();
    return (long) CodedOutputStream.computeUInt32SizeNoTag(size) + size + CHECKSUM_BYTES;
  }

  /** The name under which Ratis goes on writing it, with any number of entries. */
  Path openPath() {
    return path.resolveSibling("log_inprogress_" + first);
  }

  /** True when the file ends before the last index that its name promises. */
  boolean isCutShort() {
    return last >= 0
        && !path.equals(openPath())
        && !path.equals(path.resolveSibling("log_" + first + "-" + last));
  }
}
