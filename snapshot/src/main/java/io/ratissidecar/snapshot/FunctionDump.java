package io.ratissidecar.snapshot;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.util.function.UnaryOperator;

/**
 * What {@code FUNCTION DUMP} gives and {@code FUNCTION RESTORE} takes: the function libraries as in
 * an RDB, two bytes of its version, eight of a checksum.
 */
public final class FunctionDump {
  private static final int LONGEST_LIBRARY = 64 << 20;
  private static final int VERSION_BYTES = 2;
  private static final int END_BYTES = VERSION_BYTES + Long.BYTES;

  private FunctionDump() {}

  /**
   * The same dump with other code.
   *
   * @param code changes that of one library
   * @throws InvalidSnapshotException when it is none, or damaged; in the words of Redis
   */
  public static byte[] rewrite(byte[] dump, UnaryOperator<byte[]> code)
      throws InvalidSnapshotException {
    int body = dump.length - END_BYTES;
    if (body < 0
        || Crc64.littleEndian(dump, dump.length - Long.BYTES)
            != Crc64.update(0, dump, 0, dump.length - Long.BYTES)) {
      throw new InvalidSnapshotException("DUMP payload version or checksum are wrong");
    }
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try (RdbInput in = new RdbInput(new ByteArrayInputStream(dump, 0, body));
        RdbOutput out = new RdbOutput(bytes)) {
      in.limitStrings(LONGEST_LIBRARY);
      while (!in.isAtEnd()) {
        if (in.readByte() != RdbScanner.FUNCTION) {
          throw new InvalidSnapshotException("given type is not a function");
        }
        out.function(code.apply(in.readString()));
      }
      out.write(dump, body, VERSION_BYTES);
      out.checksum();
    } catch (InvalidSnapshotException e) {
      throw e;
    } catch (IOException e) {
      throw new AssertionError("nothing but memory was read and written", e);
    }
    return bytes.toByteArray();
  }
}
