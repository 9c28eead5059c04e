package io.ratissidecar.snapshot;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import org.junit.jupiter.api.Test;

class RdbKeysTest {
  private final List<RdbKey> keys = new ArrayList<>();
  private final List<String> functions = new ArrayList<>();

  private void read(byte[] rdb) throws IOException {
    RdbKeys.read(
        new ByteArrayInputStream(rdb),
        new RdbKeys.Listener() {
          @Override
          public void onKey(RdbKey key) {
            keys.add(key);
          }

          @Override
          public void onFunction(byte[] source) {
            functions.add(new String(source, UTF_8));
          }
        });
  }

  @Test
  void when_read_then_each_key_has_its_database_deadline_and_value() throws Exception {
    read(
        new RdbBuilder(10)
            .raw(0xf5)
            .text("#!lua name=lib")
            .database(0)
            .raw(0xfc, 1, 1, 0, 0, 0, 0, 0, 0)
            .string("a", "1")
            .raw(0xfd, 2, 0, 0, 0)
            .string("b", "2")
            .database(9)
            .raw(2)
            .text("set")
            .raw(2)
            .text("x")
            .text("y")
            .end());
    assertEquals(List.of("#!lua name=lib"), functions);
    assertEquals(List.of("a", "b", "set"), keys.stream().map(k -> text(k.name())).toList());
    assertEquals(List.of(0, 0, 9), keys.stream().map(RdbKey::database).toList());
    assertEquals(List.of(257L, 2000L, 0L), keys.stream().map(RdbKey::deadlineMillis).toList());
    byte[] set = keys.get(2).dump();
    assertArrayEquals(
        new byte[] {2, 2, 1, 'x', 1, 'y', 10, 0}, java.util.Arrays.copyOf(set, set.length - 8));
  }

  private static String text(byte[] bytes) {
    return new String(bytes, UTF_8);
  }

  /** {@code SET k hello}, {@code DUMP k} in Redis 7.0. */
  @Test
  void when_a_string_is_read_then_its_dump_is_that_of_redis() throws Exception {
    read(new RdbBuilder(10).database(0).string("k", "hello").end());
    assertEquals(
        "000568656c6c6f0a006372df766534200a", HexFormat.of().formatHex(keys.get(0).dump()));
  }

  @Test
  void when_a_value_is_of_a_module_then_its_key_is_named() {
    RdbBuilder key = new RdbBuilder(10).database(0).raw(7).text("doc");
    byte[] rdb = RdbBuilder.module(key, "vectorset", 0).raw(0).end();
    String text = assertThrows(InvalidSnapshotException.class, () -> read(rdb)).getMessage();
    assertTrue(text.contains("key 'doc' is data of the module vectorset"), text);
  }

  @Test
  void when_a_module_left_something_beside_the_keys_then_it_is_passed_over() throws Exception {
    RdbBuilder aux = RdbBuilder.module(new RdbBuilder(10).raw(0xf7), "graphdata", 1).raw(2, 1);
    read(aux.raw(5).text("its own").raw(0).database(0).string("k", "v").end());
    assertEquals(1, keys.size());
  }
}
