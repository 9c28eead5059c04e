package io.ratissidecar.it;

import io.ratissidecar.jepsen.Reply;
import io.ratissidecar.jepsen.RespClient;
import java.io.File;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

/** A Redis that belongs to no node. */
final class PlainRedis implements AutoCloseable {
  private static final Duration START = Duration.ofSeconds(30);

  private final int port = Ports.next();
  private final Process process;

  /**
   * @param settings flags and values beside those of port and directory
   */
  PlainRedis(Path dir, String... settings) {
    List<String> command = new ArrayList<>(List.of("redis-server", "--port", "" + port));
    command.addAll(List.of("--bind", "127.0.0.1", "--save", ""));
    try {
      Path home = Files.createTempDirectory(dir, "redis-");
      command.addAll(List.of("--dir", home.toString()));
      command.addAll(List.of(settings));
      process =
          new ProcessBuilder(command)
              .redirectInput(new File("/dev/null"))
              .redirectErrorStream(true)
              .redirectOutput(home.resolve("log").toFile())
              .start();
      Poll.until("Redis answers", START, () -> !call("PING").isError());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  int port() {
    return port;
  }

  RespClient client() throws IOException {
    return new RespClient("127.0.0.1", port, Node.CALL_MILLIS);
  }

  /** One command, over a connection of its own. */
  Reply call(String... words) throws IOException {
    try (RespClient client = client()) {
      return client.call(words);
    }
  }

  @Override
  public void close() {
    process.destroyForcibly();
  }
}
