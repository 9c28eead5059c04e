package io.ratissidecar.it;

import io.ratissidecar.jepsen.Reply;
import io.ratissidecar.jepsen.RespClient;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.Random;

/** Large values through {@code RAFT SET}, so that logs grow and snapshots take a while. */
final class Filling {
  private static final int PIPELINE = 16;

  private Filling() {}

  /**
   * Sets keys {@code fill:0}, {@code fill:1} and so on at the node, which leads.
   *
   * @param valueBytes of each; they can't be compressed
   */
  static void keys(Node leader, int count, int valueBytes) {
    Random random = new Random(count);
    try (RespClient client = leader.loggedIn()) {
      for (int i = 0; i < count; i += PIPELINE) {
        int now = Math.min(PIPELINE, count - i);
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        for (int j = 0; j < now; j++) {
          out.writeBytes(
              RespClient.encode("RAFT", "SET", "fill:" + (i + j), text(random, valueBytes)));
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

  private static String text(Random random, int bytes) {
    char[] text = new char[bytes];
    for (int i = 0; i < bytes; i++) {
      text[i] = (char) ('!' + random.nextInt(90));
    }
    return new String(text);
  }
}
