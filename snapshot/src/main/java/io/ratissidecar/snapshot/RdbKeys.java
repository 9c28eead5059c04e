package io.ratissidecar.snapshot;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;

/**
 * Reads the keys of an RDB one after the other. Each value is held in memory while its turn lasts.
 */
public final class RdbKeys {
  /** Who gets them, on the thread that reads; nothing is read meanwhile. */
  public interface Listener {
    /** A key. */
    void onKey(RdbKey key) throws IOException;

    /** The source of a function library, as {@code FUNCTION LOAD} takes it. */
    void onFunction(byte[] source) throws IOException;
  }

  private RdbKeys() {}

  /**
   * Reads all of an RDB, behind whose last byte the stream must end.
   *
   * @throws InvalidSnapshotException when it is damaged, of an unknown version, or has data of a
   *     module; the listener may have got keys by then
   */
  public static void read(InputStream rdb, Listener listener) throws IOException {
    RdbInput in = new RdbInput(rdb);
    new RdbScanner(in, new Reader(in, listener)).scan();
  }

  private static final class Reader implements RdbScanner.Visitor {
    private final RdbInput in;
    private final Listener listener;
    private final ByteArrayOutputStream value = new ByteArrayOutputStream();
    private int version;
    private long deadlineMillis;
    private byte[] key;

    Reader(RdbInput in, Listener listener) {
      this.in = in;
      this.listener = listener;
    }

    @Override
    public void onVersion(int version) {
      this.version = version;
    }

    @Override
    public void onFunction(byte[] source) throws IOException {
      listener.onFunction(source);
    }

    @Override
    public void onDeadline(long millis) {
      deadlineMillis = millis;
    }

    @Override
    public void beginValue(int database, byte[] key, int type) throws IOException {
      this.key = key;
      value.reset();
      value.write(type);
      in.copyTo(value);
    }

    @Override
    public void onModule(String module) throws InvalidSnapshotException {
      if (key != null) { // between the databases modules keep what is about themselves
        throw new InvalidSnapshotException(
            "key '"
                + new String(key, StandardCharsets.UTF_8)
                + "' is data of the module "
                + module
                + ", which is not replicated here. Delete it at the source");
      }
    }

    @Override
    public void onKey(int database, byte[] name) throws IOException {
      in.copyTo(null);
      RdbKey read = new RdbKey(database, name, deadlineMillis, dump());
      key = null;
      deadlineMillis = 0;
      listener.onKey(read);
    }

    /** Type, value, version of the format in two bytes, and the checksum of all that. */
    private byte[] dump() {
      value.write(version);
      value.write(version >>> 8);
      int length = value.size();
      value.writeBytes(new byte[Long.BYTES]);
      byte[] dump = value.toByteArray();
      Crc64.putLittleEndian(dump, length, Crc64.update(0, dump, 0, length));
      return dump;
    }
  }
}
