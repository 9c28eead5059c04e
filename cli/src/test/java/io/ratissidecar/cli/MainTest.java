package io.ratissidecar.cli;

import static org.junit.jupiter.api.Assertions.assertAll;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.ratissidecar.sidecar.Sidecar;
import io.ratissidecar.sidecar.config.Setting;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import picocli.CommandLine;

/** Parsing, help and exit codes; nothing is connected to but a port where nobody listens. */
class MainTest {
  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '"',
      value = {
        "\"\"                                | Say what to do",
        "nod                               | Did you mean: ratis-sidecar node?",
        "cluster                           | init, join or status",
        "node                              | add, remove, list or transfer",
        "log                               | info, dump or verify",
        "node remove                       | Missing required parameter: 'ID'",
        "node remove two                   | 'two' is not an int",
        "node add localhost                | 'localhost' is not host:port",
        "cluster join                      | Missing required parameter: 'HOST:PORT'",
        "cluster status --node x:99999     | 'x:99999' is not host:port",
        "start                             | 'dir' must be set",
        "start --dir /x --port 0           | 'port' is '0'; it must be a number from 1 to 65535",
        "start --dir /x --follower-proxy 1 | it must be yes or no",
        "start --dir /x --config /missing  | /missing",
        "demo --nodes 0                    | --nodes is 0; it must be a number from 1 to 9",
        "demo --base-port 60000            | it must be a number from 1 to 55533",
        "demo --check --nodes 2            | --check needs at least 3 nodes",
        "log info                          | Missing required option: '--dir=DIR'",
        "log dump --dir /x --from 2 --to 1 | --from is behind --to",
        "log dump --dir /x --aof --json    | exclude each other",
        "import                            | Missing required option: '--from=URI'",
        "import --from 10.0.0.1:6379       | it must be redis://host:port",
        "import --from redis://h:1 --rate x | 'x' is not a long",
      })
  void when_used_wrongly_then_it_says_what_is_wrong_and_exits_with_2(String words, String text) {
    CommandRun run = CommandRun.of(words.isEmpty() ? new String[0] : words.split(" "));
    assertEquals(2, run.exitCode(), run.err());
    assertTrue(run.err().contains(text), run.err());
    assertEquals("", run.out());
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "cluster status",
        "cluster init",
        "cluster join 127.0.0.1:1",
        "node list",
        "node add 127.0.0.1:1",
        "node remove 1",
        "node transfer"
      })
  void when_no_node_answers_then_it_says_so_and_exits_with_3(String words) throws IOException {
    String address = "127.0.0.1:" + unusedPort();
    String[] arguments = (words + " --node " + address).split(" ");
    CommandRun run = CommandRun.of(arguments);
    assertEquals(3, run.exitCode(), run.err());
    assertTrue(run.err().contains("can't reach a node at " + address), run.err());
  }

  private static int unusedPort() throws IOException {
    try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      return socket.getLocalPort();
    }
  }

  @Test
  void when_a_subcommand_is_named_then_it_is_the_only_one_that_is_known() {
    Set<String> all = Main.subcommands().keySet();
    assertEquals(all, Main.commandLine().getSubcommands().keySet());
    assertEquals(all, Main.commandLine("no-such", "start").getSubcommands().keySet());
    for (String name : all) {
      assertEquals(Set.of(name), Main.commandLine(name, "--help").getSubcommands().keySet());
    }
  }

  @Test
  void when_asked_for_help_then_every_command_explains_itself() {
    assertHelps(Main.commandLine());
  }

  private static void assertHelps(CommandLine command) {
    String help = command.getUsageMessage(CommandLine.Help.Ansi.OFF);
    List<String> lines = help.lines().toList();
    assertAll(
        command.getCommandSpec().qualifiedName(),
        () -> assertTrue(command.getCommandSpec().usageMessage().description().length > 0),
        () -> assertTrue(lines.stream().allMatch(line -> line.length() <= 80), help),
        () -> assertTrue(help.chars().allMatch(c -> c < 128), "not every terminal shows " + help));
    command.getSubcommands().values().forEach(MainTest::assertHelps);
  }

  @Test
  void when_start_is_asked_for_help_then_every_setting_is_there() {
    CommandRun run = CommandRun.of("start", "--help");
    assertEquals(0, run.exitCode());
    for (Setting setting : Setting.values()) {
      assertTrue(run.out().contains("--" + setting.key() + "="), setting.key());
    }
  }

  @Test
  void when_asked_for_the_version_then_every_command_knows_it() {
    for (String words : List.of("--version", "cluster --version", "node list -V")) {
      CommandRun run = CommandRun.of(words.split(" "));
      assertEquals(0, run.exitCode());
      assertEquals("ratis-sidecar " + Sidecar.VERSION, run.out().strip());
    }
  }
}
