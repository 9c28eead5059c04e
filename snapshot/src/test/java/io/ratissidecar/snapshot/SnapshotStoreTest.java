package io.ratissidecar.snapshot;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.ratissidecar.statemachine.entry.UnsupportedFormatException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import java.util.zip.CRC32C;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class SnapshotStoreTest {
  private static final String CLUSTER = "00112233445566778899aabbccddeeff";
  private static final List<String> MEMBERS = List.of("1@h:1@h:11@voter", "2@h:2@h:12@learner");

  @TempDir Path dir;
  private SnapshotStore store;

  @BeforeEach
  void open() throws IOException {
    store = SnapshotStore.open(dir);
  }

  private Snapshot publish(byte[] rdb, long index) throws IOException {
    try (SnapshotDraft draft = store.begin()) {
      draft.out().write(rdb);
      return draft.publish(CLUSTER, index, MEMBERS, "7.0.15");
    }
  }

  private Snapshot publish(long index) throws IOException {
    return publish(RdbBuilder.withMarker(CLUSTER, 3, index), index);
  }

  private long files() throws IOException {
    try (Stream<Path> files = Files.list(dir)) {
      return files.count();
    }
  }

  @Test
  void when_published_then_it_is_there_after_a_restart_with_all_that_it_says() throws Exception {
    Snapshot published = publish(42);
    assertEquals(List.of(published), store.list());
    SnapshotManifest manifest = published.manifest();
    assertEquals(42, manifest.index());
    assertEquals(3, manifest.term());
    assertEquals(MEMBERS, manifest.members());
    assertEquals(Files.size(published.rdb()), manifest.rdbBytes());
    published.verify();
    assertEquals(List.of(published), SnapshotStore.open(dir).list());
  }

  @Test
  void when_seeds_are_deleted_then_snapshots_of_entries_stay() throws Exception {
    Snapshot seed =
        publish(
            RdbBuilder.withMarker(CLUSTER, SnapshotManifest.SEED_TERM, SnapshotManifest.SEED_INDEX),
            SnapshotManifest.SEED_INDEX);
    assertTrue(seed.manifest().isSeed());
    Snapshot taken = publish(42);
    assertEquals(List.of(taken, seed), SnapshotStore.readAll(dir));
    store.deleteSeeds();
    assertEquals(List.of(taken), store.list());
    assertEquals(1, files());
    assertEquals(List.of(taken), SnapshotStore.readAll(dir));
    assertEquals(List.of(), SnapshotStore.readAll(dir.resolve("missing")));
  }

  @Test
  void when_it_was_not_published_then_nothing_is_left() throws Exception {
    try (SnapshotDraft draft = store.begin()) {
      draft.out().write(new byte[100]);
      assertEquals(1, files());
    }
    assertEquals(0, files());
    SnapshotDraft crashed = store.begin();
    crashed.out().write(new byte[100]);
    assertEquals(Optional.empty(), SnapshotStore.open(dir).latest());
    assertEquals(0, files());
  }

  @Test
  void when_the_rdb_is_not_the_state_behind_one_entry_then_it_is_not_published() throws Exception {
    byte[] inTheMiddle =
        new RdbBuilder(10)
            .database(15)
            .string("ratis-sidecar:begin", "43")
            .string("ratis-sidecar:applied", "42 3 " + CLUSTER)
            .end();
    for (byte[] rdb :
        List.of(
            inTheMiddle,
            new RdbBuilder(10).database(0).string("k", "v").end(),
            RdbBuilder.withMarker("ff".repeat(16), 3, 42),
            RdbBuilder.withMarker(CLUSTER, 3, 43),
            new byte[0])) {
      assertThrows(InvalidSnapshotException.class, () -> publish(rdb, 42));
    }
    assertEquals(List.of(), store.list());
    assertEquals(0, files());
    Snapshot published = publish(42);
    assertEquals(published, publish(42)); // nothing has changed since
    assertEquals(1, files());
  }

  @Test
  void when_it_is_damaged_then_one_of_the_same_entry_takes_its_place() throws Exception {
    Snapshot damaged = publish(42);
    Files.write(damaged.rdb(), new byte[10]);
    store.markDamaged(damaged);
    assertTrue(store.isDamaged(damaged));
    Snapshot next = publish(42);
    next.verify();
    assertEquals(List.of(next), store.list());
    assertFalse(store.isDamaged(next));
    assertEquals(1, files());
  }

  /** What a process leaves that dies within a deletion, and within the publication of another. */
  @Test
  void when_killed_between_two_steps_then_the_next_start_has_what_was_published() throws Exception {
    Snapshot published = publish(42);
    Snapshot deleted = publish(41);
    Path doomed = dir.resolve("tmp-" + deleted.dir().getFileName());
    Files.move(deleted.dir(), doomed);
    Files.delete(doomed.resolve("manifest"));
    Path unpublished = Files.createDirectory(dir.resolve("tmp-1000"));
    Files.write(unpublished.resolve("dump.rdb"), RdbBuilder.withMarker(CLUSTER, 3, 43));
    SnapshotStore.writeManifest(unpublished, published.manifest());
    assertEquals(List.of(published), SnapshotStore.open(dir).list());
    assertEquals(1, files());
  }

  @Test
  void when_killed_while_one_takes_anothers_place_then_the_next_start_has_either()
      throws Exception {
    Snapshot former = publish(42);
    Path replaced = dir.resolve("replaced-" + former.dir().getFileName());
    Files.move(former.dir(), replaced);
    store = SnapshotStore.open(dir);
    assertEquals(List.of(former), store.list());
    assertEquals(1, files());
    Files.createDirectory(replaced);
    Files.write(replaced.resolve("dump.rdb"), new byte[1]);
    assertEquals(List.of(former), SnapshotStore.open(dir).list());
    assertEquals(1, files());
  }

  @Test
  void when_the_disk_has_no_room_then_none_is_taken_and_the_others_stay() throws Exception {
    Snapshot before = publish(42);
    long[] free = {20 << 20};
    SnapshotStore full =
        SnapshotStore.open(
            dir,
            bytes -> {
              if (free[0] < bytes) {
                throw new NoRoomException(dir, free[0], 0, bytes);
              }
            });
    try (SnapshotDraft draft = full.begin()) {
      byte[] part = new byte[1 << 20];
      String message =
          assertThrows(
                  NoRoomException.class,
                  () -> {
                    for (int i = 0; i < 100; i++) {
                      draft.out().write(part);
                      free[0] -= part.length;
                    }
                  })
              .getMessage();
      assertTrue(message.contains("Make room"), message);
      assertTrue(free[0] >= 0, "it took more than there was");
    }
    assertEquals(List.of(before), full.list());
    assertEquals(1, files());
  }

  @Test
  void when_there_are_more_than_wanted_then_the_oldest_go() throws Exception {
    publish(5);
    publish(100);
    Snapshot newest = publish(1000);
    List<Snapshot> two = store.list().subList(0, 2);
    store.retain(two::contains);
    assertEquals(newest, store.latest().orElseThrow());
    assertEquals(2, store.list().size());
    assertEquals(2, files());
    assertEquals(store.list(), SnapshotStore.open(dir).list());
  }

  @Test
  void when_a_byte_of_the_rdb_has_changed_then_verify_says_so() throws Exception {
    Snapshot snapshot = publish(42);
    byte[] bytes = Files.readAllBytes(snapshot.rdb());
    bytes[12] ^= 1;
    Files.write(snapshot.rdb(), bytes);
    assertTrue(
        assertThrows(InvalidSnapshotException.class, snapshot::verify)
            .getMessage()
            .contains("SHA-256"));
    Files.write(snapshot.rdb(), new byte[3]);
    assertTrue(
        assertThrows(InvalidSnapshotException.class, snapshot::verify)
            .getMessage()
            .contains("has 3 bytes"));
  }

  @Test
  void when_a_manifest_is_damaged_or_newer_then_opening_says_which() throws Exception {
    Path manifest = publish(42).dir().resolve("manifest");
    String text = Files.readString(manifest);
    Files.writeString(manifest, text.replace("index=42", "index=43"));
    assertTrue(
        assertThrows(InvalidSnapshotException.class, () -> SnapshotStore.open(dir))
            .getMessage()
            .contains(manifest + " is damaged"));
    String newer = text.substring(0, text.indexOf("crc32c=")).replace("version=1", "version=2");
    CRC32C crc = new CRC32C();
    crc.update(newer.getBytes(StandardCharsets.UTF_8));
    Files.writeString(manifest, newer + "crc32c=" + Long.toHexString(crc.getValue()) + "\n");
    assertTrue(
        assertThrows(UnsupportedFormatException.class, () -> SnapshotStore.open(dir))
            .getMessage()
            .contains("format version 2"));
  }
}
