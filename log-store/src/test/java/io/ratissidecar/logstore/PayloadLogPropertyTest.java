package io.ratissidecar.logstore;

import static io.ratissidecar.logstore.Fixtures.ID;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.ratissidecar.statemachine.entry.Entry;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;
import java.util.Random;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Random work, checked against a map; random crashes, some with a power loss. */
class PayloadLogPropertyTest {
  private static final int STEPS = 12_000;

  @TempDir(factory = MemoryDir.class)
  Path parent;

  private Random random;
  private final TreeMap<Long, Entry> model = new TreeMap<>();
  private PowerLossDisk disk;
  private PayloadLog log;
  private Path dir;
  private int directories;
  private long term = 1;
  private long tail;
  private long flushed;
  private long droppedBelow;
  private long intent = -1;

  @Test
  void when_anything_happens_then_the_log_equals_the_model() throws IOException {
    long seed = Fixtures.seed();
    random = new Random(seed);
    dir = parent.resolve("log");
    open(0);
    for (int i = 0; i < STEPS; i++) {
      try {
        step();
      } catch (IOException | RuntimeException | AssertionError e) {
        throw new AssertionError("-Dseed=" + seed + " step " + i + ": " + e.getMessage(), e);
      }
    }
    compareAll();
    log.close();
    assertTrue(LogVerifier.verify(dir).sound());
  }

  private void open(long knownDurable) throws IOException {
    disk = new PowerLossDisk(dir);
    log = PayloadLog.open(dir, ID, options(), knownDurable, disk);
  }

  private LogOptions options() {
    long segment = 1024 + random.nextInt(20_000);
    long recent = random.nextInt(3) * (long) random.nextInt(4000);
    return new LogOptions(segment, recent, random.nextInt(3) * random.nextInt(5000));
  }

  private void step() throws IOException {
    int dice = random.nextInt(1000);
    if (dice < 700) {
      append();
    } else if (dice < 850) {
      log.flush();
      allIsFlushed();
    } else if (dice < 950) {
      readSome();
    } else if (dice < 960) {
      truncate();
    } else if (dice < 965) {
      log.truncateDone();
      intent = -1;
    } else if (dice < 975) {
      log.dropPrefix(tail - random.nextInt(200));
      droppedBelow = log.firstIndex();
      model.headMap(droppedBelow, false).clear();
    } else if (dice < 977) {
      reset();
    } else if (dice < 988) {
      log.close();
      allIsFlushed();
      if (random.nextInt(4) == 0) {
        removeIndex();
      }
      open(0);
      compareAll();
    } else {
      crash();
    }
  }

  /** The last index is 0 of a log without entries; it still knows what they have to follow. */
  private void allIsFlushed() {
    flushed = Math.max(flushed, log.lastIndex());
  }

  private void append() throws IOException {
    long index = tail + 1 + (random.nextInt(5) == 0 ? random.nextInt(4) : 0);
    term += random.nextInt(20) == 0 ? random.nextInt(3) : 0;
    Entry entry = Fixtures.random(random, term, index, random.nextInt(30) == 0 ? 9000 : 200);
    log.append(entry);
    model.put(index, entry);
    tail = index;
    assertEquals(entry, log.read(index));
  }

  private void truncate() throws IOException {
    long from = Math.max(1, tail - random.nextInt(40));
    log.truncateFrom(from);
    if (!model.tailMap(from, true).isEmpty()) {
      intent = intent < 0 ? from : Math.min(intent, from);
      model.tailMap(from, true).clear();
      tail = model.isEmpty() ? tail : model.lastKey();
      flushed = tail;
      term++; // what replaces an entry has a newer term
    }
  }

  private void reset() throws IOException {
    tail += random.nextInt(10);
    log.reset(term, tail);
    model.clear();
    flushed = tail;
    intent = -1;
  }

  private void readSome() throws IOException {
    for (int i = 0; i < 5; i++) {
      long index = Math.max(0, tail - random.nextInt(300));
      assertEquals(model.get(index), log.read(index));
      Entry recent = log.recent(index);
      if (recent != null) {
        assertEquals(model.get(index), recent);
      }
    }
    long from = Math.max(0, tail - random.nextInt(300));
    long to = from + random.nextInt(100);
    int max = random.nextInt(5000);
    assertEquals(expectedRange(from, to, max), log.readRange(from, to, max));
  }

  private List<Entry> expectedRange(long from, long to, int max) {
    List<Entry> expected = new ArrayList<>();
    long total = 0;
    for (Entry e : model.subMap(from, true, to, true).values()) {
      total += e.header().payloadLength();
      if (!expected.isEmpty() && total > max) {
        break;
      }
      expected.add(e);
    }
    return expected;
  }

  private void compareAll() throws IOException {
    assertEquals(model.isEmpty() ? 0 : model.firstKey(), log.firstIndex());
    assertEquals(model.isEmpty() ? 0 : model.lastKey(), log.lastIndex());
    assertEquals(model.isEmpty() ? 0 : model.lastEntry().getValue().term(), log.lastTerm());
    assertEquals(model.size(), log.entryCount());
    assertEquals(List.copyOf(model.values()), log.readRange(0, Long.MAX_VALUE, Integer.MAX_VALUE));
    assertNull(log.read(tail + 1));
    assertEquals(
        intent < 0 ? OptionalLong.empty() : OptionalLong.of(intent), log.interruptedTruncation());
  }

  /**
   * What a dead process leaves, in a copy; after a power loss without most of what was unflushed.
   */
  private void crash() throws IOException {
    Path copy = parent.resolve("log" + ++directories);
    boolean powerLoss = random.nextBoolean();
    if (powerLoss) {
      disk.survivors(copy, random);
    } else {
      Fixtures.copy(dir, copy);
    }
    log.close();
    dir = copy;
    if (!powerLoss && random.nextBoolean()) {
      removeIndex();
    }
    boolean sound = LogVerifier.verify(dir).sound();
    assertTrue(sound, "a crash is no damage");
    open(random.nextBoolean() ? flushed : 0);
    long last = log.lastIndex();
    if (powerLoss) {
      long kept = Math.max(last, flushed);
      model.tailMap(kept, false).clear();
    }
    tail = model.isEmpty() ? Math.min(tail, Math.max(flushed, last)) : model.lastKey();
    flushed = tail;
    compareAll();
  }

  private void removeIndex() throws IOException {
    Path index = dir.resolve("index");
    if (random.nextBoolean()) {
      Files.move(index, parent.resolve("gone" + ++directories));
      return;
    }
    // Garbled: some file of it is cut to a random length.
    try (var files = Files.list(index)) {
      for (Path file : files.sorted().toList()) {
        if (Files.size(file) > 0 && random.nextBoolean()) {
          try (FileChannel channel = FileChannel.open(file, StandardOpenOption.WRITE)) {
            channel.truncate(random.nextInt((int) Files.size(file)));
          }
        }
      }
    }
  }

  @Test
  void when_blocks_are_stored_then_they_come_back() {
    random = new Random(Fixtures.seed());
    for (int round = 0; round < 300; round++) {
      long segment = random.nextLong() >>> random.nextInt(60) & Long.MAX_VALUE;
      IndexBlock block = new IndexBlock(segment);
      Map<Long, IndexBlock.Location> expected = new TreeMap<>();
      long index = segment >>> 1;
      int offset = 512;
      long at = 1;
      for (int i = 0; i <= random.nextInt(IndexBlock.CAPACITY); i++) {
        int length = 1 + random.nextInt(100_000);
        block.add(index, at, offset, length);
        expected.put(index, new IndexBlock.Location(index, at, segment, offset, length));
        offset += length;
        index += 1 + random.nextInt(3);
        at += random.nextInt(10) == 0 ? 5 : 0;
      }
      IndexBlock read = IndexBlock.parse(block.firstIndex(), block.toBytes());
      assertEquals(block.count(), read.count());
      for (IndexBlock.Location l : expected.values()) {
        assertEquals(l, read.ceiling(l.index()));
        assertEquals(l, read.floor(l.index()));
      }
    }
  }
}
