package io.ratissidecar.sidecar.raft;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.OptionalLong;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
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
 * @param broken what stands behind its last good entry and is neither an entry nor zeros; null when
 *     there is nothing of the kind
 */
record RaftSegment(Path path, long first, long last, List<Header> headers, Broken broken) {
  /** Magic bytes at the start of a segment; the first entry stands behind them. */
  static final int START_BYTES = 8;

  private static final int CHECKSUM_BYTES = 4;

  private static final Pattern NAME = Pattern.compile("log_(inprogress_)?(\\d+)(?:-(\\d+))?");

  /** Where an entry with a payload stands in the segment. */
  record Header(long index, long term, long offset) {}

  /**
   * Bytes that are no entry where one should be.
   *
   * @param index the lowest index that may be affected
   * @param torn the rest of a write that was never synced, and so never acknowledged
   */
  record Broken(long offset, long index, String what, boolean torn) {}

  /** Reads what is good; what is not is in {@link #broken}. */
  static RaftSegment read(LogSegmentPath segment, int entryLimitBytes) throws IOException {
    List<Header> headers = new ArrayList<>();
    long[] range = {0, -1};
    long[] offset = {START_BYTES};
    String problem = null;
    try {
      LogSegment.readSegmentFile(
          segment.getPath().toFile(),
          segment.getStartEnd(),
          // Ratis makes room for as much as a damaged length promises.
          SizeInBytes.valueOf(Math.min(entryLimitBytes, Files.size(segment.getPath()))),
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
    } catch (IOException | IllegalStateException e) { // the latter for a gap
      problem = String.valueOf(e.getMessage());
    }
    RaftSegment good = new RaftSegment(segment.getPath(), range[0], range[1], headers, null);
    return new RaftSegment(
        good.path, good.first, good.last, headers, good.brokenBehind(offset[0], problem));
  }

  /**
   * @param problem what Ratis found there; null when it found nothing, which is also when an entry
   *     seems to go on behind the end of the file
   */
  private Broken brokenBehind(long offset, String problem) throws IOException {
    if (problem == null && last >= 0 && path.equals(closedPath())) {
      return null;
    }
    SegmentTail tail = new SegmentTail(bytes(offset), (int) offset);
    if (problem == null && tail.isEmpty()) {
      return null;
    }
    return new Broken(
        offset,
        last < 0 ? nameStart(path) : last + 1,
        problem == null ? "an entry that does not end" : problem,
        // Ratis syncs a segment before it closes it, which gives it another name.
        nameEnd(path).isEmpty() && tail.isTorn());
  }

  /** The first index that the name of a segment promises. */
  static long nameStart(Path segment) {
    return Long.parseLong(name(segment).group(2));
  }

  /** The last index that the name of a segment promises; empty for one that is still written. */
  static OptionalLong nameEnd(Path segment) {
    String end = name(segment).group(3);
    return end == null ? OptionalLong.empty() : OptionalLong.of(Long.parseLong(end));
  }

  private static Matcher name(Path segment) {
    Matcher name = NAME.matcher(segment.getFileName().toString());
    if (!name.matches()) {
      throw new IllegalArgumentException(segment + " is no segment");
    }
    return name;
  }

  /** The whole file; at least so many bytes, zeros behind its end. */
  private byte[] bytes(long least) throws IOException {
    byte[] bytes = Files.readAllBytes(path);
    return bytes.length < least ? Arrays.copyOf(bytes, (int) least) : bytes;
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
    return last >= 0 && !path.equals(openPath()) && !path.equals(closedPath());
  }

  private Path closedPath() {
    return path.resolveSibling("log_" + first + "-" + last);
  }

  /** What is broken, and where. */
  String describeBroken() {
    return path
        + " at byte "
        + broken.offset()
        + ", index "
        + broken.index()
        + " or later: "
        + broken.what();
  }
}
