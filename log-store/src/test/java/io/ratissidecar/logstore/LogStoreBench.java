package io.ratissidecar.logstore;

import static java.nio.charset.StandardCharsets.US_ASCII;

import io.ratissidecar.statemachine.entry.Entry;
import io.ratissidecar.statemachine.entry.EntryHeader;
import io.ratissidecar.statemachine.entry.EntryType;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Comparator;
import java.util.Random;
import java.util.stream.Stream;

/** Prints what the log does a second. First argument: a directory, else a temporary one. */
public final class LogStoreBench {
  private static final LogIdentity ID = new LogIdentity("bench", 1);
  private static final long GIB = 1L << 30;
  private static final int COMMANDS = 100;

  private LogStoreBench() {}

  public static void main(String[] args) throws IOException {
    Path dir =
        args.length > 0
            ? Files.createDirectories(Path.of(args[0]))
            : Files.createTempDirectory("log-store-bench");
    System.out.printf("%-58s %14s %14s%n", "what", "measured", "target");
    try {
      append(dir.resolve("warm"), 100_000_000, false);
      flushes(dir.resolve("plain"), 0);
      flushes(dir.resolve("preallocated"), LogOptions.defaults().preallocateBytes());
      append(dir.resolve("batches"), GIB, true);
      reads(dir.resolve("batches"));
      opens(dir.resolve("batches"), "1 GiB, batches of 100");
      small(dir.resolve("single"));
      opens(dir.resolve("single"), "1 GiB, single small SETs");
    } finally {
      delete(dir);
    }
  }

  private static void append(Path dir, long bytes, boolean print) throws IOException {
    byte[] payload = commands(COMMANDS);
    long entries = bytes / (payload.length + 200);
    long longest = 0;
    long nanos;
    try (PayloadLog log = PayloadLog.open(dir, ID, LogOptions.defaults())) {
      long start = System.nanoTime();
      for (long i = 1; i <= entries; i++) {
        long before = System.nanoTime();
        log.append(entry(i, payload));
        longest = Math.max(longest, System.nanoTime() - before);
      }
      nanos = System.nanoTime() - start;
    }
    if (print) {
      double rate = entries * (double) COMMANDS / nanos * 1e3;
      row("append, batches of 100 SETs of 64 bytes, no fsync", rate, "M commands/s", ">= 1");
      row("  per append", nanos / 1e3 / entries, "us", "");
      row("  longest append (a new segment; syncs the old one)", longest / 1e6, "ms", "");
      row("  index bytes per entry on disk", indexBytes(dir) / (double) entries, "bytes", "<= 32");
    }
  }

  private static void small(Path dir) throws IOException {
    byte[] payload = commands(1);
    long entries = GIB / (payload.length + 200);
    long start = System.nanoTime();
    try (PayloadLog log = PayloadLog.open(dir, ID, LogOptions.defaults())) {
      for (long i = 1; i <= entries; i++) {
        log.append(entry(i, payload));
      }
    }
    double micros = (System.nanoTime() - start) / 1e3 / entries;
    row("append, single SETs of 64 bytes, no fsync", 1 / micros, "M commands/s", "");
    row("  index bytes per entry on disk", indexBytes(dir) / (double) entries, "bytes", "<= 32");
  }

  private static void reads(Path dir) throws IOException {
    int reads = 200_000;
    Random random = new Random(1);
    try (PayloadLog log = PayloadLog.open(dir, ID, new LogOptions(64 << 20, 0, 0))) {
      long last = log.lastIndex();
      long[] nanos = new long[reads];
      for (int round = 0; round < 2; round++) {
        for (int i = 0; i < reads; i++) {
          long index = 1 + Math.floorMod(random.nextLong(), last);
          long start = System.nanoTime();
          log.read(index);
          nanos[i] = System.nanoTime() - start;
        }
      }
      Arrays.sort(nanos);
      row(
          "random read of 10 KB from the page cache, median",
          nanos[reads / 2] / 1e3,
          "us",
          "<= 20");
      row("  99th percentile", nanos[reads * 99 / 100] / 1e3, "us", "");
      long start = System.nanoTime();
      long bytes = 0;
      for (long next = 1; next <= last; ) {
        for (Entry e : log.readRange(next, last, 1 << 20)) {
          bytes += e.header().payloadLength();
          next = e.index() + 1;
        }
      }
      row("readRange, 1 MiB each", bytes / 1e6 / ((System.nanoTime() - start) / 1e9), "MB/s", "");
    }
  }

  private static void opens(Path dir, String what) throws IOException {
    for (int round = 0; round < 2; round++) {
      row("open after a clean close, " + what, open(dir), "s", "<= 3");
    }
    for (int round = 0; round < 2; round++) {
      Files.delete(dir.resolve("clean"));
      row("open after a crash, " + what, open(dir), "s", "<= 3");
    }
  }

  private static double open(Path dir) throws IOException {
    long start = System.nanoTime();
    try (PayloadLog log = PayloadLog.open(dir, ID, LogOptions.defaults())) {
      double seconds = (System.nanoTime() - start) / 1e9;
      if (log.lastIndex() == 0) {
        throw new IllegalStateException("nothing there");
      }
      return seconds;
    }
  }

  private static void flushes(Path dir, int preallocate) throws IOException {
    int n = 5000;
    byte[] payload = commands(COMMANDS);
    long[] nanos = new long[n];
    try (PayloadLog log =
        PayloadLog.open(dir, ID, new LogOptions(64 << 20, 16 << 20, preallocate))) {
      for (int i = 0; i < n; i++) {
        long start = System.nanoTime();
        log.append(entry(i + 1, payload));
        log.flush();
        nanos[i] = System.nanoTime() - start;
      }
    }
    double mean = Arrays.stream(nanos).average().orElse(0) / 1e3;
    Arrays.sort(nanos);
    String what = "append and flush, batch of 100, preallocating " + preallocate / 1024 + " KiB";
    row(what + ", mean", mean, "us", "");
    row("  median", nanos[n / 2] / 1e3, "us", "");
    row("  99th percentile", nanos[n * 99 / 100] / 1e3, "us", "");
  }

  private static Entry entry(long index, byte[] payload) {
    ByteBuffer bytes = ByteBuffer.wrap(payload);
    return new Entry(
        1, index, EntryHeader.of(EntryType.COMMANDS, 1_700_000_000_000L, index, bytes), bytes);
  }

  private static byte[] commands(int count) {
    String value = "v".repeat(64);
    StringBuilder all = new StringBuilder();
    for (int i = 0; i < count; i++) {
      all.append(Fixtures.set("key:%08d".formatted(i), value));
    }
    return all.toString().getBytes(US_ASCII);
  }

  private static long indexBytes(Path dir) throws IOException {
    long bytes = 0;
    try (Stream<Path> files = Files.list(dir.resolve("index"))) {
      for (Path file : files.toList()) {
        bytes += Files.size(file);
      }
    }
    return bytes;
  }

  private static void row(String what, double measured, String unit, String target) {
    System.out.printf("%-58s %10.2f %-13s %s%n", what, measured, unit, target);
  }

  private static void delete(Path dir) throws IOException {
    try (Stream<Path> files = Files.walk(dir)) {
      for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
        Files.delete(file);
      }
    }
  }
}
