package io.ratissidecar.it;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.ratissidecar.it.Program.Result;
import io.ratissidecar.jepsen.Reply;
import io.ratissidecar.jepsen.RespClient;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** {@code demo}, as a user runs it: it works, and whatever ends it, nothing is left running. */
class DemoIT {
  private static final Duration PATIENCE = Duration.ofSeconds(120);
  private static final Duration SOON = Duration.ofSeconds(20);
  private static final int NODES = 3;

  /** Each node has a sidecar and a Redis. */
  private static final int PROCESSES = 2 * NODES;

  @TempDir Path dir;

  private final int basePort = Ports.nextForDemo(NODES);

  private Program demo(String... words) {
    return Program.start(dir, Map.of(), words);
  }

  @Test
  void when_checked_then_it_passes_and_nothing_is_left() throws IOException {
    try (Program demo = demo("demo", "--check", "--base-port", "" + basePort)) {
      Result result = demo.await(PATIENCE);
      result.expect(
          0, "with SIGKILL under load", " leads, ", "acknowledged writes on 3 Redis servers");
      assertTrue(result.out().endsWith("\ncheck passed\n"), result::toString);
      assertEquals("", result.err());
      assertEquals(List.of(), Program.processesOf(dir.toRealPath()));
      try (var temporary = Files.newDirectoryStream(dir, "*/ratis-sidecar-demo*")) {
        assertTrue(!temporary.iterator().hasNext(), "its temporary directory is still there");
      }
    }
  }

  @Test
  void when_it_ends_then_so_do_its_children_and_the_next_run_goes_on_with_the_data()
      throws Exception {
    String[] words = {
      "demo", "--dir", dir.resolve("kept").toString(), "--base-port", "" + basePort
    };
    try (Program demo = demo(words)) {
      demo.awaitOut("Forming the cluster ...", PATIENCE);
      awaitReady(demo);
      assertEquals("+OK", write("RAFT", "SET", "greeting", "hello"));
      Result second = demo("demo", "--base-port", "" + basePort).await(SOON);
      second.expect(1, "demo failed: port " + basePort + " (for clients of node 1) is in use.");
      demo.terminate();
      demo.await(SOON);
      // At once: the demo ends after its children.
      assertEquals(List.of(), children(demo));
    }
    // It knows its ports.
    try (Program demo = demo("demo", "--dir", dir.resolve("kept").toString())) {
      demo.awaitOut("Going on with the cluster that is there ...", PATIENCE);
      awaitReady(demo);
      assertEquals("$hello", write("RAFT", "GET", "greeting"));
      demo.kill();
      Poll.until("its children end by themselves", SOON, () -> children(demo).isEmpty());
    }
  }

  private List<ProcessHandle> children(Program demo) throws IOException {
    return Program.processesOf(dir.toRealPath()).stream()
        .filter(p -> p.pid() != demo.pid())
        .toList();
  }

  private void awaitReady(Program demo) throws IOException {
    String addresses =
        "ready 127.0.0.1:%d 127.0.0.1:%d 127.0.0.1:%d "
            .formatted(basePort, basePort + 1, basePort + 2);
    demo.awaitOut(addresses, PATIENCE);
    assertEquals(PROCESSES, children(demo).size());
  }

  /** Asks each node in turn, until it is the one that leads. */
  private String write(String... command) {
    Reply[] reply = new Reply[1];
    Poll.until(
        String.join(" ", command),
        SOON,
        () -> {
          for (int i = 0; i < NODES; i++) {
            try (RespClient client = new RespClient("127.0.0.1", basePort + i, Node.CALL_MILLIS)) {
              reply[0] = client.call(command);
            }
            if (!reply[0].isError()) {
              return true;
            }
          }
          return false;
        });
    return reply[0].toString();
  }
}
