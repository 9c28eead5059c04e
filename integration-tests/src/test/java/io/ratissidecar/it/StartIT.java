package io.ratissidecar.it;

import static io.ratissidecar.it.Replies.assertError;
import static io.ratissidecar.it.Replies.assertOk;
import static org.junit.jupiter.api.Assertions.assertEquals;

import io.ratissidecar.it.Program.Result;
import io.ratissidecar.jepsen.RespClient;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** {@code start}: where settings come from, what wins, and how it ends. */
class StartIT {
  private static final int WRONG_USAGE = 2;
  private static final int FATAL = 70;
  private static final Duration PATIENCE = Duration.ofSeconds(60);

  @TempDir Path dir;

  /** Below it is all that a run which ends at once may leave behind. */
  private Path home;

  @BeforeEach
  void makeHome() throws IOException {
    home = Files.createDirectory(dir.resolve("home"));
  }

  private Result run(Map<String, String> environment, String... words) {
    return Program.run(home, environment, words);
  }

  private static String free() {
    return Integer.toString(Ports.next());
  }

  @Test
  void when_settings_stand_in_several_places_then_flags_win_over_environment_over_file()
      throws IOException {
    Path data = Files.createDirectory(dir.resolve("other")).resolve("data");
    Path file = dir.resolve("node.properties");
    String port = free();
    Files.writeString(
        file,
        String.join(
            "\n",
            "# a node",
            "dir=" + data,
            "advertise=localhost",
            "password = of the file",
            "port=1",
            "raft-port=" + free(),
            "redis-port=-1"));
    Map<String, String> environment =
        Map.of("RATIS_SIDECAR_PORT", "2", "RATIS_SIDECAR_PASSWORD", "of the environment");
    try (Program node =
        Program.start(dir, environment, "start", "--config", file.toString(), "--port", port)) {
      String ready = "ready localhost:" + port + "\n";
      assertEquals(ready, node.awaitOut(ready, PATIENCE));
      try (RespClient client = RespClient.to("127.0.0.1:" + port, Node.CALL_MILLIS)) {
        assertError("WRONGPASS", client.call("AUTH", "of the file"));
        assertOk(client.call("AUTH", "of the environment"));
      }
      assertPasswordOfCommandLine("127.0.0.1:" + port);
      // A second one on the same directory.
      run(Map.of(), "start", "--dir", data.toString(), "--port", free())
          .expect(FATAL, "This node stops: ", data.toString());
      node.terminate();
      Result end = node.await(PATIENCE);
      assertEquals(0, end.exitCode(), end::toString);
    }
  }

  private void assertPasswordOfCommandLine(String address) {
    String[] init = {"cluster", "init", "--node", address};
    run(Map.of(), init).expect(1, "NOAUTH", "Give the password with --password");
    run(Map.of("RATIS_SIDECAR_PASSWORD", "of the file"), init).expect(1, "WRONGPASS");
    run(Map.of("RATIS_SIDECAR_PASSWORD", "of the environment"), init)
        .expect(0, "has been made, with node 1 at localhost:");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '"',
      value = {
        "port=x        | \"\" | \"\"     | 'port' is 'x'; it must be a number from 1 to 65535",
        "port=1        | y    | \"\"     | 'port' is 'y'; it must be a number from 1 to 65535",
        "port=1        | 2    | --port=z | 'port' is 'z'; it must be a number from 1 to 65535",
        "prot=6380     | \"\" | \"\"     | unknown setting 'prot'; 'ratis-sidecar start --help' lists",
        "redis=nowhere | \"\" | \"\"     | 'redis' is 'nowhere'; it must be managed, host:port or",
        "port=1        | \"\" | --prot=1 | Unknown option: '--prot=1'",
      })
  void when_a_setting_is_wrong_then_it_says_which_and_exits_with_2(
      String line, String environment, String flag, String text) throws IOException {
    Path file = Files.writeString(dir.resolve("node.properties"), "dir=" + home + "\n" + line);
    Map<String, String> variables =
        environment.isEmpty() ? Map.of() : Map.of("RATIS_SIDECAR_PORT", environment);
    String config = "--config=" + file;
    Result run =
        flag.isEmpty() ? run(variables, "start", config) : run(variables, "start", config, flag);
    run.expect(WRONG_USAGE, text, "'ratis-sidecar start --help' tells more.");
    assertEquals("", run.out());
  }

  @Test
  void when_a_port_is_taken_then_the_node_says_which_and_stops() {
    try (TestCluster cluster = TestCluster.unformed(1)) {
      String port = Integer.toString(cluster.node(0).port());
      run(Map.of(), "start", "--dir", home.toString(), "--port", port)
          .expect(FATAL, "can't listen at 127.0.0.1:" + port + " for clients");
    }
  }

  @Test
  void when_a_newer_version_wrote_the_directory_then_it_is_refused_by_name() throws IOException {
    Path file = Files.writeString(home.resolve("node.properties"), "version=2\n");
    run(Map.of(), "start", "--dir", home.toString(), "--port", free(), "--redis-port", "-1")
        .expect(FATAL, file + " has format version 2; this version reads up to 1");
    assertEquals("version=2\n", Files.readString(file));
  }

  @Test
  void when_redis_lacks_a_command_of_a_module_then_it_says_which_and_stops() {
    run(
            Map.of(),
            "start",
            "--dir",
            home.toString(),
            "--port",
            free(),
            "--redis-port",
            free(),
            "--replicate-module-commands",
            "BF.ADD, bf.exists")
        .expect(FATAL, "names 'bf.", "is no command of a module there", "load the module");
  }

  @Test
  void when_asked_for_the_version_then_it_tells_its_own_and_that_of_java() {
    run(Map.of(), "version").expect(0, "ratis-sidecar 0.", "Java " + Runtime.version());
  }
}
