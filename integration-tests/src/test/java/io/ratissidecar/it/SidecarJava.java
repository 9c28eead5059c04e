package io.ratissidecar.it;

import java.io.File;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;

/**
 * How tests start the Java that they test. Hundreds of processes live for seconds each, and most of
 * what they do is to start: so they have one compiler only, and their classes come from an archive
 * that Java maps into memory instead of loading them one by one. The two take two thirds off the
 * processor time of a node that starts and forms a cluster.
 */
final class SidecarJava {
  private static final Duration PATIENCE = Duration.ofSeconds(60);

  /** Null before the first process of a run. */
  private static List<String> archive;

  private SidecarJava() {}

  /**
   * The command line up to the words for the program.
   *
   * @param heap at the most, such as {@code 64m}
   * @param tmp for what the process unpacks, and leaves behind when it is killed
   */
  static List<String> command(String heap, Path tmp, List<String> flags) {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.addAll(
        List.of(
            "-Xmx" + heap,
            "-XX:MaxDirectMemorySize=256m",
            "-XX:+UseSerialGC",
            "-XX:+ExitOnOutOfMemoryError",
            "-XX:TieredStopAtLevel=1",
            "-Djava.io.tmpdir=" + tmp));
    command.addAll(archive());
    command.addAll(flags);
    command.addAll(List.of("-cp", classPath(), "io.ratissidecar.cli.Main"));
    return command;
  }

  /** The modules and what they need, but nothing of these tests. */
  private static String classPath() {
    return String.join(
        File.pathSeparator,
        Arrays.stream(System.getProperty("java.class.path").split(File.pathSeparator))
            .filter(path -> !path.contains("integration-tests" + File.separator + "target"))
            .toList());
  }

  private static synchronized List<String> archive() {
    if (archive == null) {
      archive = List.of(); // for the one that makes it
      // Classes that are not packaged, as in an IDE, can't be archived.
      List<Path> jars = Stream.of(classPath().split(File.pathSeparator)).map(Path::of).toList();
      String module = System.getProperty("basedir"); // set by Maven
      if (module != null && jars.stream().noneMatch(Files::isDirectory)) {
        // Java uses one of another Java, or of other jars, as if there were none.
        int key = (System.getProperty("java.vm.version") + classPath()).hashCode();
        Path file = Path.of(module, "target", "nodes-" + Integer.toHexString(key) + ".jsa");
        share(file, jars);
        archive = List.of("-XX:SharedArchiveFile=" + file, "-Xlog:disable");
      }
    }
    return archive;
  }

  /** Of several processes that run tests one makes it, and the others wait. */
  private static void share(Path file, List<Path> jars) {
    try (FileChannel lock =
        FileChannel.open(
            file.resolveSibling("nodes.lock"),
            StandardOpenOption.CREATE,
            StandardOpenOption.WRITE)) {
      lock.lock(); // until it is closed
      if (!isNewer(file, jars)) {
        makeArchive(file);
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static boolean isNewer(Path file, List<Path> jars) {
    return jars.stream()
        .allMatch(jar -> file.toFile().lastModified() > jar.toFile().lastModified());
  }

  /** With the classes that a node uses up to its first entries, and to its end. */
  private static void makeArchive(Path file) throws IOException {
    Path next = file.resolveSibling("nodes.next");
    try (TestCluster cluster = TestCluster.unformed(0)) {
      Node node = cluster.create().java("-XX:ArchiveClassesAtExit=" + next);
      node.start().awaitReady();
      cluster.form();
      Replies.assertOk(cluster.awaitLeader().call("RAFT", "SET", "key", "value"));
      Replies.assertNoError(node.call("RAFT.SNAPSHOT"));
      node.terminate();
      node.awaitExit(PATIENCE);
    }
    if (Files.exists(next)) { // not every Java makes one; it does without then
      Files.move(next, file, StandardCopyOption.REPLACE_EXISTING);
    }
  }
}
