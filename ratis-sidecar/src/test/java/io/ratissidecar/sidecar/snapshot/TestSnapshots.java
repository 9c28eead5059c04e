package io.ratissidecar.sidecar.snapshot;

import io.ratissidecar.snapshot.Snapshot;
import io.ratissidecar.snapshot.SnapshotDraft;
import io.ratissidecar.snapshot.SnapshotStore;
import java.io.ByteArrayOutputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Random;

/** Snapshots that no Redis has made. */
final class TestSnapshots {
  private TestSnapshots() {}

  /** Publishes one of an entry of term 3, with a value of so many bytes. */
  static Snapshot publish(SnapshotStore store, String clusterId, long index, int bytes)
      throws IOException {
    try (SnapshotDraft draft = store.begin()) {
      draft.out().write(rdb(clusterId, index, bytes));
      return draft.publish(clusterId, index, List.of("1@h:1@h:11@voter"), "7.0.15");
    }
  }

  private static void string(DataOutputStream out, String key, byte[] value) throws IOException {
    out.writeByte(0);
    out.writeByte(key.length());
    out.writeBytes(key);
    out.writeByte(0x80); // a length of four bytes
    out.writeInt(value.length);
    out.write(value);
  }

  /** An RDB without a checksum of its own, which Redis can be told to write. */
  private static byte[] rdb(String clusterId, long index, int bytes) throws IOException {
    ByteArrayOutputStream result = new ByteArrayOutputStream();
    DataOutputStream out = new DataOutputStream(result);
    out.writeBytes("REDIS0010");
    out.write(new byte[] {(byte) 0xfe, 0});
    byte[] value = new byte[bytes];
    new Random(bytes).nextBytes(value);
    string(out, "k", value);
    out.write(new byte[] {(byte) 0xfe, 15});
    string(out, "ratis-sidecar:begin", ("" + index).getBytes(StandardCharsets.US_ASCII));
    string(
        out,
        "ratis-sidecar:applied",
        (index + " 3 " + clusterId).getBytes(StandardCharsets.US_ASCII));
    out.writeByte(0xff);
    out.writeLong(0);
    return result.toByteArray();
  }
}
