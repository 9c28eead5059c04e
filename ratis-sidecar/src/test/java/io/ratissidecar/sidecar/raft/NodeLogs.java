package io.ratissidecar.sidecar.raft;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.ratissidecar.logstore.LogIdentity;
import io.ratissidecar.logstore.LogOptions;
import io.ratissidecar.logstore.PayloadLog;
import io.ratissidecar.snapshot.SnapshotManifest;
import io.ratissidecar.statemachine.entry.Entry;
import io.ratissidecar.statemachine.entry.EntryHeader;
import io.ratissidecar.statemachine.entry.EntryType;
import io.ratissidecar.statemachine.resp.Resp;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.ByteBuffer;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.function.Consumer;
import org.apache.ratis.proto.RaftProtos.LogEntryProto;
import org.apache.ratis.proto.RaftProtos.StateMachineLogEntryProto;
import org.apache.ratis.server.RaftServerConfigKeys.Log.CorruptionPolicy;
import org.apache.ratis.server.raftlog.LogProtoUtils;
import org.apache.ratis.server.raftlog.segmented.LogSegmentPath;
import org.apache.ratis.server.raftlog.segmented.SegmentedRaftLogOutputStream;
import org.apache.ratis.server.storage.RaftStorage;
import org.apache.ratis.thirdparty.com.google.protobuf.ByteString;
import org.apache.ratis.util.SizeInBytes;

/** One node's two logs, with segment files as Ratis writes them. */
final class NodeLogs implements AutoCloseable {
  static final int LIMIT = 1 << 20;
  private static final LogIdentity IDENTITY = new LogIdentity("c", 1);
  private static final LogOptions OPTIONS = new LogOptions(1 << 20, 2000, 0);

  /** An entry of Ratis's log; without payload it is one of Ratis's own. */
  record Header(long index, long term, boolean hasPayload) {
    LogEntryProto proto() {
      return hasPayload
          ? LogProtoUtils.toLogEntryProto(
              StateMachineLogEntryProto.newBuilder()
                  .setLogData(ByteString.copyFromUtf8("header of " + index))
                  .build(),
              term,
              index)
          : LogProtoUtils.toLogEntryProto(index - 1, term, index);
    }
  }

  /** The process died here. */
  static final class Killed extends RuntimeException {
    private static final long serialVersionUID = 1L;
  }

  private final Path root;
  final RaftStorage storage;
  final List<Header> headers = new ArrayList<>();
  final List<List<Header>> segments = new ArrayList<>();
  private boolean lastIsOpen;
  PayloadLog payload;

  /**
   * @param root an own directory, which is made
   */
  NodeLogs(Path root) throws IOException {
    this.root = Files.createDirectories(root);
    storage =
        RaftStorage.newBuilder()
            .setDirectory(root.resolve("raft").toFile())
            .setLogCorruptionPolicy(CorruptionPolicy.EXCEPTION)
            .setOption(RaftStorage.StartupOption.RECOVER)
            .setStorageFreeSpaceMin(SizeInBytes.valueOf(0))
            .build();
    storage.initialize();
    payload = PayloadLog.open(root.resolve("log"), IDENTITY, OPTIONS);
  }

  Path current() {
    return storage.getStorageDir().getCurrentDir().toPath();
  }

  void append(boolean hasPayload, long term) throws IOException {
    Header header = new Header(headers.size(), term, hasPayload);
    headers.add(header);
    if (hasPayload) {
      appendPayload(header.index(), term);
    }
  }

  void appendPayload(long index, long term) throws IOException {
    ByteBuf out = Unpooled.buffer();
    Resp.command(out, "SET", "key" + index, "of term " + term);
    ByteBuffer body = out.nioBuffer();
    payload.append(new Entry(term, index, EntryHeader.of(EntryType.COMMANDS, 1, 1, body), body));
    payload.flush();
  }

  /** Writes the headers, a segment up to each of these indexes and one for the rest. */
  void writeSegments(List<Integer> ends, boolean open) throws IOException {
    lastIsOpen = open;
    int start = 0;
    for (int end : ends) {
      segments.add(headers.subList(start, end + 1));
      start = end + 1;
    }
    if (start < headers.size()) {
      segments.add(headers.subList(start, headers.size()));
    }
    for (int i = 0; i < segments.size(); i++) {
      try (SegmentedRaftLogOutputStream out =
          new SegmentedRaftLogOutputStream(
              path(i).toFile(), false, 1 << 20, 4096, ByteBuffer.allocateDirect(1 << 16))) {
        for (Header header : segments.get(i)) {
          out.write(header.proto());
        }
      }
    }
  }

  Path path(int segment) {
    List<Header> entries = segments.get(segment);
    long first = entries.get(0).index();
    return current()
        .resolve(
            lastIsOpen && segment == segments.size() - 1
                ? "log_inprogress_" + first
                : "log_" + first + "-" + entries.get(entries.size() - 1).index());
  }

  /** What Ratis's log worker does, up to so many steps. */
  void truncateMetadata(long index, int steps) throws IOException {
    int left = steps;
    int keep = 0;
    while (keep < segments.size() && segments.get(keep).get(0).index() < index) {
      keep++;
    }
    for (int i = keep; i < segments.size() && left > 0; i++, left--) {
      Files.delete(path(i));
    }
    if (keep == 0 || left == 0) {
      return;
    }
    Path cut = path(keep - 1);
    RaftSegment segment = RaftSegment.read(LogSegmentPath.matchLogSegment(cut), LIMIT);
    if (segment.last() < index) {
      return;
    }
    try (RandomAccessFile file = new RandomAccessFile(cut.toFile(), "rw")) {
      file.setLength(offset(segments.get(keep - 1), index));
    }
    if (left > 1) {
      Files.move(cut, current().resolve("log_" + segment.first() + "-" + (index - 1)));
    }
  }

  /** Where the entry stands in the newest segment. */
  int offsetInNewest(long index) {
    return (int) offset(segments.get(segments.size() - 1), index);
  }

  /** Changes the bytes of a segment, with {@code room} zeros behind, as Ratis preallocates it. */
  void change(Path segment, int room, Consumer<byte[]> change) throws IOException {
    byte[] bytes = Files.readAllBytes(segment);
    bytes = Arrays.copyOf(bytes, bytes.length + room);
    change.accept(bytes);
    Files.write(segment, bytes);
  }

  /** Adds the beginning of an entry to the open segment, if there is one. */
  void tearOpenSegment(Random random) throws IOException {
    try (DirectoryStream<Path> open = Files.newDirectoryStream(current(), "log_inprogress_*")) {
      for (Path file : open) {
        byte[] entry = new Header(headers.size(), 9, true).proto().toByteArray();
        int kept = 1 + random.nextInt(entry.length);
        byte[] good = Files.readAllBytes(file);
        byte[] torn = Arrays.copyOf(good, good.length + 1 + kept + random.nextInt(5000));
        torn[good.length] = (byte) entry.length;
        System.arraycopy(entry, 0, torn, good.length + 1, kept);
        Files.write(file, torn);
      }
    }
  }

  Path newest() {
    return path(segments.size() - 1);
  }

  private long offset(List<Header> entries, long index) {
    long offset = RaftSegment.START_BYTES;
    for (Header header : entries) {
      if (header.index() == index) {
        break;
      }
      int size = header.proto().getSerializedSize();
      offset += size + (size < 128 ? 1 : 2) + 4;
    }
    return offset;
  }

  void reconcile(Runnable beforeChange) throws IOException {
    open();
    new MetadataReconciler(storage, LIMIT, beforeChange).reconcile(payload, 0);
  }

  /** As a node starts that has a snapshot. */
  void reconcile(SnapshotManifest snapshot, Runnable beforeChange) throws IOException {
    open();
    new SnapshotReconciler(storage, LIMIT, beforeChange).reconcile(Optional.of(snapshot), payload);
    new MetadataReconciler(storage, LIMIT, beforeChange).reconcile(payload, snapshot.index());
  }

  private void open() throws IOException {
    payload.close();
    long knownDurable = new MetadataReconciler(storage, LIMIT).lastPayloadIndex();
    payload = PayloadLog.open(root.resolve("log"), IDENTITY, OPTIONS, knownDurable);
  }

  /** Reads what is left as Ratis will, and checks that names and entries fit together. */
  List<Header> left() throws IOException {
    List<Header> left = new ArrayList<>();
    for (LogSegmentPath path : LogSegmentPath.getLogSegmentPaths(storage)) {
      RaftSegment segment = RaftSegment.read(path, LIMIT);
      assertEquals(left.size(), segment.first(), "gap before " + path);
      assertTrue(!segment.isCutShort(), "name of " + path);
      for (long i = segment.first(); i <= segment.last(); i++) {
        left.add(headers.get((int) i));
      }
      long wanted =
          headers.subList((int) segment.first(), (int) segment.last() + 1).stream()
              .filter(Header::hasPayload)
              .count();
      assertEquals(wanted, segment.headers().size());
    }
    return left;
  }

  @Override
  public void close() throws IOException {
    payload.close();
    storage.close();
  }
}
