package io.ratissidecar.logstore;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.ratissidecar.statemachine.entry.Entry;
import io.ratissidecar.statemachine.entry.EntryHeader;
import io.ratissidecar.statemachine.entry.EntryType;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.stream.Stream;

/** What several tests need. */
final class Fixtures {
  static final LogIdentity ID = new LogIdentity("cluster-1", 7);

  /** Small segments, nothing in memory, a little preallocation. */
  static final LogOptions SMALL = new LogOptions(2048, 0, 512);

  private Fixtures() {}

  static Entry entry(long term, long index, String payload) {
    return entry(term, index, payload.getBytes(UTF_8));
  }

  static Entry entry(long term, long index, byte[] payload) {
    ByteBuffer bytes = ByteBuffer.wrap(payload);
    EntryHeader header =
        EntryHeader.of(EntryType.COMMANDS, 1_700_000_000_000L + index, ~index, bytes);
    return new Entry(term, index, header, bytes);
  }

  static Entry random(Random random, long term, long index, int maxPayload) {
    byte[] payload = new byte[random.nextInt(maxPayload + 1)];
    random.nextBytes(payload);
    ByteBuffer bytes = ByteBuffer.wrap(payload);
    EntryType type = random.nextBoolean() ? EntryType.COMMANDS : EntryType.CLUSTER;
    EntryHeader header = EntryHeader.of(type, random.nextLong(), random.nextLong(), bytes);
    return new Entry(term, index, header, bytes);
  }

  static String set(String key, String value) {
    return "*3\r\n$3\r\nSET\r\n$%d\r\n%s\r\n$%d\r\n%s\r\n"
        .formatted(key.length(), key, value.length(), value);
  }

  static PayloadLog open(Path dir) throws IOException {
    return PayloadLog.open(dir, ID, SMALL);
  }

  /** A log with entries 1 to {@code last}, each flushed, closed or left as a crash would. */
  static void fill(Path dir, int last, boolean clean) throws IOException {
    Path made = clean ? dir : Files.createTempDirectory(dir.getParent(), "made");
    try (PayloadLog log = open(made)) {
      for (int i = 1; i <= last; i++) {
        log.append(entry(1, i, set("key" + i, "v".repeat(40))));
        log.flush();
      }
      if (!clean) {
        copy(made, dir);
      }
    }
  }

  static List<Path> segments(Path dir) throws IOException {
    return Recovery.segmentFiles(dir);
  }

  /**
   * Copies the files as they are now, which is what a killed process leaves. RocksDB deletes files
   * of the index in the background; where one goes before its turn, the copy is made anew.
   */
  static void copy(Path from, Path to) throws IOException {
    for (int attempt = 1; ; attempt++) {
      try {
        copyOnce(from, to);
        return;
      } catch (NoSuchFileException e) {
        if (attempt == 100) {
          throw e;
        }
      }
    }
  }

  private static void copyOnce(Path from, Path to) throws IOException {
    delete(to);
    try (Stream<Path> files = Files.walk(from)) {
      for (Path file : files.toList()) {
        Path target = to.resolve(from.relativize(file).toString());
        if (Files.isDirectory(file)) {
          Files.createDirectories(target);
        } else {
          Files.copy(file, target);
        }
      }
    } catch (UncheckedIOException e) {
      throw e.getCause();
    }
  }

  private static void delete(Path tree) throws IOException {
    if (Files.exists(tree)) {
      try (Stream<Path> files = Files.walk(tree)) {
        for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
          Files.delete(file);
        }
      }
    }
  }

  static Map<String, byte[]> bytesOfSegments(Path dir) throws IOException {
    Map<String, byte[]> bytes = new TreeMap<>();
    for (Path file : segments(dir)) {
      bytes.put(file.getFileName().toString(), Files.readAllBytes(file));
    }
    return bytes;
  }

  static List<Long> indexes(PayloadLog log) throws IOException {
    List<Long> found = new ArrayList<>();
    for (Entry e : log.readRange(0, Long.MAX_VALUE, Integer.MAX_VALUE)) {
      found.add(e.index());
    }
    return found;
  }

  static long seed() {
    long seed = Long.getLong("seed", System.nanoTime());
    System.out.println("-Dseed=" + seed);
    return seed;
  }
}
