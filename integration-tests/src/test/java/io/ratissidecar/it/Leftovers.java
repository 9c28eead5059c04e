package io.ratissidecar.it;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

/** Finds temporary files and directories of a node that nobody writes or deletes any more. */
final class Leftovers {
  /** Looks in a row that show the same: nothing waits that long for its next byte. */
  private static final int LOOKS = 15;

  private final Map<String, Integer> seen = new HashMap<>();

  /** Looks once; returns those that have been there unchanged for many looks. */
  List<String> look(Node node) {
    Map<String, Integer> now = new HashMap<>();
    for (Path path : temporary(node)) {
      String state = node.name() + ": " + node.dir().relativize(path) + " of " + state(path);
      now.put(state, seen.getOrDefault(state, 0) + 1);
    }
    seen.keySet().removeIf(state -> state.startsWith(node.name() + ":"));
    seen.putAll(now);
    return now.keySet().stream().filter(state -> now.get(state) >= LOOKS).sorted().toList();
  }

  /** What has a name that only unfinished things have. */
  static List<Path> temporary(Node node) {
    return Stream.of("snapshots", "redis", "log", "raft")
        .flatMap(dir -> list(node.dir().resolve(dir)))
        .filter(path -> path.getFileName().toString().matches("(tmp|partial|temp)-.*|.*\\.tmp"))
        .toList();
  }

  private static Stream<Path> list(Path dir) {
    try (Stream<Path> entries = Files.list(dir)) {
      return entries.toList().stream();
    } catch (IOException e) {
      return Stream.empty(); // it is not there yet
    }
  }

  private static String state(Path path) {
    try (Stream<Path> files = Files.walk(path)) {
      return files.mapToLong(file -> file.toFile().length()).sum() + " bytes";
    } catch (IOException | UncheckedIOException e) {
      return "nothing";
    }
  }
}
