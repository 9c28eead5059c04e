package io.ratissidecar.snapshot;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.ratissidecar.statemachine.apply.AppliedMarker;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class RdbFileTest {
  private static final String CLUSTER = "00112233445566778899aabbccddeeff";

  @TempDir Path dir;

  private RdbFile read(byte[] rdb) throws IOException {
    return RdbFile.read(Files.write(dir.resolve("dump.rdb"), rdb));
  }

  private String problem(byte[] rdb) {
    return assertThrows(InvalidSnapshotException.class, () -> read(rdb)).getMessage();
  }

  @Test
  void when_a_node_wrote_it_then_it_says_whose_state_it_is() throws Exception {
    RdbFile file = read(RdbBuilder.withMarker(CLUSTER, 3, 42));
    assertEquals(new AppliedMarker(CLUSTER, 42, 42, 3), file.marker().orElseThrow());
    assertEquals(16, file.databases());
    assertEquals(3, file.keys());
    assertEquals(10, file.version());
  }

  @Test
  void when_another_redis_wrote_it_then_there_is_no_marker() throws Exception {
    byte[] empty = new RdbBuilder(10).end();
    assertEquals(new RdbFile(10, Optional.empty(), 0, 0), read(empty));
    byte[] theNamesElsewhere =
        new RdbBuilder(9)
            .database(0)
            .string(AppliedMarker.APPLIED_KEY, "x")
            .database(1)
            .string("k", "v")
            .end();
    assertEquals(Optional.empty(), read(theNamesElsewhere).marker());
  }

  @Test
  void when_strings_are_numbers_or_compressed_then_they_are_read() throws Exception {
    // "aaaaaaaaaaaaaaaaaaaa": one literal, then a copy of the 19 bytes from one byte before.
    byte[] rdb =
        new RdbBuilder(10).raw(0).raw(0xc3, 5, 20, 0, 'a', 0xe0, 10, 0).raw(0xc1, 0x39, 0x30).end();
    // Its length: one literal and 7 + 10 + 2 copied bytes.
    assertEquals(1, read(rdb).keys());
    byte[] wrong = new RdbBuilder(10).raw(0).raw(0xc3, 5, 21, 0, 'a', 0xe0, 10, 0).text("v").end();
    assertTrue(problem(wrong).contains("compressed string"), problem(wrong));
  }

  @Test
  void when_a_byte_is_changed_anywhere_then_it_is_refused() throws Exception {
    byte[] rdb = RdbBuilder.withMarker(CLUSTER, 3, 42);
    for (int i = 0; i < rdb.length; i++) {
      byte[] damaged = rdb.clone();
      damaged[i] ^= 0x10;
      problem(damaged);
    }
  }

  @Test
  void when_it_is_cut_or_longer_then_it_is_refused() throws Exception {
    byte[] rdb = RdbBuilder.withMarker(CLUSTER, 3, 42);
    for (int length = 0; length < rdb.length; length++) {
      problem(Arrays.copyOf(rdb, length));
    }
    assertTrue(problem(Arrays.copyOf(rdb, rdb.length + 1)).contains("behind the end"));
  }

  @Test
  void when_it_is_newer_or_holds_an_unknown_type_then_it_is_refused_by_name() {
    assertTrue(problem(new RdbBuilder(14).end()).contains("version 14 is newer than 13"));
    byte[] unknown = new RdbBuilder(10).raw(99).text("k").end();
    assertTrue(problem(unknown).contains("unknown type 99"));
  }
}
