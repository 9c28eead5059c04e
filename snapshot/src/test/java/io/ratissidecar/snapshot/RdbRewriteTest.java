package io.ratissidecar.snapshot;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.ratissidecar.statemachine.apply.AppliedMarker;
import io.ratissidecar.statemachine.command.LogicalTime;
import io.ratissidecar.statemachine.script.Prelude;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class RdbRewriteTest {
  private static final String CLUSTER = "00112233445566778899aabbccddeeff";
  private static final String OTHER = "ffeeddccbbaa99887766554433221100";
  private static final int RESERVED = 15;
  private static final long DEADLINE = 1_700_000_000_123L;

  @TempDir Path dir;

  private Path file(byte[] rdb) throws IOException {
    return Files.write(dir.resolve("dump.rdb"), rdb);
  }

  private byte[] exported(byte[] rdb) throws IOException {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    RdbRewrite.export(file(rdb), out, count -> {});
    return out.toByteArray();
  }

  private byte[] seeded(byte[] rdb) throws IOException {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    RdbRewrite.seed(file(rdb), out, RESERVED, CLUSTER, 1, 7);
    return out.toByteArray();
  }

  private String refusal(byte[] rdb) {
    return assertThrows(InvalidSnapshotException.class, () -> seeded(rdb)).getMessage();
  }

  private static RdbBuilder marker(RdbBuilder rdb, int database, String cluster) {
    return rdb.database(database)
        .string(AppliedMarker.BEGIN_KEY, "7")
        .string(AppliedMarker.APPLIED_KEY, AppliedMarker.appliedValue(7, 1, cluster));
  }

  /** Everything that stands before the reserved database, and has to be kept. */
  private static RdbBuilder users() {
    return users(DEADLINE, LIBRARY);
  }

  /** The same as a node of a cluster keeps it. */
  private static final String LIBRARY = "#!lua name=lib\nreturn 1";

  private static RdbBuilder usersInCluster() {
    Prelude prelude = Prelude.of(RESERVED, LogicalTime.SHIFT_MILLIS);
    byte[] library = prelude.wrapLibrary(LIBRARY.getBytes(StandardCharsets.US_ASCII));
    return users(
        DEADLINE + LogicalTime.SHIFT_MILLIS, new String(library, StandardCharsets.US_ASCII));
  }

  private static RdbBuilder users(long deadline, String library) {
    int[] millis = new int[9];
    millis[0] = 0xfc;
    for (int i = 0; i < 8; i++) {
      millis[i + 1] = (int) (deadline >>> 8 * i) & 0xff;
    }
    return new RdbBuilder(11)
        .raw(0xfa)
        .text("redis-ver")
        .text("7.2.0")
        .raw(0xf5)
        .text(library)
        .database(0)
        .raw(0xfb, 2, 1)
        .raw(millis)
        .raw(0xf8, 9)
        .string("expires", "v")
        .string("number", "x".repeat(100))
        .database(3)
        .raw(0xfb, 1, 0)
        .string("k", "v");
  }

  @Test
  void when_exported_then_only_the_reserved_database_is_missing() throws Exception {
    byte[] snapshot =
        marker(usersInCluster(), RESERVED, CLUSTER).raw(0xf8, 1).string("ids", "1").end();
    assertArrayEquals(users().end(), exported(snapshot));
  }

  @Test
  void when_exported_then_the_place_in_the_replication_stream_is_left_out() throws Exception {
    RdbBuilder rdb = new RdbBuilder(10).raw(0xfa).text("repl-id").text("a".repeat(40));
    rdb.raw(0xfa).text("repl-offset").raw(0xc1, 1, 2).raw(0xfa).text("ctime").text("1");
    byte[] plain =
        new RdbBuilder(10).raw(0xfa).text("ctime").text("1").database(0).string("k", "v").end();
    byte[] snapshot = marker(rdb.database(0).string("k", "v"), RESERVED, CLUSTER).end();
    assertArrayEquals(plain, exported(snapshot));
  }

  @Test
  void when_it_is_longer_than_any_buffer_then_it_is_copied_whole() throws Exception {
    RdbBuilder rdb = new RdbBuilder(10).database(0);
    RdbBuilder plain = new RdbBuilder(10).database(0);
    for (int i = 0; i < 10_000; i++) {
      rdb.string("key-" + i, "v".repeat(i % 200));
      plain.string("key-" + i, "v".repeat(i % 200));
    }
    assertArrayEquals(plain.end(), exported(marker(rdb, RESERVED, CLUSTER).end()));
  }

  @Test
  void when_there_is_no_marker_then_export_says_that_nothing_is_to_be_done() {
    String text =
        assertThrows(InvalidSnapshotException.class, () -> exported(users().end())).getMessage();
    assertTrue(text.contains("is not from a node of a cluster"), text);
  }

  @Test
  void when_damaged_then_nothing_is_written() throws Exception {
    byte[] rdb = marker(users(), RESERVED, CLUSTER).end();
    rdb[40] ^= 1;
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    Path file = file(rdb);
    assertThrows(InvalidSnapshotException.class, () -> RdbRewrite.export(file, out, count -> {}));
    assertEquals(0, out.size());
  }

  @Test
  void when_seeded_then_the_marker_is_added() throws Exception {
    assertArrayEquals(marker(usersInCluster(), RESERVED, CLUSTER).end(), seeded(users().end()));
    RdbFile read = RdbFile.read(file(seeded(users().end())));
    assertEquals(Optional.of(new AppliedMarker(CLUSTER, 7, 7, 1)), read.marker());
  }

  @Test
  void when_seeded_with_a_snapshot_of_another_cluster_then_its_reserved_database_is_dropped()
      throws Exception {
    byte[] expected = marker(usersInCluster(), RESERVED, CLUSTER).end();
    assertArrayEquals(expected, seeded(marker(usersInCluster(), RESERVED, OTHER).end()));
    // Also when the Redis servers there had another number of databases.
    assertArrayEquals(expected, seeded(marker(usersInCluster(), 31, OTHER).end()));
    assertArrayEquals(expected, seeded(marker(usersInCluster(), 7, OTHER).end()));
  }

  @Test
  void when_an_old_redis_wrote_it_then_it_has_no_checksum() throws Exception {
    byte[] old = new RdbBuilder(4).database(0).string("k", "v").endWithoutChecksum();
    byte[] expected =
        marker(new RdbBuilder(4).database(0).string("k", "v"), RESERVED, CLUSTER)
            .endWithoutChecksum();
    assertArrayEquals(expected, seeded(old));
  }

  @Test
  void when_a_user_has_keys_in_the_reserved_database_or_above_then_it_is_refused() {
    String text = refusal(users().database(15).string("mine", "v").end());
    assertTrue(text.contains("keys in database 15, such as 'mine'"), text);
    assertTrue(text.contains("databases 0 to 14"), text);
    assertTrue(text.contains("'databases' of each node's Redis to 17"), text);
    text = refusal(marker(users().database(20).string("k", "v"), 31, OTHER).end());
    assertTrue(text.contains("database 20"), text);
  }

  @Test
  void when_there_is_data_of_a_module_then_it_is_refused_by_name() {
    RdbBuilder key = users().raw(7).text("doc");
    String text = refusal(RdbBuilder.module(key, "ReJSON-RL", 3).raw(0).end());
    assertTrue(text.contains("module ReJSON-RL in key 'doc' of database 3"), text);
    RdbBuilder aux = RdbBuilder.module(users().raw(0xf7), "graphdata", 1).raw(2, 1, 0);
    text = refusal(aux.end());
    assertTrue(text.contains("module graphdata beside the keys"), text);
  }
}
