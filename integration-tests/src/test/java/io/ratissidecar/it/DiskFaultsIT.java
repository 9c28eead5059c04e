package io.ratissidecar.it;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.ratissidecar.logstore.LogIdentity;
import io.ratissidecar.logstore.LogOptions;
import io.ratissidecar.logstore.PayloadLog;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.Callable;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.extension.RegisterExtension;

/** A full disk, and disks that give back something else than was written. */
@Tag("fault")
@ExtendWith(PrintLogsOnFailure.class)
class DiskFaultsIT {
  private static final int FATAL = 70;
  private static final Duration STOP = Duration.ofSeconds(30);

  @RegisterExtension
  private static final SharedCluster SHARED = new SharedCluster(() -> TestCluster.of(3));

  private TestCluster cluster;

  @BeforeEach
  void renew() {
    cluster = SHARED.get();
  }

  @Test
  void when_the_disk_is_full_then_the_node_stops_and_goes_on_once_there_is_room() {
    Node victim = cluster.followers().get(0);
    try (FaultRun run = new FaultRun(cluster)) {
      fillDiskAndMakeRoom(victim, run);
    }
  }

  @Test
  @Tag("long")
  void when_the_leaders_disk_is_full_then_another_leads() throws IOException {
    Node victim = cluster.leader();
    try (FaultRun run = new FaultRun(cluster)) {
      cluster.transferLeadership(victim); // should it have lost it meanwhile
      fillDiskAndMakeRoom(victim, run);
    }
  }

  @Test
  void when_acknowledged_entries_are_damaged_or_gone_then_the_node_refuses_to_start()
      throws IOException {
    Node victim = cluster.followers().get(0);
    for (int i = 0; i < 50; i++) {
      cluster.leader().call("RAFT", "SET", "damaged:" + i, "some value");
    }
    cluster.awaitSameIndex();
    victim.killSidecar();
    Path segment = segment(victim);
    byte[] sound = Files.readAllBytes(segment);
    int at = indexOf(sound, "damaged:25");

    byte[] damaged = sound.clone();
    damaged[at] = 'E';
    assertRefuses(victim, segment, damaged);
    victim.assertLogs("at byte ");
    victim.assertLogs("index ");
    assertRefuses(victim, segment, Arrays.copyOf(sound, at));

    // It changed nothing: with the right bytes it goes on.
    Files.write(segment, sound);
    victim.start().awaitReady();
    ClosingInvariants.checkSameData(cluster);
  }

  /** Starts the node with this in a file: it must say so, stop, and change nothing. */
  private void assertRefuses(Node victim, Path segment, byte[] contents) throws IOException {
    Files.write(segment, contents);
    Map<String, String> before = payloadFiles(victim);
    victim.note("refuses " + contents.length + " bytes");
    victim.start();
    assertEquals(FATAL, victim.awaitExit(STOP));
    List<String> lines = victim.logLines();
    String last = lines.get(lines.size() - 1);
    assertTrue(last.contains(segment.getFileName().toString()), last);
    assertEquals(before, payloadFiles(victim));
    // The others do not need it.
    assertFalse(cluster.leader().call("RAFT", "SET", "a", "2").isError());
  }

  @Test
  void when_a_power_loss_tore_the_last_entry_of_ratis_log_then_the_node_goes_on()
      throws IOException {
    Node victim = cluster.followers().get(0);
    try (FaultRun run = new FaultRun(cluster)) {
      run.awaitMore(300);
      victim.killSidecar();
      Path segment = raftSegment(victim);
      byte[] bytes = Files.readAllBytes(segment);
      int end = bytes.length;
      while (bytes[end - 1] == 0) {
        end--;
      }
      Arrays.fill(bytes, end - 20, end, (byte) 0);
      Files.write(segment, bytes);
      victim.start().awaitReady();
      victim.assertLogs("Cutting an entry that was never acknowledged");
      run.awaitMore(300);
      run.finish();
    }
  }

  @Test
  void when_an_entry_of_ratis_log_is_damaged_then_the_node_refuses_to_start() throws IOException {
    Node victim = cluster.followers().get(0);
    for (int i = 0; i < 50; i++) {
      cluster.leader().call("RAFT", "SET", "entry:" + i, "some value");
    }
    cluster.awaitSameIndex();
    victim.killSidecar();
    Path segment = raftSegment(victim);
    byte[] sound = Files.readAllBytes(segment);
    byte[] damaged = sound.clone();
    damaged[200] ^= 1;
    assertRefuses(victim, segment, damaged);
    victim.assertLogs("Remove this node from the cluster");
    Files.write(segment, sound);
    victim.start().awaitReady();
    ClosingInvariants.checkSameData(cluster);
  }

  private static Path raftSegment(Node node) {
    return files(node.dir().resolve("raft"))
        .filter(f -> f.getFileName().toString().startsWith("log_inprogress"))
        .findFirst()
        .orElseThrow();
  }

  @Test
  void when_a_truncation_was_interrupted_then_it_is_finished_at_start() throws IOException {
    Node victim = cluster.followers().get(0);
    try (FaultRun run = new FaultRun(cluster)) {
      run.awaitMore(300);
      var info = victim.info();
      LogIdentity identity =
          new LogIdentity(info.get("raft_dbid"), Integer.parseInt(info.get("raft_node_id")));
      victim.killSidecar();
      // What is left when the payload is truncated and the process dies before Ratis's own log is.
      try (PayloadLog log =
          PayloadLog.open(victim.dir().resolve("log"), identity, LogOptions.defaults())) {
        log.truncateFrom(log.lastIndex() - 20);
      }
      victim.start().awaitReady();
      victim.assertLogs("Finishing the interrupted truncation");
      run.awaitMore(300);
      run.finish();
    }
  }

  /** A file limit stands for the disk: a write beyond it fails, and part of it may be written. */
  private void fillDiskAndMakeRoom(Node victim, FaultRun run) {
    victim.limitFiles(largestLogFile(victim) + (64 << 10));
    writeUntil(() -> !victim.isAlive());
    assertEquals(FATAL, victim.awaitExit(STOP));
    victim.assertLogs("can't write entry");
    run.awaitMore(200);
    victim.start().awaitReady();
    run.awaitMore(200);
    run.finish();
  }

  /** Large values, so that files grow quickly. */
  private void writeUntil(Callable<Boolean> end) {
    String value = "x".repeat(100_000);
    int[] n = new int[1];
    Poll.until(
        "a full disk",
        TestCluster.PATIENCE,
        () -> {
          for (int i = 0; i < 20; i++) {
            for (Node node : cluster.running()) {
              if (node.isLeader()) {
                node.call("RAFT", "SET", "big:" + n[0]++ % 10, value);
              }
            }
          }
          return end.call();
        });
  }

  private static long largestLogFile(Node node) {
    return Stream.of("log", "raft")
        .flatMap(part -> files(node.dir().resolve(part)))
        .mapToLong(f -> f.toFile().length())
        .max()
        .orElseThrow();
  }

  private static Path segment(Node node) {
    return files(node.dir().resolve("log"))
        .filter(f -> f.getFileName().toString().endsWith(".resp"))
        .max(Path::compareTo)
        .orElseThrow();
  }

  private static Map<String, String> payloadFiles(Node node) throws IOException {
    Map<String, String> contents = new TreeMap<>();
    for (Path file : files(node.dir().resolve("log")).toList()) {
      if (file.toString().endsWith(".resp")) {
        contents.put(file.toString(), Files.readString(file, StandardCharsets.ISO_8859_1));
      }
    }
    return contents;
  }

  private static Stream<Path> files(Path dir) {
    try (Stream<Path> all = Files.walk(dir)) {
      return all.filter(Files::isRegularFile).toList().stream();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static int indexOf(byte[] bytes, String text) {
    int at = new String(bytes, StandardCharsets.ISO_8859_1).indexOf(text);
    assertTrue(at > 0, text + " is not in the file");
    return at;
  }
}
