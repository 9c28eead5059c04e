package io.ratissidecar.sidecar.raft;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.ratissidecar.statemachine.entry.EntryType;
import io.ratissidecar.statemachine.resp.Resp;
import java.nio.ByteBuffer;
import org.junit.jupiter.api.Test;

class BatchTest {
  /** The log keeps the newest payloads in memory, hundreds of thousands when they are small. */
  @Test
  void when_a_small_payload_is_sealed_then_it_keeps_no_large_buffer() {
    Batch batch = new Batch(EntryType.COMMANDS, 0);
    Resp.command(batch.begin(0, 2), "SET", "key", "value");
    ByteBuffer payload = batch.seal();
    assertEquals(batch.bytes(), payload.remaining());
    assertTrue(payload.array().length < 2 * payload.remaining(), () -> "" + payload.array().length);
  }
}
