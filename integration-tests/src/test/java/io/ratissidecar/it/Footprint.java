package io.ratissidecar.it;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/** What a node takes of disk, memory and the system's tables at this moment. */
final class Footprint {
  private static final Pattern RESIDENT = Pattern.compile("VmRSS:\\s+(\\d+) kB");
  private static final Pattern USED_MEMORY = Pattern.compile("used_memory:(\\d+)");
  private static final Pattern LIVE = Pattern.compile("(?m)^Total\\s+\\d+\\s+(\\d+)");

  /** Below the node's directory: the test's own, and what processes say. */
  private static final List<Path> NOT_COUNTED =
      List.of(
          Path.of("tmp"),
          Path.of("stdout.txt"),
          Path.of("stderr.txt"),
          Path.of("redis", "redis.log"));

  private Footprint() {}

  /** All that can be had: of a process that is down there is nothing. */
  static Map<Measure, Long> of(Node node) {
    Map<Measure, Long> found = new EnumMap<>(Measure.class);
    Path dir = node.dir();
    found.put(Measure.FILES, bytesBelow(dir, dir));
    found.put(Measure.LOG, bytesBelow(dir.resolve("log"), dir));
    found.put(Measure.LOG_INDEX, bytesBelow(dir.resolve("log").resolve("index"), dir));
    found.put(Measure.RAFT, bytesBelow(dir.resolve("raft"), dir));
    found.put(Measure.SNAPSHOTS, bytesBelow(dir.resolve("snapshots"), dir));
    found.put(Measure.REDIS_FILES, bytesBelow(dir.resolve("redis"), dir));
    Path process = Path.of("/proc", Long.toString(node.pid()));
    try {
      found.put(Measure.DESCRIPTORS, entries(process.resolve("fd")));
      found.put(Measure.THREADS, entries(process.resolve("task")));
      found.put(Measure.RESIDENT, residentBytes(node));
    } catch (UncheckedIOException e) {
      // The sidecar has just been killed.
    }
    try {
      number(USED_MEMORY, node.redisCall("INFO", "memory").text())
          .ifPresent(bytes -> found.put(Measure.REDIS_MEMORY, bytes));
    } catch (IOException e) {
      // Its Redis has just been killed.
    }
    return found;
  }

  static long residentBytes(Node node) {
    try {
      String status = Files.readString(Path.of("/proc", Long.toString(node.pid()), "status"));
      return 1024 * number(RESIDENT, status).orElse(0);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** What is in use of the sidecar's heap after a collection, which this brings about. */
  static OptionalLong liveHeapBytes(Node node) {
    try {
      Path jcmd = Path.of(System.getProperty("java.home"), "bin", "jcmd");
      Process process =
          new ProcessBuilder(jcmd.toString(), Long.toString(node.pid()), "GC.class_histogram")
              .redirectErrorStream(true)
              .start();
      String out = new String(process.getInputStream().readAllBytes(), StandardCharsets.ISO_8859_1);
      return number(LIVE, out);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static OptionalLong number(Pattern pattern, String text) {
    Matcher matcher = pattern.matcher(text);
    return matcher.find()
        ? OptionalLong.of(Long.parseLong(matcher.group(1)))
        : OptionalLong.empty();
  }

  private static long entries(Path dir) {
    try (Stream<Path> entries = Files.list(dir)) {
      return entries.count();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Files come and go meanwhile; one that is gone counts nothing. */
  private static long bytesBelow(Path dir, Path nodeDir) {
    long[] sum = new long[1];
    try {
      Files.walkFileTree(
          dir,
          new SimpleFileVisitor<>() {
            @Override
            public FileVisitResult preVisitDirectory(Path d, BasicFileAttributes attributes) {
              return isCounted(d) ? FileVisitResult.CONTINUE : FileVisitResult.SKIP_SUBTREE;
            }

            @Override
            public FileVisitResult visitFile(Path file, BasicFileAttributes attributes) {
              sum[0] += isCounted(file) ? attributes.size() : 0;
              return FileVisitResult.CONTINUE;
            }

            @Override
            public FileVisitResult visitFileFailed(Path file, IOException e) {
              return FileVisitResult.CONTINUE;
            }

            @Override
            public FileVisitResult postVisitDirectory(Path d, IOException e) {
              return FileVisitResult.CONTINUE;
            }

            private boolean isCounted(Path path) {
              return !NOT_COUNTED.contains(nodeDir.relativize(path));
            }
          });
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return sum[0];
  }
}
