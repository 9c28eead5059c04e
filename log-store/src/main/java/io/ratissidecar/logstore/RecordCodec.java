package io.ratissidecar.logstore;

import static java.nio.charset.StandardCharsets.US_ASCII;

import io.ratissidecar.statemachine.entry.Entry;
import io.ratissidecar.statemachine.entry.EntryHeader;
import io.ratissidecar.statemachine.entry.EntryType;
import java.nio.ByteBuffer;
import java.util.zip.CRC32C;

/**
 * One entry in a segment: a RESP array of ten bulk strings, which are a tag, term, index, type,
 * leader time, seed, durable index, offset, payload, and the CRC32C of every byte before its
 * digits.
 *
 * <p>The durable index is the highest index known to be flushed when the record was appended. It
 * tells damage from the leftovers of a power loss: an unflushed run of records may reach the disk
 * in any order, but a record whose successor says that it was flushed must be there.
 *
 * <p>The offset is the record's own place in the file, so that bytes inside a payload that look
 * like a record, or blocks that a disk wrote to the wrong place, are not taken for one.
 */
final class RecordCodec {
  private static final byte[] TEMPLATE =
      ("*10\r\n$5\r\nENTRY\r\n"
              + number(20) // term
              + number(20) // index
              + number(3) // type
              + number(20) // leader time, milliseconds
              + number(16) // seed, hexadecimal
              + number(20) // durable index
              + number(10)) // offset
          .getBytes(US_ASCII);

  /** The bytes that every record starts with. */
  static final byte[] MAGIC = "*10\r\n$5\r\nENTRY\r\n$20\r\n".getBytes(US_ASCII);

  private static final int TERM = 21;
  private static final int INDEX = TERM + 27;
  private static final int TYPE = INDEX + 26;
  private static final int TIME = TYPE + 10;
  private static final int SEED = TIME + 27;
  private static final int DURABLE = SEED + 23;
  private static final int OFFSET = DURABLE + 27;
  private static final int LENGTH = TEMPLATE.length + 1;
  private static final int MAX_LENGTH_DIGITS = 10;
  private static final byte[] CRC_LEAD = "\r\n$8\r\n".getBytes(US_ASCII);
  private static final int TRAILER = CRC_LEAD.length + 8 + 2;

  /** Payloads beyond this are refused, so that every offset in a segment fits an int. */
  static final int MAX_PAYLOAD_BYTES = 1 << 30;

  private RecordCodec() {}

  private static String number(int width) {
    return "$" + width + "\r\n" + "0".repeat(width) + "\r\n";
  }

  /** Bytes of the record of a payload of this many bytes. */
  static int recordBytes(int payloadBytes) {
    return LENGTH + Integer.toString(payloadBytes).length() + 2 + payloadBytes + TRAILER;
  }

  /** Bytes of payload in a record of this many bytes. */
  static int payloadBytes(int recordBytes) {
    int digitsAndPayload = recordBytes - LENGTH - 2 - TRAILER;
    int digits = 1;
    while (Integer.toString(digitsAndPayload - digits).length() > digits) {
      digits++;
    }
    return digitsAndPayload - digits;
  }

  /** Writes the record from the buffer's position on, which moves behind it. */
  static void encode(Entry entry, long durableIndex, long offset, ByteBuffer to) {
    ByteBuffer payload = entry.payload();
    byte[] length = ("$" + payload.remaining() + "\r\n").getBytes(US_ASCII);
    byte[] head = TEMPLATE.clone();
    Digits.putDecimal(head, TERM, 20, entry.term());
    Digits.putDecimal(head, INDEX, 20, entry.index());
    Digits.putDecimal(head, TYPE, 3, entry.header().type().code());
    Digits.putDecimal(head, TIME, 20, entry.header().leaderTimeMillis());
    Digits.putHex(head, SEED, 16, entry.header().seed());
    Digits.putDecimal(head, DURABLE, 20, durableIndex);
    Digits.putDecimal(head, OFFSET, 10, offset);
    int start = to.position();
    to.put(head).put(length).put(payload).put(CRC_LEAD);
    byte[] crc = new byte[10];
    Digits.putHex(crc, 0, 8, crc32c(to, start, to.position()));
    crc[8] = '\r';
    crc[9] = '\n';
    to.put(crc);
  }

  /**
   * The length of the record that seems to start at {@code at}: -1 when none does, 0 when the bytes
   * up to the buffer's limit are too few to tell.
   */
  static long lengthAt(ByteBuffer bytes, int at) {
    int limit = bytes.limit();
    for (int i = 0; i < MAGIC.length; i++) {
      if (at + i >= limit) {
        return 0;
      }
      if (bytes.get(at + i) != MAGIC[i]) {
        return -1;
      }
    }
    long payloadBytes = 0;
    for (int i = 0; i <= MAX_LENGTH_DIGITS; i++) {
      int p = at + LENGTH + i;
      if (p >= limit) {
        return 0;
      }
      byte b = bytes.get(p);
      if (b == '\r' && i > 0 && payloadBytes <= MAX_PAYLOAD_BYTES) {
        return LENGTH + i + 2 + payloadBytes + TRAILER;
      }
      if (b < '0' || b > '9') {
        return -1;
      }
      payloadBytes = payloadBytes * 10 + b - '0';
    }
    return -1;
  }

  /** True when these bytes are a record that was written at this offset of its file. */
  static boolean isValid(ByteBuffer bytes, int at, int length, long offset) {
    int end = at + length;
    return bytes.get(end - 2) == '\r'
        && bytes.get(end - 1) == '\n'
        && crc(bytes, at, length) == crc32c(bytes, at, end - 10)
        && Digits.decimal(bytes, at + OFFSET, 10) == offset;
  }

  static long term(ByteBuffer bytes, int at) {
    return Digits.decimal(bytes, at + TERM, 20);
  }

  static long index(ByteBuffer bytes, int at) {
    return Digits.decimal(bytes, at + INDEX, 20);
  }

  static int typeCode(ByteBuffer bytes, int at) {
    return (int) Digits.decimal(bytes, at + TYPE, 3);
  }

  static long durableIndex(ByteBuffer bytes, int at) {
    return Digits.decimal(bytes, at + DURABLE, 20);
  }

  /** The checksum as stored. */
  static int crc(ByteBuffer bytes, int at, int length) {
    return (int) Digits.hex(bytes, at + length - 10, 8);
  }

  /** The entry of a valid record, with a payload of its own. */
  static Entry entry(ByteBuffer bytes, int at, int length) {
    int end = at + length - TRAILER;
    int payloadAt = at + LENGTH;
    while (bytes.get(payloadAt) != '\r') {
      payloadAt++;
    }
    payloadAt += 2;
    byte[] payload = new byte[end - payloadAt];
    bytes.get(payloadAt, payload);
    ByteBuffer view = ByteBuffer.wrap(payload);
    EntryHeader header =
        EntryHeader.of(
            EntryType.ofCode(typeCode(bytes, at)),
            Digits.decimal(bytes, at + TIME, 20),
            Digits.hex(bytes, at + SEED, 16),
            view);
    return new Entry(term(bytes, at), index(bytes, at), header, view);
  }

  private static int crc32c(ByteBuffer bytes, int from, int to) {
    CRC32C crc = new CRC32C();
    crc.update(bytes.duplicate().position(from).limit(to));
    return (int) crc.getValue();
  }
}
