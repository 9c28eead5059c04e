package io.ratissidecar.snapshot;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.ratissidecar.snapshot.SnapshotDownload.Progress;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class SnapshotDownloadTest {
  private static final String CLUSTER = "00112233445566778899aabbccddeeff";
  private static final int BIG = 3 << 20;

  @TempDir Path dir;
  private SnapshotStore theirs;
  private SnapshotStore ours;
  private Source source;
  private long now;
  private int newestRdbVersion = 10;
  private final List<Long> sleeps = new ArrayList<>();

  /** Reads from another store, and fails where a test wants it. */
  private final class Source implements ChunkSource {
    private final List<Long> offsets = new ArrayList<>();
    private long cutAt = Long.MAX_VALUE;
    private long endAt = Long.MAX_VALUE;
    private long flipAt = -1;
    private final List<Long> doubted = new ArrayList<>();
    private Runnable beforeRead = () -> {};

    @Override
    public byte[] latest() throws IOException {
      return theirs
          .latest()
          .orElseThrow(() -> new SnapshotGoneException("none"))
          .manifest()
          .toBytes();
    }

    @Override
    public byte[] manifest(long index, long term) throws IOException {
      return find(index, term).manifest().toBytes();
    }

    @Override
    public void doubt(long index, long term) {
      doubted.add(index);
    }

    private Snapshot find(long index, long term) throws IOException {
      return theirs.find(index, term).orElseThrow(() -> new SnapshotGoneException("gone"));
    }

    @Override
    public byte[] read(long index, long term, long offset, int length) throws IOException {
      beforeRead.run();
      if (offset >= cutAt) {
        throw new IOException("connection reset");
      }
      offsets.add(offset);
      long end = Math.min(Math.min(cutAt, endAt), offset + length);
      byte[] chunk = find(index, term).read(offset, (int) Math.max(0, end - offset));
      if (flipAt >= offset && flipAt < offset + chunk.length) {
        chunk[(int) (flipAt - offset)] ^= (byte) (1 << flipAt % 8);
      }
      return chunk;
    }
  }

  @BeforeEach
  void open() throws IOException {
    theirs = SnapshotStore.open(dir.resolve("theirs"));
    ours = SnapshotStore.open(dir.resolve("ours"));
    source = new Source();
  }

  private static byte[] rdb(long index, int bytes) {
    RdbBuilder rdb = new RdbBuilder(10).database(0);
    String value = "v".repeat(10_000);
    for (int i = 0; i * value.length() < bytes; i++) {
      rdb.string("k" + i, value);
    }
    return rdb.database(15)
        .string("ratis-sidecar:begin", Long.toString(index))
        .string("ratis-sidecar:applied", index + " 3 " + CLUSTER)
        .end();
  }

  private Snapshot publish(long index, int bytes) throws IOException {
    try (SnapshotDraft draft = theirs.begin()) {
      draft.out().write(rdb(index, bytes));
      return draft.publish(CLUSTER, index, List.of("1@h:1@h:11@voter"), "7.0.15");
    }
  }

  private SnapshotDownload download(long bytesPerSecond) {
    Throttle throttle =
        new Throttle(
            bytesPerSecond,
            () -> now,
            nanos -> {
              sleeps.add(nanos);
              now += nanos;
            });
    return new SnapshotDownload(ours, source, CLUSTER, throttle, () -> newestRdbVersion);
  }

  private void restart() throws IOException {
    ours = SnapshotStore.open(dir.resolve("ours"));
  }

  private List<String> ourFiles() throws IOException {
    try (Stream<Path> files = Files.list(dir.resolve("ours"))) {
      return files.map(file -> file.getFileName().toString()).toList();
    }
  }

  private void assertSame(Snapshot expected, Snapshot actual) throws IOException {
    assertEquals(expected.manifest(), actual.manifest());
    assertArrayEquals(Files.readAllBytes(expected.rdb()), Files.readAllBytes(actual.rdb()));
    assertEquals(1, ourFiles().size());
    restart();
    assertEquals(List.of(actual), ours.list());
  }

  @Test
  void when_nothing_happens_then_it_arrives_in_pieces_of_a_mebibyte() throws Exception {
    publish(41, 10);
    Snapshot newest = publish(42, BIG);
    SnapshotDownload download = download(0);
    assertEquals(new Progress(0, 0), download.progress());
    assertSame(newest, download.run(42));
    assertEquals(List.of(0L, 1L << 20, 2L << 20), source.offsets.subList(0, 3));
    long size = newest.manifest().rdbBytes();
    assertEquals(new Progress(size, size), download.progress());
    assertEquals(List.of(), sleeps);
  }

  @ParameterizedTest
  @ValueSource(longs = {0, 1, 8, 9, 500_000, (1 << 20) - 1, 1 << 20, (2 << 20) + 7, BIG})
  void when_the_connection_is_cut_then_the_next_run_goes_on_there(long offset) throws Exception {
    Snapshot theirSnapshot = publish(42, BIG);
    SnapshotDownload download = download(0);
    source.cutAt = offset;
    IOException cut = assertThrows(IOException.class, () -> download.run(42));
    assertEquals("connection reset", cut.getMessage());
    assertEquals(List.of(), ours.list());
    source.cutAt = Long.MAX_VALUE;
    source.offsets.clear();
    assertSame(theirSnapshot, download.run(42));
    assertEquals(offset, source.offsets.get(0));
  }

  @ParameterizedTest
  @ValueSource(longs = {0, 1, 1_234_567, BIG})
  void when_the_process_ends_then_the_next_one_goes_on_there(long offset) throws Exception {
    Snapshot theirSnapshot = publish(42, BIG);
    source.cutAt = offset;
    assertThrows(IOException.class, () -> download(0).run(42));
    source.cutAt = Long.MAX_VALUE;
    source.offsets.clear();
    restart();
    assertSame(theirSnapshot, download(0).run(42));
    assertEquals(offset, source.offsets.get(0));
  }

  @Test
  void when_there_is_a_newer_one_meanwhile_then_the_begun_one_is_ended() throws Exception {
    Snapshot begun = publish(42, BIG);
    source.cutAt = 1000;
    assertThrows(IOException.class, () -> download(0).run(40));
    source.cutAt = Long.MAX_VALUE;
    publish(50, 100);
    assertEquals(begun.manifest(), download(0).run(40).manifest());
  }

  @Test
  void when_the_begun_one_is_too_old_by_now_then_the_newest_is_fetched() throws Exception {
    publish(42, BIG);
    source.cutAt = 1000;
    assertThrows(IOException.class, () -> download(0).run(40));
    source.cutAt = Long.MAX_VALUE;
    assertSame(publish(50, 100), download(0).run(43));
  }

  @Test
  void when_another_node_has_one_of_the_same_entry_then_it_is_fetched_from_its_beginning()
      throws Exception {
    publish(42, BIG);
    source.cutAt = 1000;
    assertThrows(IOException.class, () -> download(0).run(42));
    source.cutAt = Long.MAX_VALUE;
    theirs = SnapshotStore.open(dir.resolve("another"));
    assertSame(publish(42, BIG + 20_000), download(0).run(42));
  }

  @Test
  void when_the_source_deletes_it_then_it_is_told_and_the_next_run_gets_the_newer_one()
      throws Exception {
    publish(42, BIG);
    source.beforeRead =
        () -> {
          if (source.offsets.size() == 2) {
            try {
              publish(50, 100);
              theirs.retain(theirs.latest().orElseThrow()::equals);
            } catch (IOException e) {
              throw new AssertionError(e);
            }
          }
        };
    assertThrows(SnapshotGoneException.class, () -> download(0).run(42));
    source.beforeRead = () -> {};
    assertSame(theirs.latest().orElseThrow(), download(0).run(42));
  }

  @Test
  void when_there_is_none_that_is_new_enough_then_it_says_so() throws Exception {
    assertThrows(SnapshotGoneException.class, () -> download(0).run(1));
    publish(42, 10);
    IOException e = assertThrows(SnapshotGoneException.class, () -> download(0).run(43));
    assertTrue(e.getMessage().contains("entry 42, needed is 43"), e.getMessage());
    assertEquals(List.of(), ourFiles());
  }

  @Test
  void when_this_node_has_one_then_nothing_is_fetched() throws Exception {
    publish(42, 10);
    Snapshot got = download(0).run(42);
    publish(43, 10);
    source.offsets.clear();
    assertEquals(got, download(0).run(42));
    assertEquals(List.of(), source.offsets);
  }

  @Test
  void when_a_bit_changes_on_the_way_then_it_is_refused_and_nothing_is_kept() throws Exception {
    long seed = Long.getLong("seed", System.nanoTime());
    System.out.println("bit flips with -Dseed=" + seed);
    Random random = new Random(seed);
    Snapshot theirSnapshot = publish(42, 300_000);
    for (int i = 0; i < 50; i++) {
      source.flipAt = random.nextInt((int) theirSnapshot.manifest().rdbBytes());
      InvalidSnapshotException e =
          assertThrows(InvalidSnapshotException.class, () -> download(0).run(42));
      assertTrue(e.getMessage().contains("SHA-256"), e.getMessage());
      assertEquals(List.of(), ourFiles());
      assertEquals(List.of(), ours.list());
    }
  }

  @Test
  void when_a_bit_of_the_manifest_changes_then_it_is_refused() throws Exception {
    publish(42, 10);
    byte[] manifest = source.latest();
    manifest[20] ^= 1;
    ChunkSource damaged =
        new ChunkSource() {
          @Override
          public byte[] latest() {
            return manifest;
          }

          @Override
          public byte[] manifest(long index, long term) {
            return manifest;
          }

          @Override
          public byte[] read(long index, long term, long offset, int length) {
            throw new AssertionError("nothing is to be read");
          }

          @Override
          public void doubt(long index, long term) {
            throw new AssertionError("nothing was read");
          }
        };
    Throttle none = new Throttle(0, () -> 0, nanos -> {});
    InvalidSnapshotException e =
        assertThrows(
            InvalidSnapshotException.class,
            () -> new SnapshotDownload(ours, damaged, CLUSTER, none, () -> 10).run(42));
    assertTrue(e.getMessage().contains("manifest of the other node's"), e.getMessage());
  }

  @Test
  void when_the_rdb_is_of_another_entry_or_cluster_then_it_is_refused() throws Exception {
    replace(publish(42, 10), rdb(43, 10));
    InvalidSnapshotException e =
        assertThrows(InvalidSnapshotException.class, () -> download(0).run(42));
    assertTrue(e.getMessage().contains("is the state of entry 43"), e.getMessage());
    assertEquals(List.of(), ourFiles());

    Throttle none = new Throttle(0, () -> 0, nanos -> {});
    assertTrue(
        assertThrows(
                InvalidSnapshotException.class,
                () -> new SnapshotDownload(ours, source, "ff", none, () -> 10).run(42))
            .getMessage()
            .contains("not of ff"));
  }

  /** The source's memory was bad, say, when the RDB was written. */
  @Test
  void when_only_the_checksum_of_the_rdb_itself_is_wrong_then_it_is_refused() throws Exception {
    byte[] rdb = rdb(42, 10);
    rdb[rdb.length - 1] ^= 1;
    replace(publish(42, 10), rdb);
    InvalidSnapshotException e =
        assertThrows(InvalidSnapshotException.class, () -> download(0).run(42));
    assertTrue(e.getMessage().contains("its checksum is"), e.getMessage());
    assertEquals(List.of(), ourFiles());
  }

  /** Gives the source's snapshot another RDB, which its manifest tells the truth about. */
  private void replace(Snapshot snapshot, byte[] rdb) throws IOException {
    Files.write(snapshot.rdb(), rdb);
    SnapshotManifest m = snapshot.manifest();
    Files.write(
        snapshot.dir().resolve("manifest"),
        new SnapshotManifest(
                m.clusterId(),
                m.term(),
                m.index(),
                m.members(),
                m.time(),
                rdb.length,
                sha256(rdb),
                m.redisVersion())
            .toBytes());
    theirs = SnapshotStore.open(dir.resolve("theirs"));
  }

  private static String sha256(byte[] bytes) {
    return java.util.HexFormat.of().formatHex(Sha256.create().digest(bytes));
  }

  @Test
  void when_the_source_ends_too_early_then_it_is_refused() throws Exception {
    publish(42, BIG);
    source.endAt = 2_000_000;
    InvalidSnapshotException e =
        assertThrows(InvalidSnapshotException.class, () -> download(0).run(42));
    assertTrue(e.getMessage().contains("0 bytes"), e.getMessage());
    assertTrue(e.getMessage().contains("at offset 2000000"), e.getMessage());
    assertEquals(List.of(), ourFiles());
  }

  @Test
  void when_the_part_was_damaged_on_disk_then_the_whole_is_refused() throws Exception {
    Snapshot theirSnapshot = publish(42, BIG);
    source.cutAt = 1000;
    assertThrows(IOException.class, () -> download(0).run(42));
    source.cutAt = Long.MAX_VALUE;
    Path part = dir.resolve("ours").resolve(ourFiles().get(0)).resolve("dump.rdb");
    byte[] bytes = Files.readAllBytes(part);
    bytes[999] ^= 1;
    Files.write(part, bytes);
    assertThrows(InvalidSnapshotException.class, () -> download(0).run(42));
    assertSame(theirSnapshot, download(0).run(42));
  }

  @Test
  void when_the_part_on_disk_is_of_no_use_then_opening_deletes_it() throws Exception {
    publish(42, BIG);
    source.cutAt = 1000;
    assertThrows(IOException.class, () -> download(0).run(42));
    restart();
    String partial = ourFiles().get(0);
    assertEquals("partial-00000000000000000042-3", partial);
    Path manifest = dir.resolve("ours").resolve(partial).resolve("manifest");
    byte[] whole = Files.readAllBytes(manifest);
    Files.write(manifest, new byte[] {1});
    restart();
    assertEquals(List.of(), ourFiles());

    assertThrows(IOException.class, () -> download(0).run(42));
    assertArrayEquals(whole, Files.readAllBytes(manifest));
    try (SnapshotDraft own = ours.begin()) {
      own.out().write(rdb(42, 10));
      own.publish(CLUSTER, 42, List.of(), "7.0.15");
    }
    restart();
    assertEquals(List.of("snapshot-00000000000000000042-3"), ourFiles());
  }

  @Test
  void when_the_bandwidth_is_limited_then_it_takes_as_long_as_it_should() throws Exception {
    Snapshot theirSnapshot = publish(42, BIG);
    assertSame(theirSnapshot, download(1 << 20).run(42));
    long bytes = theirSnapshot.manifest().rdbBytes();
    assertEquals(bytes * 1e9 / (1 << 20), now, 1000);
    assertTrue(sleeps.stream().allMatch(nanos -> nanos <= TimeUnit.MILLISECONDS.toNanos(250)));
    assertEquals(256 << 10, source.offsets.get(1));
  }

  @Test
  void when_a_limited_transfer_pauses_then_no_burst_makes_up_for_it() throws Exception {
    Throttle throttle =
        new Throttle(
            1000,
            () -> now,
            nanos -> {
              sleeps.add(nanos);
              now += nanos;
            });
    throttle.transferred(100);
    now += TimeUnit.SECONDS.toNanos(60);
    throttle.transferred(100);
    assertEquals(List.of(100_000_000L, 100_000_000L), sleeps);
    now += TimeUnit.MILLISECONDS.toNanos(40);
    throttle.transferred(100);
    assertEquals(100_000_000L, sleeps.get(2));
    assertEquals(250, throttle.pieceBytes(1 << 20));
    assertEquals(1, new Throttle(1, () -> now, nanos -> {}).pieceBytes(1 << 20));
  }

  @Test
  void when_it_is_interrupted_then_it_ends_and_what_has_come_stays() throws Exception {
    Snapshot theirSnapshot = publish(42, BIG);
    source.beforeRead =
        () -> {
          if (source.offsets.size() == 2) {
            Thread.currentThread().interrupt();
          }
        };
    assertThrows(InterruptedException.class, () -> download(0).run(42));
    assertFalse(Thread.interrupted());
    source.beforeRead = () -> {};
    source.offsets.clear();
    Thread.currentThread().interrupt();
    assertThrows(InterruptedException.class, () -> download(0).run(42));
    assertEquals(List.of(), source.offsets);
    assertSame(theirSnapshot, download(0).run(42));
    assertEquals(2 << 20, source.offsets.get(0));
  }

  @Test
  void when_it_came_damaged_then_the_source_hears_it() throws Exception {
    Snapshot theirSnapshot = publish(42, BIG);
    for (long flipped : new long[] {0, BIG / 2}) {
      source.flipAt = flipped;
      assertThrows(InvalidSnapshotException.class, () -> download(0).run(42));
      assertEquals(List.of(), ourFiles());
    }
    assertEquals(List.of(42L, 42L), source.doubted);
    source.flipAt = -1;
    assertSame(theirSnapshot, download(0).run(42));
  }

  @Test
  void when_the_local_redis_is_too_old_for_it_then_that_is_known_before_much_has_come()
      throws Exception {
    publish(42, BIG);
    newestRdbVersion = 9;
    String message =
        assertThrows(InvalidSnapshotException.class, () -> download(0).run(42)).getMessage();
    assertTrue(message.contains("reads RDB files up to version 9"), message);
    assertEquals(List.of(0L), source.offsets);
    assertEquals(List.of(), ourFiles());
    assertEquals(List.of(), source.doubted);
  }

  @Test
  void when_it_does_not_fit_on_the_disk_then_nothing_of_it_stays() throws Exception {
    publish(42, BIG);
    ours =
        SnapshotStore.open(
            dir.resolve("ours"),
            bytes -> {
              throw new NoRoomException(dir, 0, 0, bytes);
            });
    assertThrows(NoRoomException.class, () -> download(0).run(42));
    assertEquals(List.of(), ourFiles());
  }

  @Test
  void when_a_snapshot_is_in_use_then_it_is_not_deleted() throws Exception {
    Snapshot oldest = publish(5, 10);
    publish(6, 10);
    Snapshot newest = publish(7, 10);
    theirs.retain(List.of(newest, oldest)::contains);
    assertEquals(List.of(newest, oldest), theirs.list());
    theirs.retain(newest::equals);
    assertEquals(List.of(newest), theirs.list());
  }

  /** Each node has its own RDB of an entry, and this node's are wrong. */
  @Test
  void when_own_ones_are_wrong_then_another_nodes_takes_the_place_of_all() throws Exception {
    for (long index : new long[] {40, 42, 44}) {
      try (SnapshotDraft draft = ours.begin()) {
        draft.out().write(rdb(index, 10_000));
        draft.publish(CLUSTER, index, List.of("1@h:1@h:11@voter"), "7.0.15");
      }
    }
    Snapshot right = publish(42, 30_000);
    assertEquals(44, download(0).run(42).manifest().index(), "an own one would do");
    PartialSnapshot fetched = download(0).runAnew(42);
    assertEquals(3, ours.list().size(), "nothing has changed yet");
    assertSame(right, fetched.publishAlone());
  }
}
