package io.ratissidecar.cli.log;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.ratissidecar.cli.CommandRun;
import io.ratissidecar.cli.client.JsonReader;
import io.ratissidecar.cli.client.Poll;
import io.ratissidecar.logstore.LogIdentity;
import io.ratissidecar.logstore.LogOptions;
import io.ratissidecar.logstore.PayloadLog;
import io.ratissidecar.sidecar.resp.BlockingRespClient;
import io.ratissidecar.sidecar.resp.RespEndpoint;
import io.ratissidecar.statemachine.entry.Entry;
import io.ratissidecar.statemachine.entry.EntryHeader;
import io.ratissidecar.statemachine.entry.EntryType;
import io.ratissidecar.statemachine.resp.RespValue;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The commands about a stopped node's files, and a real Redis that loads what they dump. */
class LogCommandsIT {
  private static final int ENTRIES = 50;
  private static final LogIdentity ID = new LogIdentity("c".repeat(32), 7);

  @TempDir Path temporary;
  private Path dir;

  @BeforeEach
  void fill() throws IOException {
    dir = Files.createDirectory(temporary.resolve("node"));
    Files.createFile(dir.resolve("lock"));
    try (PayloadLog log = PayloadLog.open(dir.resolve("log"), ID, new LogOptions(2048, 0, 0))) {
      for (int i = 1; i <= ENTRIES; i++) {
        String payload =
            command("SELECT", i % 2 == 0 ? "0" : "3") + command("SET", "k" + i, "v" + i);
        ByteBuffer bytes =
            ByteBuffer.wrap(
                (payload + command("RPUSH", "list", Integer.toString(i))).getBytes(UTF_8));
        EntryHeader header = EntryHeader.of(EntryType.COMMANDS, 1_700_000_000_000L + i, i, bytes);
        log.append(new Entry(1, i, header, bytes));
      }
      log.flush();
    }
  }

  private static String command(String... words) {
    StringBuilder out = new StringBuilder("*" + words.length + "\r\n");
    for (String word : words) {
      out.append('$').append(word.length()).append("\r\n").append(word).append("\r\n");
    }
    return out.toString();
  }

  private CommandRun log(String... words) {
    String[] all = Stream.concat(Stream.of("log"), Stream.of(words)).toArray(String[]::new);
    all = Stream.concat(Stream.of(all), Stream.of("--dir", dir.toString())).toArray(String[]::new);
    return CommandRun.of(all);
  }

  private void damage() throws IOException {
    try (Stream<Path> files = Files.list(dir.resolve("log"))) {
      Path segment =
          files.filter(f -> f.toString().endsWith(".resp")).sorted().findFirst().orElseThrow();
      byte[] bytes = Files.readAllBytes(segment);
      bytes[bytes.length / 2] ^= 1;
      Files.write(segment, bytes);
    }
  }

  @Test
  void when_sound_then_info_tells_what_is_there() {
    CommandRun run = log("info");
    assertEquals(0, run.exitCode(), run.err());
    assertTrue(run.out().contains("node      7"), run.out());
    assertTrue(run.out().contains("50, index 1 to 50, last term 1"), run.out());
    assertTrue(run.out().contains("closed    cleanly"), run.out());
    Map<String, Object> json = JsonReader.object(log("info", "--json").out());
    assertEquals(ID.clusterId(), json.get("cluster"));
    assertEquals(50L, json.get("entries"));
    assertTrue(((List<?>) json.get("segments")).size() > 1);
  }

  @Test
  void when_there_is_no_raft_log_then_verify_says_so_with_exit_code_1() {
    CommandRun run = log("verify");
    assertEquals(1, run.exitCode(), run.err());
    assertTrue(
        run.out().startsWith("The payload log is sound: 50 entries were read and checked. But"),
        run.out());
    assertEquals(false, JsonReader.object(log("verify", "--json").out()).get("sound"));
  }

  @Test
  void when_it_was_cut_and_no_snapshot_is_there_then_every_command_says_so() throws IOException {
    long start;
    try (PayloadLog log = PayloadLog.open(dir.resolve("log"), ID, new LogOptions(2048, 0, 0))) {
      log.dropPrefix(30);
      start = log.startIndex();
    }
    assertTrue(start > 1);
    assertTrue(log("info").out().contains("cut       before index " + start), log("info").out());
    Map<String, Object> json = JsonReader.object(log("info", "--json").out());
    assertEquals(start, json.get("start_index"));
    assertEquals(List.of(), json.get("snapshots"));
    CommandRun verify = log("verify");
    assertEquals(1, verify.exitCode(), verify.err());
    String what =
        "the payload log begins with entry " + start + ", and there is no snapshot that it goes on";
    assertTrue(verify.out().contains(what), verify.out());
    Path out = temporary.resolve("out");
    String note = "The log begins with index " + start + "; what was before is not here";
    CommandRun dump = log("dump", "--aof", "--output", out.toString());
    assertTrue(dump.err().contains(note), dump.err());
    CommandRun end = log("dump", "--from", "40", "--output", out.toString());
    assertTrue(!end.err().contains("begins with"), end.err());
  }

  @Test
  void when_damaged_then_verify_says_where_with_exit_code_1() throws IOException {
    damage();
    CommandRun run = log("verify");
    assertEquals(1, run.exitCode());
    assertTrue(run.out().contains("damage: "), run.out());
    assertTrue(run.out().contains(".resp at byte "), run.out());
    assertTrue(run.out().contains("The log is damaged in one place."), run.out());
    CommandRun json = log("verify", "--json");
    assertEquals(1, json.exitCode());
    assertEquals(false, JsonReader.object(json.out()).get("sound"));
    assertEquals(1, ((List<?>) JsonReader.object(json.out()).get("damages")).size());
  }

  @Test
  void when_a_payload_is_no_commands_then_verify_names_file_and_index() throws IOException {
    ByteBuffer bytes =
        ByteBuffer.wrap((command("SET", "k", "v") + "*1\r\n$4\r\nPIN").getBytes(UTF_8));
    try (PayloadLog log = PayloadLog.open(dir.resolve("log"), ID, new LogOptions(2048, 0, 0))) {
      log.append(new Entry(1, 51, EntryHeader.of(EntryType.COMMANDS, 1, 1, bytes), bytes));
    }
    CommandRun run = log("verify");
    assertEquals(1, run.exitCode());
    assertTrue(run.out().contains(".resp at byte "), run.out());
    assertTrue(run.out().contains("entry 51 holds is no list of commands"), run.out());
  }

  @Test
  void when_damaged_then_dump_gives_what_stands_before_and_fails() throws IOException {
    damage();
    Path out = temporary.resolve("out");
    CommandRun run = log("dump", "--output", out.toString());
    assertEquals(1, run.exitCode());
    assertTrue(run.err().contains("payload log damaged"), run.err());
    assertTrue(Files.readString(out).startsWith("index 1 term 1 "));
  }

  @Test
  void when_dumped_then_entries_are_readable() throws IOException {
    Path out = temporary.resolve("out");
    CommandRun run = log("dump", "--from", "7", "--to", "8", "--output", out.toString());
    assertEquals(0, run.exitCode(), run.err());
    assertTrue(run.err().startsWith("Wrote 2 entries"), run.err());
    List<String> lines = Files.readAllLines(out);
    assertEquals(8, lines.size());
    assertTrue(lines.get(0).startsWith("index 7 term 1 type COMMANDS"), lines.get(0));
    assertEquals("  SET \"k7\" \"v7\"", lines.get(2));
    log("dump", "--json", "--output", out.toString());
    List<String> json = Files.readAllLines(out);
    assertEquals(ENTRIES, json.size());
    assertEquals(50L, JsonReader.object(json.get(49)).get("index"));
  }

  @Test
  void when_a_sidecar_runs_then_every_command_refuses() throws IOException {
    try (FileChannel channel = FileChannel.open(dir.resolve("lock"), StandardOpenOption.WRITE);
        FileLock held = channel.lock()) {
      for (String command : List.of("info", "dump", "verify")) {
        CommandRun run = log(command);
        assertEquals(1, run.exitCode());
        assertTrue(run.err().contains("a sidecar is running on " + dir), run.err());
      }
      assertTrue(held.isValid());
    }
  }

  @Test
  void when_it_is_no_nodes_directory_then_it_says_what_to_give() throws IOException {
    dir = Files.createDirectory(temporary.resolve("other"));
    CommandRun run = log("verify");
    assertEquals(1, run.exitCode());
    assertTrue(run.err().contains("holds no log. Give the directory"), run.err());
  }

  @Test
  void when_dumped_as_aof_then_a_real_redis_starts_with_it() throws Exception {
    Path data = Files.createDirectory(temporary.resolve("redis"));
    Path aof = data.resolve("appendonly.aof");
    CommandRun run = log("dump", "--aof", "--output", aof.toString());
    assertEquals(0, run.exitCode(), run.err());
    int port = unusedPort();
    Process redis =
        new ProcessBuilder(
                "redis-server",
                "--port",
                Integer.toString(port),
                "--bind",
                "127.0.0.1",
                "--dir",
                data.toString(),
                "--save",
                "",
                "--appendonly",
                "yes")
            .redirectErrorStream(true)
            .redirectOutput(data.resolve("redis.log").toFile())
            .start();
    try (BlockingRespClient client = connect(port)) {
      assertEquals("OK", client.call("SELECT", "0").asString());
      assertEquals("v50", client.call("GET", "k50").asString());
      assertEquals(25, client.call("LLEN", "list").asLong());
      assertEquals("OK", client.call("SELECT", "3").asString());
      assertEquals("v49", client.call("GET", "k49").asString());
      assertEquals("1", client.call("LINDEX", "list", "0").asString());
    } finally {
      redis.destroy();
      redis.waitFor();
    }
  }

  private static BlockingRespClient connect(int port) throws InterruptedException {
    Duration timeout = Duration.ofSeconds(20);
    return Poll.until(timeout, 50, () -> tryConnect(RespEndpoint.tcp("127.0.0.1", port), timeout))
        .orElseThrow(() -> new AssertionError("Redis does not answer"));
  }

  private static Optional<BlockingRespClient> tryConnect(RespEndpoint at, Duration timeout) {
    try {
      BlockingRespClient client = BlockingRespClient.connect(at, timeout, timeout);
      if (client.call("PING") instanceof RespValue.Simple) {
        return Optional.of(client);
      }
      client.close(); // still loading
      return Optional.empty();
    } catch (IOException e) {
      return Optional.empty();
    }
  }

  private static int unusedPort() throws IOException {
    try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      return socket.getLocalPort();
    }
  }
}
