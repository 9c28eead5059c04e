package io.ratissidecar.it;

import io.ratissidecar.jepsen.Reply;
import io.ratissidecar.jepsen.RespClient;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.Random;

/** Large values through {@code RAFT SET}, so that logs grow and snapshots take a while. */
final class Filling {
  /** Sent before the replies are read. */
  private static final int PIPELINE_BYTES = 1 << 19;

  private Filling() {}

  /**
   * Sets keys {@code fill:0}, {@code fill:1} and so on at the node, which leads.
   *
   * @param valueBytes of each; they can't be compressed
   */
  static void keys(Node leader, int count, int valueBytes) {
    Random random = new Random(count);
    int pipeline = Math.max(1, PIPELINE_BYTES / valueBytes);
    try (RespClient client = leader.loggedIn()) {
      for (int i = 0; i < count; i += pipeline) {
        int now = Math.min(pipeline, count - i);
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        for (int j = 0; j < now; j++) {
          byte[] value = new byte[valueBytes];
          random.nextBytes(value);
          out.writeBytes(
              RespClient.encode(ascii("RAFT"), ascii("SET"), ascii("fill:" + (i + j)), value));
        }
        client.sendRaw(out.toByteArray());
        for (int j = 0; j < now; j++) {
          Reply reply = client.read();
          if (reply.isError()) {
            throw new IllegalStateException("SET of a value: " + reply);
          }
        }
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static byte[] ascii(String text) {
    return text.getBytes(StandardCharsets.US_ASCII);
  }
}
