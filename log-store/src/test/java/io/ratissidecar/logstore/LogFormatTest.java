package io.ratissidecar.logstore;

import static io.ratissidecar.logstore.Fixtures.ID;
import static io.ratissidecar.logstore.Fixtures.entry;
import static io.ratissidecar.logstore.Fixtures.fill;
import static io.ratissidecar.logstore.Fixtures.open;
import static io.ratissidecar.logstore.Fixtures.segments;
import static io.ratissidecar.logstore.Fixtures.set;
import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.ratissidecar.statemachine.entry.Entry;
import io.ratissidecar.statemachine.entry.EntryHeader;
import io.ratissidecar.statemachine.entry.EntryType;
import io.ratissidecar.statemachine.entry.UnsupportedFormatException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Random;
import java.util.zip.CRC32C;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What is on disk, byte by byte: files of earlier releases must stay readable. */
class LogFormatTest {
  private static final String GOLDEN = "segment-00000000000000000041.resp";

  @TempDir Path dir;

  @Test
  void when_encoded_then_exactly_these_bytes() {
    ByteBuffer payload = ByteBuffer.wrap("*1\r\n$4\r\nPING\r\n".getBytes(ISO_8859_1));
    EntryHeader header = EntryHeader.of(EntryType.CLUSTER, 1_700_000_000_123L, -2, payload);
    ByteBuffer bytes = ByteBuffer.allocate(1000);
    RecordCodec.encode(new Entry(3, 42, header, payload), 40, 512, bytes);
    String before =
        "*10\r\n$5\r\nENTRY\r\n$20\r\n00000000000000000003\r\n$20\r\n00000000000000000042\r\n"
            + "$3\r\n002\r\n$20\r\n00000001700000000123\r\n$16\r\nfffffffffffffffe\r\n"
            + "$20\r\n00000000000000000040\r\n$10\r\n0000000512\r\n"
            + "$14\r\n*1\r\n$4\r\nPING\r\n\r\n$8\r\n";
    CRC32C crc = new CRC32C();
    crc.update(before.getBytes(ISO_8859_1));
    assertEquals(
        before + "%08x\r\n".formatted(crc.getValue()),
        new String(bytes.array(), 0, bytes.position(), ISO_8859_1));
    assertEquals(bytes.position(), RecordCodec.recordBytes(14));
  }

  @Test
  void when_a_header_is_encoded_then_exactly_these_bytes() {
    String text =
        new String(new SegmentHeader(ID, 3, 40).toBytes(), ISO_8859_1).replaceAll(" +", "~");
    assertEquals(
        "*8\r\n$17\r\nratis-sidecar-log\r\n$10\r\n0000000001\r\n$9\r\ncluster-1\r\n"
            + "$10\r\n0000000007\r\n$20\r\n00000000000000000003\r\n$20\r\n00000000000000000040\r\n"
            + "$359\r\n~\r\n$8\r\n",
        text.substring(0, text.length() - 10));
  }

  @Test
  void when_numbers_are_extreme_then_they_come_back() {
    Random random = new Random(Fixtures.seed());
    for (int i = 0; i < 2000; i++) {
      long value = i == 0 ? Long.MIN_VALUE : i == 1 ? Long.MAX_VALUE : random.nextLong();
      byte[] bytes = new byte[20];
      Digits.putDecimal(bytes, 0, 20, value);
      assertEquals(value, Digits.decimal(ByteBuffer.wrap(bytes), 0, 20));
      Digits.putHex(bytes, 2, 16, value);
      assertEquals(value, Digits.hex(ByteBuffer.wrap(bytes), 2, 16));
    }
  }

  @Test
  void when_payload_length_varies_then_record_length_is_understood() {
    for (int payload : new int[] {0, 1, 9, 10, 99, 100, 999, 1000, 9999, 10000, 99999, 100000}) {
      int record = RecordCodec.recordBytes(payload);
      assertEquals(payload, RecordCodec.payloadBytes(record));
      ByteBuffer bytes = ByteBuffer.allocate(record);
      RecordCodec.encode(entry(1, 1, new byte[payload]), 0, 77, bytes);
      bytes.flip();
      assertEquals(record, RecordCodec.lengthAt(bytes, 0));
      assertTrue(RecordCodec.isValid(bytes, 0, record, 77));
      assertEquals(entry(1, 1, new byte[payload]), RecordCodec.entry(bytes, 0, record));
    }
  }

  @Test
  void when_a_segment_of_the_first_release_is_opened_then_it_reads_and_is_written_the_same()
      throws IOException {
    byte[] golden;
    try (InputStream in = getClass().getResourceAsStream("/format-1/" + GOLDEN)) {
      golden = in.readAllBytes();
    }
    Path old = Files.createDirectories(dir.resolve("old"));
    Files.write(old.resolve(GOLDEN), golden);
    try (PayloadLog log = open(old)) {
      assertEquals(3, log.entryCount());
      assertEquals(entry(3, 42, set("a", "1")), log.read(42));
      assertEquals(entry(3, 43, set("b", "2") + set("c", "3")), log.read(43));
      assertEquals(entry(4, 47, ""), log.read(47));
    }
    writeGolden(dir.resolve("new"));
    assertArrayEquals(golden, Files.readAllBytes(dir.resolve("new").resolve(GOLDEN)));
  }

  /** How the golden segment was made. */
  static void writeGolden(Path dir) throws IOException {
    try (PayloadLog log = PayloadLog.open(dir, ID, LogOptions.defaults())) {
      log.reset(3, 40);
      log.append(entry(3, 42, set("a", "1")));
      log.flush();
      log.append(entry(3, 43, set("b", "2") + set("c", "3")));
      log.append(entry(4, 47, ""));
    }
  }

  @Test
  void when_a_newer_version_wrote_it_then_refused_by_name() throws IOException {
    fill(dir, 3, true);
    Path segment = segments(dir).get(0);
    byte[] bytes = Files.readAllBytes(segment);
    int at = new String(bytes, 0, 64, ISO_8859_1).indexOf("0000000001");
    bytes[at + 9] = '2';
    Files.write(segment, bytes);
    String message = assertThrows(UnsupportedFormatException.class, () -> open(dir)).getMessage();
    assertTrue(message.contains(segment + " has log format version 2"), message);
    assertThrows(UnsupportedFormatException.class, () -> LogVerifier.verify(dir));
    assertArrayEquals(bytes, Files.readAllBytes(segment));
  }

  @Test
  void when_another_cluster_or_node_wrote_it_then_refused_by_name() throws IOException {
    fill(dir, 3, true);
    LogIdentity otherNode = new LogIdentity("cluster-1", 8);
    LogIdentity otherCluster = new LogIdentity("cluster-2", 7);
    for (LogIdentity other : new LogIdentity[] {otherNode, otherCluster}) {
      String message =
          assertThrows(IOException.class, () -> PayloadLog.open(dir, other, Fixtures.SMALL))
              .getMessage();
      assertTrue(message.contains("belongs to node 7 of cluster cluster-1"), message);
      assertTrue(message.contains(other.clusterId()), message);
    }
    try (PayloadLog log = open(dir)) {
      assertEquals(3, log.lastIndex());
    }
  }

  @Test
  void when_the_cluster_id_has_any_allowed_length_then_the_header_is_512_bytes() {
    for (int n = 1; n <= LogIdentity.MAX_CLUSTER_ID_BYTES; n++) {
      SegmentHeader header = new SegmentHeader(new LogIdentity("x".repeat(n), 1), 5, 6);
      byte[] bytes = header.toBytes();
      assertEquals(SegmentHeader.BYTES, bytes.length);
      assertEquals(header, SegmentHeader.parse(ByteBuffer.wrap(bytes)));
    }
    assertThrows(IllegalArgumentException.class, () -> new LogIdentity("x".repeat(129), 1));
    assertThrows(IllegalArgumentException.class, () -> new LogIdentity("", 1));
    assertThrows(IllegalArgumentException.class, () -> new LogIdentity("x", -1));
  }
}
