package io.ratissidecar.statemachine.entry;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.ratissidecar.statemachine.entry.proto.EntryHeaderProto;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;

/** The form in which an entry's header travels and is kept by Raft. */
class EntryHeaderTest {
  private static final ByteBuffer PAYLOAD =
      ByteBuffer.wrap("*1\r\n$4\r\nPING\r\n".getBytes(StandardCharsets.US_ASCII));

  private static final EntryHeader HEADER =
      EntryHeader.of(EntryType.COMMANDS, 1_700_000_000_000L, -7, PAYLOAD);

  @Test
  void when_written_then_it_reads_the_same() {
    assertEquals(HEADER, EntryHeader.parse(ByteBuffer.wrap(HEADER.toBytes())));
    assertTrue(HEADER.describes(PAYLOAD));
    assertFalse(HEADER.describes(ByteBuffer.wrap(new byte[PAYLOAD.remaining()])));
  }

  private static ByteBuffer changed(Consumer<EntryHeaderProto.Builder> change) throws Exception {
    EntryHeaderProto.Builder proto = EntryHeaderProto.parseFrom(HEADER.toBytes()).toBuilder();
    change.accept(proto);
    return ByteBuffer.wrap(proto.build().toByteArray());
  }

  @Test
  void when_a_newer_version_wrote_it_then_it_is_refused_by_name() throws Exception {
    ByteBuffer newer = changed(proto -> proto.setVersion(EntryHeader.VERSION + 1));
    String message =
        assertThrows(UnsupportedFormatException.class, () -> EntryHeader.parse(newer)).getMessage();
    assertEquals("entry header has format version 2; this version reads up to 1", message);
  }

  @Test
  void when_a_newer_version_has_a_type_that_is_not_known_then_it_is_refused_by_name()
      throws Exception {
    ByteBuffer newer = changed(proto -> proto.setTypeValue(99));
    String message =
        assertThrows(UnsupportedFormatException.class, () -> EntryHeader.parse(newer)).getMessage();
    assertTrue(message.contains("entry type 99"), message);
  }

  @Test
  void when_it_is_no_header_then_it_says_so() {
    ByteBuffer bytes = ByteBuffer.wrap(new byte[] {-1, -1, -1});
    String message =
        assertThrows(IllegalArgumentException.class, () -> EntryHeader.parse(bytes)).getMessage();
    assertTrue(message.startsWith("not an entry header"), message);
  }
}
