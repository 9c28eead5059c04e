package io.ratissidecar.cli.demo;

import java.io.File;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/**
 * The command line of a sidecar that runs on the same Java and the same classes as this process.
 */
final class SidecarProcess {
  private SidecarProcess() {}

  static List<String> command(
      int id, Path dir, int port, int raftPort, int redisPort, boolean followerProxy) {
    List<String> command = new ArrayList<>();
    // In a session of its own: Ctrl-C is for the demo, which then stops the nodes in order.
    onPath("setsid").ifPresent(program -> command.add(program.toString()));
    command.add(java());
    command.addAll(
        List.of(
            "-Xmx256m",
            "-XX:+UseSerialGC",
            "-XX:MaxDirectMemorySize=256m",
            "-XX:+ExitOnOutOfMemoryError",
            "--enable-native-access=ALL-UNNAMED",
            "-cp",
            System.getProperty("java.class.path"),
            "io.ratissidecar.cli.Main",
            "start",
            "--stop-with-input", // so that nothing stays behind, whatever happens to the demo
            "--id",
            Integer.toString(id),
            "--dir",
            dir.toString(),
            "--port",
            Integer.toString(port),
            "--raft-port",
            Integer.toString(raftPort),
            "--redis-port",
            Integer.toString(redisPort),
            "--follower-proxy",
            followerProxy ? "yes" : "no"));
    return command;
  }

  private static String java() {
    return ProcessHandle.current()
        .info()
        .command()
        .orElse(Path.of(System.getProperty("java.home"), "bin", "java").toString());
  }

  private static Optional<Path> onPath(String program) {
    return Arrays.stream(System.getenv().getOrDefault("PATH", "").split(File.pathSeparator))
        .map(directory -> Path.of(directory, program))
        .filter(Files::isExecutable)
        .findFirst();
  }
}
