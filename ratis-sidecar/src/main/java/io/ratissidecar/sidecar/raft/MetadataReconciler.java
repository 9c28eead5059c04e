package io.ratissidecar.sidecar.raft;

import io.ratissidecar.logstore.PayloadLog;
import io.ratissidecar.sidecar.raft.RaftSegment.Header;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import org.apache.ratis.server.raftlog.segmented.LogSegmentPath;
import org.apache.ratis.server.storage.RaftStorage;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Makes the payload log and Ratis's own log agree before Ratis opens its log. Payload is on disk
 * before the header that promises it, so after a crash there can be payload without header (never
 * acknowledged: cut), but header without payload only where a truncation was interrupted. Anything
 * else is damage, and the node must not start.
 *
 * <p>A power loss may also tear the last entry of Ratis's log itself, which Ratis takes for damage.
 * It was not synced yet, and goes; see {@link SegmentTail} for how that is told from damage.
 *
 * <p>A truncation cuts the payload first, then Ratis deletes whole segments, cuts one and gives it
 * the name of its new length; the process may die between any two of these, and here too. So this
 * finds where the cut belongs and makes it from the end of the log forwards, each step durable
 * before the next.
 */
final class MetadataReconciler {
  private static final Logger LOG = LoggerFactory.getLogger(MetadataReconciler.class);

  /** How every refusal ends. */
  static final String REMEDY =
      ". This node's disk lost data; nothing was changed. Remove this node from the cluster and join"
          + " it again with an empty directory and a new id";

  private final List<LogSegmentPath> paths;
  private final RaftSegment[] read;
  private final int entryLimitBytes;
  private final Runnable beforeChange;

  /** Where the log has to end: before the offset in the segment with that number. */
  private record Cut(int segment, long offset, long index) {}

  /**
   * @param entryLimitBytes no entry of Ratis's log is longer
   */
  MetadataReconciler(RaftStorage storage, int entryLimitBytes) throws IOException {
    this(storage, entryLimitBytes, () -> {});
  }

  /**
   * @param beforeChange called before each change of a file
   */
  MetadataReconciler(RaftStorage storage, int entryLimitBytes, Runnable beforeChange)
      throws IOException {
    this.paths = LogSegmentPath.getLogSegmentPaths(storage);
    this.read = new RaftSegment[paths.size()];
    this.entryLimitBytes = entryLimitBytes;
    this.beforeChange = beforeChange;
  }

  /** Segments can be many and large; only those at the end are ever needed. */
  private RaftSegment segment(int number) throws IOException {
    if (read[number] == null) {
      RaftSegment segment = RaftSegment.read(paths.get(number), entryLimitBytes);
      boolean newest = number == paths.size() - 1;
      if (segment.broken() != null && !(newest && segment.broken().torn())) {
        throw damaged(segment);
      }
      read[number] = segment;
    }
    return read[number];
  }

  /** Refuses a node whose Raft log is damaged, as the segment shows. */
  static IOException damaged(RaftSegment segment) {
    return new IOException("Raft log damaged: " + segment.describeBroken() + REMEDY);
  }

  /** Index of the last entry in Ratis's log that has a payload; 0 when there is none. */
  long lastPayloadIndex() throws IOException {
    for (int i = paths.size() - 1; i >= 0; i--) {
      List<Header> headers = segment(i).headers();
      if (!headers.isEmpty()) {
        return headers.get(headers.size() - 1).index();
      }
    }
    return 0;
  }

  /**
   * @param snapshotIndex payload up to here may have been dropped, since a snapshot holds it; 0
   *     when there is none
   * @throws IOException when payload of an acknowledged entry is missing; the message says which
   *     and what to do
   */
  void reconcile(PayloadLog payload, long snapshotIndex) throws IOException {
    long lastIndex = snapshotIndex;
    Cut torn = tornEntry();
    Cut cut = torn;
    // A header that agrees with its payload has the same log before it. So those that do not are
    // at the end; the lowest of them is where the cut belongs, and all behind it is older.
    boolean agreed = false;
    for (int number = paths.size() - 1; number >= 0 && !agreed; number--) {
      cut = gapBehind(number, payload, cut);
      List<Header> headers = segment(number).headers();
      for (int i = headers.size() - 1; i >= 0 && !agreed; i--) {
        Header header = headers.get(i);
        if (header.index() <= snapshotIndex || isWhole(payload, header)) {
          lastIndex = Math.max(snapshotIndex, header.index());
          agreed = true;
        } else {
          requireInterrupted(header, segment(number), payload);
          cut = new Cut(number, header.offset(), header.index());
        }
      }
    }
    if (cut != null) {
      if (!cut.equals(torn)) {
        LOG.info("Finishing the interrupted truncation at entry {}", cut.index());
      }
      cut(cut);
    } else if (!paths.isEmpty()) {
      reopenCutShort(segment(paths.size() - 1), payload);
    }
    if (payload.lastIndex() > lastIndex) {
      LOG.info(
          "Cutting payload of entries {} to {}, which were never acknowledged",
          lastIndex + 1,
          payload.lastIndex());
      payload.truncateFrom(lastIndex + 1);
    }
    payload.truncateDone();
  }

  /** What a power loss left of a write that Ratis had not synced, at the end of the log. */
  private Cut tornEntry() throws IOException {
    int newest = paths.size() - 1;
    RaftSegment segment = newest < 0 ? null : segment(newest);
    if (segment == null || segment.broken() == null) {
      return null;
    }
    LOG.warn("Cutting an entry that was never acknowledged: {}", segment.describeBroken());
    return new Cut(newest, segment.broken().offset(), segment.broken().index());
  }

  private static boolean isWhole(PayloadLog payload, Header header) throws IOException {
    var entry = payload.read(header.index());
    return entry != null && entry.term() == header.term();
  }

  private static void requireInterrupted(Header header, RaftSegment segment, PayloadLog payload)
      throws IOException {
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
              + segment.path()
              + " says that it was acknowledged"
              + REMEDY);
    }
  }

  /** Ratis deletes segments one by one; what it did not come to stands behind a gap. */
  private Cut gapBehind(int number, PayloadLog payload, Cut known) throws IOException {
    if (number + 1 >= paths.size()) {
      return known;
    }
    RaftSegment next = segment(number + 1);
    boolean gap = next.last() >= 0 && segment(number).last() + 1 < next.first();
    return gap && mayEndBehind(segment(number), payload)
        ? new Cut(number + 1, RaftSegment.START_BYTES, next.first())
        : known;
  }

  /**
   * A truncation that removes none but Ratis's own entries leaves no trace in the payload log; but
   * payload behind the segment without one means that Ratis's log lost headers.
   */
  private static boolean mayEndBehind(RaftSegment segment, PayloadLog payload) {
    return payload.interruptedTruncation().isPresent() || payload.lastIndex() <= segment.last();
  }

  private void cut(Cut cut) throws IOException {
    for (int i = paths.size() - 1; i > cut.segment(); i--) {
      delete(paths.get(i).getPath());
    }
    RaftSegment segment = segment(cut.segment());
    if (cut.offset() == RaftSegment.START_BYTES) {
      delete(segment.path());
      return;
    }
    // Renamed first: as an open segment it may have any length.
    reopen(segment);
    beforeChange.run();
    try (FileChannel file = FileChannel.open(segment.openPath(), StandardOpenOption.WRITE)) {
      file.truncate(cut.offset());
      file.force(true);
    }
  }

  private void delete(Path segment) throws IOException {
    LOG.info("Deleting {}, which the log does not reach any more", segment);
    beforeChange.run();
    Files.delete(segment);
    syncDirectory(segment);
  }

  private void reopen(RaftSegment segment) throws IOException {
    if (!segment.path().equals(segment.openPath())) {
      beforeChange.run();
      Files.move(segment.path(), segment.openPath());
      syncDirectory(segment.openPath());
    }
  }

  /** Ratis cut the file and died before it gave it its new name. */
  private void reopenCutShort(RaftSegment newest, PayloadLog payload) throws IOException {
    if (!newest.isCutShort()) {
      return;
    }
    if (!mayEndBehind(newest, payload)) {
      throw new IOException(newest.path() + " ends at entry " + newest.last() + REMEDY);
    }
    LOG.info("Finishing the interrupted truncation of {}, whose name is old", newest.path());
    reopen(newest);
  }

  /** Makes it durable which files the directory of this one has. */
  static void syncDirectory(Path file) throws IOException {
    try (FileChannel directory = FileChannel.open(file.getParent(), StandardOpenOption.READ)) {
      directory.force(true);
    }
  }
}
