package io.ratissidecar.statemachine.entry;

import com.google.protobuf.InvalidProtocolBufferException;
import io.ratissidecar.statemachine.entry.proto.EntryHeaderProto;
import io.ratissidecar.statemachine.entry.proto.EntryTypeProto;
import java.nio.ByteBuffer;
import java.util.zip.CRC32C;

/**
 * What every replica must know of an entry besides its payload. Applying an entry may depend on
 * nothing but this, the payload and the state before it.
 *
 * @param type what the payload is for
 * @param leaderTimeMillis the proposing leader's clock, milliseconds since 1970; never decreases
 *     along the log
 * @param seed source of every random choice that applying the entry may need
 * @param payloadLength bytes of payload
 * @param payloadCrc32c CRC32C of the payload
 */
public record EntryHeader(
    EntryType type, long leaderTimeMillis, long seed, int payloadLength, int payloadCrc32c) {

  /** The format version that this code writes, and the newest that it reads. */
  public static final int VERSION = 1;

  /** The header for a payload, whose remaining bytes are measured and left as they are. */
  public static EntryHeader of(
      EntryType type, long leaderTimeMillis, long seed, ByteBuffer payload) {
    return new EntryHeader(type, leaderTimeMillis, seed, payload.remaining(), crc32c(payload));
  }

  /** True when these are the bytes that the header was made for. */
  public boolean describes(ByteBuffer payload) {
    return payload.remaining() == payloadLength && crc32c(payload) == payloadCrc32c;
  }

  /** The wire form. */
  public byte[] toBytes() {
    return EntryHeaderProto.newBuilder()
        .setVersion(VERSION)
        .setType(EntryTypeProto.forNumber(type.code()))
        .setLeaderTimeMillis(leaderTimeMillis)
        .setSeed(seed)
        .setPayloadLength(payloadLength)
        .setPayloadCrc32C(payloadCrc32c)
        .build()
        .toByteArray();
  }

  /**
   * Reads the wire form.
   *
   * @throws UnsupportedFormatException when a newer version wrote it
   * @throws IllegalArgumentException when the bytes are not a header
   */
  public static EntryHeader parse(ByteBuffer bytes) {
    final EntryHeaderProto proto;
    try {
      proto = EntryHeaderProto.parseFrom(bytes);
    } catch (InvalidProtocolBufferException e) {
      throw new IllegalArgumentException("not an entry header: " + e.getMessage(), e);
    }
    if (proto.getVersion() > VERSION) {
      throw new UnsupportedFormatException(
          "entry header has format version "
              + proto.getVersion()
              + "; this version reads up to "
              + VERSION);
    }
    return new EntryHeader(
        EntryType.ofCode(proto.getTypeValue()),
        proto.getLeaderTimeMillis(),
        proto.getSeed(),
        proto.getPayloadLength(),
        proto.getPayloadCrc32C());
  }

  private static int crc32c(ByteBuffer payload) {
    CRC32C crc = new CRC32C();
    crc.update(payload.duplicate());
    return (int) crc.getValue();
  }
}
