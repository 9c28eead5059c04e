package io.ratissidecar.it;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.ratissidecar.jepsen.Reply;
import io.ratissidecar.jepsen.RespClient;
import java.io.IOException;

/** What {@code DUMP} gives, which is no text. */
final class Dump {
  private Dump() {}

  /** Makes a key of one, which is not there yet. */
  static Reply restore(RespClient client, String key, byte[] dump) throws IOException {
    byte[][] words = {"RESTORE".getBytes(UTF_8), key.getBytes(UTF_8), "0".getBytes(UTF_8), dump};
    client.sendRaw(RespClient.encode(words));
    return client.read();
  }
}
