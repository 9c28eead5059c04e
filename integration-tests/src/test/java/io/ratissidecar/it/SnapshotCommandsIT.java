package io.ratissidecar.it;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.gson.JsonObject;
import io.ratissidecar.it.Program.Result;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;

/** {@code snapshot list|take|verify|export}. */
@ExtendWith(PrintLogsOnFailure.class)
class SnapshotCommandsIT {
  private static final int FAILED = 1;
  private static final int USAGE = 2;

  @TempDir static Path dir;

  @AutoClose("checkAndClose")
  private static TestCluster cluster;

  private static Node node;

  @BeforeAll
  static void form() throws IOException {
    cluster = TestCluster.of(1);
    node = cluster.node(0);
    node.call("RAFT", "SET", "text", "value");
    node.call("RAFT", "RPUSH", "list", "a", "b");
    node.call("RAFT", "SET", "later", "gone", "PXAT", "4102444800000");
    String function = "redis.register_function('args', function(keys, args) return #args end)";
    node.call("RAFT", "FUNCTION", "LOAD", "#!lua name=lib\n" + function);
  }

  private static Result cli(String words) {
    return Program.run(dir, Map.of(), words.split(" "));
  }

  private static Result at(String words) {
    return cli(words + " --node " + node.address());
  }

  @Test
  void when_taken_then_it_is_listed_and_sound() throws IOException {
    JsonObject taken = at("snapshot take --json").expect(0).json();
    assertTrue(taken.get("bytes").getAsLong() > 100);
    long index = taken.get("index").getAsLong();
    assertEquals(index, node.infoNumber("raft_snapshot_last_idx"));
    at("snapshot list").expect(0, "entry", "ago", taken.get("path").getAsString());
    JsonObject listed = at("snapshot list --json").expect(0).json();
    assertEquals(taken, listed.getAsJsonArray("snapshots").get(0));
    cli("snapshot verify --dir " + node.dir()).expect(0, "entry " + index, "sound");
    at("cluster status").expect(0, index + ", ");
    JsonObject shown =
        at("cluster status --json")
            .expect(0)
            .json()
            .getAsJsonArray("nodes")
            .get(0)
            .getAsJsonObject()
            .getAsJsonObject("snapshot");
    assertEquals(index, shown.get("index").getAsLong());
    assertEquals(taken.get("bytes"), shown.get("bytes"));
    assertTrue(shown.get("age_seconds").getAsLong() < 600);
    assertEquals(taken.get("bytes").getAsLong(), node.infoNumber("raft_snapshot_size"));
    assertEquals(node.infoNumber("raft_current_term"), node.infoNumber("raft_snapshot_last_term"));
    long age = Instant.now().getEpochSecond() - node.infoNumber("raft_snapshot_time_secs");
    assertTrue(age >= 0 && age < 600, () -> "taken " + age + " s ago");
    assertTrue(node.infoNumber("raft_snapshot_last_pause_microseconds") > 0);
  }

  @Test
  void when_exported_then_any_redis_loads_the_users_data_and_nothing_else() throws IOException {
    Path target = dir.resolve("exported.rdb");
    at("snapshot export --to " + target).expect(0, "Wrote the data at entry", target.toString());
    cli("snapshot verify " + target).expect(0, "3 keys", "sound");
    try (PlainRedis redis =
        new PlainRedis(dir, "--dir", dir.toString(), "--dbfilename", "exported.rdb")) {
      assertEquals("3", redis.call("DBSIZE").text());
      assertEquals("value", redis.call("GET", "text").text());
      assertEquals(List.of("a", "b"), redis.call("LRANGE", "list", "0", "-1").texts());
      assertEquals("4102444800000", redis.call("PEXPIRETIME", "later").text());
      assertEquals(1, redis.call("FCALL", "args", "0", "a").number());
      assertEquals(1, redis.call("INFO", "keyspace").text().split("keys=", -1).length - 1);
    }
    try (Stream<Path> left = Files.list(dir)) {
      assertFalse(left.anyMatch(f -> f.toString().endsWith("ed") && !Files.isDirectory(f)));
    }
    at("snapshot export --to " + target).expect(FAILED, "exists already");
    at("snapshot export --to " + dir.resolve("missing").resolve("a.rdb"))
        .expect(FAILED, "there is no directory " + dir.resolve("missing"));
  }

  @Test
  void when_files_are_damaged_then_verify_names_them() throws IOException {
    Path file = dir.resolve("damaged.rdb");
    at("snapshot export --to " + file).expect(0);
    byte[] bytes = Files.readAllBytes(file);
    bytes[bytes.length / 2] ^= 1;
    Files.write(file, bytes);
    cli("snapshot verify " + file).expect(FAILED, "DAMAGED: " + file);
    JsonObject json = cli("snapshot verify --json " + file).expect(FAILED).json();
    assertFalse(json.get("sound").getAsBoolean());
    cli("snapshot verify " + dir.resolve("missing.rdb")).expect(FAILED, "is no file");
    cli("snapshot verify --dir " + dir).expect(FAILED, "holds no snapshot");
    cli("snapshot verify").expect(USAGE);
    cli("snapshot").expect(USAGE, "Say what to do");
  }
}
