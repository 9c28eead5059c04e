package io.ratissidecar.snapshot;

import io.ratissidecar.statemachine.apply.AppliedMarker;
import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;

/** Writes small RDBs by hand. */
final class RdbBuilder {
  private final ByteArrayOutputStream out = new ByteArrayOutputStream();

  RdbBuilder(int version) {
    raw(String.format("REDIS%04d", version).getBytes(StandardCharsets.US_ASCII));
  }

  /** As a node of a cluster leaves it. */
  static byte[] withMarker(String clusterId, long term, long index) {
    return new RdbBuilder(10)
        .database(0)
        .string("k", "v")
        .database(15)
        .string(AppliedMarker.BEGIN_KEY, Long.toString(index))
        .string(AppliedMarker.APPLIED_KEY, AppliedMarker.appliedValue(index, term, clusterId))
        .end();
  }

  RdbBuilder raw(byte... bytes) {
    out.writeBytes(bytes);
    return this;
  }

  RdbBuilder raw(int... bytes) {
    for (int b : bytes) {
      out.write(b);
    }
    return this;
  }

  RdbBuilder text(String text) {
    byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
    if (bytes.length < 64) {
      raw(bytes.length);
    } else if (bytes.length < 1 << 14) {
      raw(0x40 | bytes.length >> 8, bytes.length & 0xff);
    } else {
      raw(0x80, 0, bytes.length >> 16, bytes.length >> 8 & 0xff, bytes.length & 0xff);
    }
    return raw(bytes);
  }

  RdbBuilder database(int number) {
    return raw(0xfe, number);
  }

  RdbBuilder string(String key, String value) {
    return raw(0).text(key).text(value);
  }

  /** The id of a module, as it stands before its data. */
  static RdbBuilder module(RdbBuilder rdb, String name, int version) {
    String letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    long id = 0;
    for (char c : name.toCharArray()) {
      id = id << 6 | letters.indexOf(c);
    }
    id = id << 10 | version;
    rdb.raw(0x81);
    for (int shift = 56; shift >= 0; shift -= 8) {
      rdb.raw((int) (id >>> shift) & 0xff);
    }
    return rdb;
  }

  /** As before version 5 of the format. */
  byte[] endWithoutChecksum() {
    raw(0xff);
    return out.toByteArray();
  }

  /** End and checksum. */
  byte[] end() {
    raw(0xff);
    byte[] body = out.toByteArray();
    long crc = Crc64.update(0, body, 0, body.length);
    for (int i = 0; i < 8; i++) {
      raw((int) (crc >>> 8 * i) & 0xff);
    }
    return out.toByteArray();
  }
}
