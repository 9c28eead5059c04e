package io.ratissidecar.sidecar.raft;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.ratissidecar.logstore.LogIdentity;
import io.ratissidecar.logstore.LogOptions;
import io.ratissidecar.logstore.PayloadLog;
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
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Segment files as Ratis writes them, with a truncation that was interrupted anywhere. */
class MetadataReconcilerTest {
  private static final int LIMIT = 1 << 20;
  private static final LogIdentity IDENTITY = new LogIdentity("c", 1);
  private static final LogOptions OPTIONS = new LogOptions(1 << 20, 2000, 0);

  @TempDir Path dir;

  /** An entry of Ratis's log; without payload it is one of Ratis's own. */
  private record Header(long index, long term, boolean hasPayload) {
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

  private static final class Killed extends RuntimeException {
    private static final long serialVersionUID = 1L;
  }

  /** One node's two logs. */
  private final class Logs implements AutoCloseable {
    private final Path root;
    private final RaftStorage storage;
    private final List<Header> headers = new ArrayList<>();
    private final List<List<Header>> segments = new ArrayList<>();
    private boolean lastIsOpen;
    private PayloadLog payload;

    Logs(String name) throws IOException {
      root = Files.createDirectories(dir.resolve(name));
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
      payload.close();
      MetadataReconciler reconciler = new MetadataReconciler(storage, LIMIT, beforeChange);
      payload =
          PayloadLog.open(root.resolve("log"), IDENTITY, OPTIONS, reconciler.lastPayloadIndex());
      reconciler.reconcile(payload, 0);
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

  private static void assertAgree(Logs logs, long truncatedFrom) throws IOException {
    List<Header> left = logs.left();
    assertTrue(left.size() >= truncatedFrom, "entries before " + truncatedFrom + " are lost");
    long last = 0;
    for (Header header : left) {
      if (header.hasPayload()) {
        assertEquals(header.term(), logs.payload.read(header.index()).term());
        last = header.index();
      }
    }
    assertEquals(last, logs.payload.lastIndex());
    assertTrue(logs.payload.interruptedTruncation().isEmpty());
  }

  @Test
  void when_a_truncation_is_interrupted_anywhere_then_both_logs_agree_again() throws IOException {
    long seed = Long.getLong("seed", System.nanoTime());
    Random random = new Random(seed);
    for (int run = 0; run < 150; run++) {
      try (Logs logs = new Logs("run" + run)) {
        randomCase(logs, random);
      } catch (IOException | RuntimeException | AssertionError e) {
        throw new AssertionError("run " + run + " with -Dseed=" + seed, e);
      }
    }
  }

  private void randomCase(Logs logs, Random random) throws IOException {
    int count = 2 + random.nextInt(30);
    long term = 1;
    int share = random.nextInt(100);
    for (int i = 0; i < count; i++) {
      term += random.nextInt(10) == 0 ? 1 : 0;
      logs.append(i > 0 && random.nextInt(100) < share, term);
    }
    List<Integer> ends = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      if (random.nextInt(4) == 0) {
        ends.add(i);
      }
    }
    logs.writeSegments(ends, random.nextBoolean());
    int from = 1 + random.nextInt(count - 1);
    boolean removesPayload = logs.payload.lastIndex() >= from;
    logs.payload.truncateFrom(from);
    for (int i = from; removesPayload && i < from + random.nextInt(4); i++) {
      logs.appendPayload(i, term + 1); // of the new leader; Ratis has not written its headers yet
    }
    logs.truncateMetadata(from, random.nextInt(8));
    if (random.nextInt(3) == 0) {
      logs.tearOpenSegment(random);
    }
    for (int kills = random.nextInt(3); kills > 0; kills--) {
      int[] steps = {random.nextInt(5)};
      try {
        logs.reconcile(
            () -> {
              if (steps[0]-- == 0) {
                throw new Killed();
              }
            });
      } catch (Killed e) {
        assertTrue(steps[0] < 0);
      }
    }
    logs.reconcile(() -> {});
    assertAgree(logs, from);
  }

  private Logs eightEntries(String name, List<Integer> ends) throws IOException {
    Logs logs = new Logs(name);
    for (int i = 0; i < 8; i++) {
      logs.append(i > 0 && i != 6 && i != 7, 1);
    }
    logs.writeSegments(ends, true);
    return logs;
  }

  @Test
  void when_several_headers_of_a_closed_segment_are_to_go_then_it_is_cut_once() throws IOException {
    try (Logs logs = eightEntries("several", List.of(5))) {
      logs.payload.truncateFrom(3);
      logs.reconcile(() -> {});
      assertAgree(logs, 3);
      assertEquals(3, logs.left().size(), "what Ratis wrote for itself behind the cut goes too");
    }
  }

  @Test
  void when_ratis_died_before_it_renamed_what_it_cut_then_the_file_gets_a_name_that_is_true()
      throws IOException {
    try (Logs logs = eightEntries("renamed", List.of(5, 6))) {
      logs.payload.truncateFrom(3);
      logs.truncateMetadata(3, 3);
      assertTrue(Files.exists(logs.current().resolve("log_0-5")));
      logs.reconcile(() -> {});
      assertAgree(logs, 3);
      assertTrue(Files.exists(logs.current().resolve("log_inprogress_0")));
    }
  }

  @Test
  void when_a_closed_segment_lost_acknowledged_entries_then_the_node_refuses() throws IOException {
    try (Logs logs = eightEntries("lost", List.of(5, 7))) {
      logs.truncateMetadata(3, 2);
      assertThrows(IOException.class, () -> logs.reconcile(() -> {}));
    }
  }

  /** Entries 1 to 5 with payload, 6 without, 7 with. */
  private Logs sevenPayloads(String name, List<Integer> ends, boolean open) throws IOException {
    Logs logs = new Logs(name);
    for (int i = 0; i < 8; i++) {
      logs.append(i > 0 && i != 6, 1);
    }
    logs.writeSegments(ends, open);
    return logs;
  }

  @Test
  void when_a_power_loss_tore_the_last_entry_then_it_is_cut_with_its_payload() throws IOException {
    int from;
    int to;
    try (Logs logs = sevenPayloads("size", List.of(3), true)) {
      from = logs.offsetInNewest(7) + 1;
      to = (int) Files.size(logs.newest());
    }
    for (int end = from; end < to; end++) {
      for (boolean room : new boolean[] {true, false}) {
        try (Logs logs = sevenPayloads("torn" + end + room, List.of(3), true)) {
          int kept = end;
          if (room) {
            logs.change(logs.newest(), 5000, b -> Arrays.fill(b, kept, b.length, (byte) 0));
          } else {
            Files.write(logs.newest(), Arrays.copyOf(Files.readAllBytes(logs.newest()), kept));
          }
          assertThrows(
              Killed.class,
              () ->
                  logs.reconcile(
                      () -> {
                        throw new Killed();
                      }));
          logs.reconcile(() -> {});
          assertAgree(logs, 7);
          assertEquals(7, logs.left().size(), "torn at byte " + end);
          assertEquals(5, logs.payload.lastIndex());
        }
      }
    }
  }

  @Test
  void when_the_last_entry_is_whole_but_its_length_damaged_then_the_node_refuses()
      throws IOException {
    for (int bit : new int[] {0x20, 0x40}) {
      try (Logs logs = sevenPayloads("length" + bit, List.of(3), true)) {
        int at = logs.offsetInNewest(7);
        logs.change(logs.newest(), 5000, b -> b[at] |= (byte) bit);
        IOException e = assertThrows(IOException.class, () -> logs.reconcile(() -> {}));
        assertTrue(e.getMessage().startsWith("Raft log damaged"), e.getMessage());
      }
    }
  }

  @Test
  void when_the_torn_entry_is_the_first_of_its_segment_then_the_segment_goes() throws IOException {
    try (Logs logs = sevenPayloads("first", List.of(6), true)) {
      logs.change(logs.newest(), 100, b -> Arrays.fill(b, 12, b.length, (byte) 0));
      logs.reconcile(() -> {});
      assertEquals(5, logs.payload.lastIndex());
      assertEquals(7, logs.left().size());
    }
  }

  @Test
  void when_the_segment_was_being_made_then_nothing_is_damaged() throws IOException {
    for (int length : new int[] {0, 3, 8, 4096}) {
      try (Logs logs = sevenPayloads("made" + length, List.of(7), true)) {
        Files.write(logs.current().resolve("log_inprogress_8"), new byte[length]);
        logs.reconcile(() -> {});
        assertEquals(7, logs.payload.lastIndex());
      }
    }
  }

  /** Refuses, says where and what to do, and changes nothing. */
  private static void assertRefused(Logs logs, Path file, long offset, long index)
      throws IOException {
    byte[] before = Files.readAllBytes(file);
    IOException e = assertThrows(IOException.class, () -> logs.reconcile(() -> {}));
    for (String part :
        List.of(
            file + " at byte " + offset + ", index " + index,
            "Remove this node from the cluster",
            "nothing was changed")) {
      assertTrue(e.getMessage().contains(part), e.getMessage());
    }
    assertArrayEquals(before, Files.readAllBytes(file));
  }

  @Test
  void when_an_entry_before_the_last_is_damaged_then_the_node_refuses() throws IOException {
    for (int byteOfEntry : new int[] {0, 1, 2, 3, 5, 10}) {
      for (int mask : new int[] {1, 0x40, 0x80, 0xff}) {
        try (Logs logs = sevenPayloads("damaged" + byteOfEntry + "-" + mask, List.of(3), true)) {
          int offset = logs.offsetInNewest(5);
          logs.change(logs.newest(), 5000, b -> b[offset + byteOfEntry] ^= (byte) mask);
          assertRefused(logs, logs.newest(), offset, 5);
        }
        try (Logs logs = sevenPayloads("short" + byteOfEntry + "-" + mask, List.of(3), true)) {
          int offset = logs.offsetInNewest(5);
          logs.change(logs.newest(), 0, b -> b[offset + byteOfEntry] ^= (byte) mask);
          assertRefused(logs, logs.newest(), offset, 5);
        }
      }
    }
  }

  @Test
  void when_the_last_entry_is_there_to_its_end_but_wrong_then_the_node_refuses()
      throws IOException {
    try (Logs logs = sevenPayloads("whole", List.of(3), true)) {
      int offset = logs.offsetInNewest(7);
      logs.change(logs.newest(), 100, b -> b[offset + 10] ^= 1);
      assertRefused(logs, logs.newest(), offset, 7);
    }
  }

  /** A segment is synced before Ratis closes it. */
  @Test
  void when_the_last_entry_of_a_closed_segment_is_torn_then_the_node_refuses() throws IOException {
    try (Logs logs = sevenPayloads("closed", List.of(3), false)) {
      int offset = logs.offsetInNewest(7);
      logs.change(logs.newest(), 0, b -> Arrays.fill(b, offset + 9, b.length, (byte) 0));
      assertRefused(logs, logs.newest(), offset, 7);
    }
  }

  @Test
  void when_payload_is_missing_without_a_truncation_then_nothing_is_changed() throws IOException {
    try (Logs logs = new Logs("missing")) {
      for (int i = 0; i < 5; i++) {
        logs.append(i > 0 && i < 3, 1);
      }
      logs.headers.set(4, new Header(4, 1, true));
      logs.writeSegments(List.of(2), true);
      IOException e = assertThrows(IOException.class, () -> logs.reconcile(() -> {}));
      assertTrue(e.getMessage().contains("payload of entry 4"), e.getMessage());
      assertEquals(5, logs.left().size());
    }
  }
}
