package io.ratissidecar.cli.demo;

import java.io.IOException;
import java.io.Reader;
import java.io.UncheckedIOException;
import java.io.Writer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.Properties;
import java.util.stream.Stream;

/**
 * Where the nodes keep their files: a temporary directory, deleted at the end, or one that the user
 * named, kept for the next run. A kept one remembers its ports, since they are the addresses by
 * which its nodes know each other.
 */
final class DemoDirectory {
  private static final String FILE = "demo.properties";

  private final Path path;
  private boolean temporary;

  private DemoDirectory(Path path, boolean temporary) {
    this.path = path;
    this.temporary = temporary;
  }

  static DemoDirectory open(Optional<Path> wished) throws IOException {
    if (wished.isEmpty()) {
      return new DemoDirectory(Files.createTempDirectory("ratis-sidecar-demo"), true);
    }
    Path path = wished.get().toAbsolutePath().normalize();
    Files.createDirectories(path);
    return new DemoDirectory(path.toRealPath(), false);
  }

  Path path() {
    return path;
  }

  boolean isTemporary() {
    return temporary;
  }

  Path node(int number) {
    return path.resolve("node" + number);
  }

  /** Keeps a temporary directory too, for somebody to look into. */
  void keep() {
    temporary = false;
  }

  /**
   * The ports to use: those of the earlier run in this directory, unless told otherwise.
   *
   * @throws IllegalArgumentException when what is asked for does not go with the earlier run
   */
  PortPlan ports(Optional<Integer> basePort, Optional<Integer> nodes) throws IOException {
    Path file = path.resolve(FILE);
    if (!Files.exists(file)) {
      return new PortPlan(basePort.orElse(7001), nodes.orElse(3));
    }
    Properties earlier = new Properties();
    try (Reader in = Files.newBufferedReader(file)) {
      earlier.load(in);
    }
    int earlierPort = number(earlier, "base-port");
    int earlierNodes = number(earlier, "nodes");
    if (basePort.orElse(earlierPort) != earlierPort) {
      throw new IllegalArgumentException(
          path
              + " holds a cluster that uses --base-port "
              + earlierPort
              + "; use that, or another --dir");
    }
    if (nodes.orElse(earlierNodes) < earlierNodes) {
      throw new IllegalArgumentException(
          path
              + " holds a cluster of "
              + earlierNodes
              + " nodes; use at least --nodes "
              + earlierNodes
              + ", or another --dir");
    }
    return new PortPlan(earlierPort, nodes.orElse(earlierNodes));
  }

  private static int number(Properties properties, String name) throws IOException {
    try {
      return Integer.parseInt(properties.getProperty(name, ""));
    } catch (NumberFormatException e) {
      throw new IOException(FILE + " has no number for '" + name + "'", e);
    }
  }

  /** Remembers the ports for the next run. */
  void remember(PortPlan ports) throws IOException {
    try (Writer out = Files.newBufferedWriter(path.resolve(FILE))) {
      out.write("base-port=" + ports.basePort() + "\nnodes=" + ports.nodes() + "\n");
    }
  }

  /** Deletes a temporary directory. */
  void close() throws IOException {
    if (!temporary || !Files.exists(path)) {
      return;
    }
    try (Stream<Path> files = Files.walk(path)) {
      List<Path> deepestFirst = files.sorted(Comparator.reverseOrder()).toList();
      for (Path file : deepestFirst) {
        Files.deleteIfExists(file);
      }
    } catch (UncheckedIOException e) {
      throw e.getCause();
    }
  }
}
