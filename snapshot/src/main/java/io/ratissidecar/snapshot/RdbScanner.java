package io.ratissidecar.snapshot;

import java.io.IOException;
import java.nio.charset.StandardCharsets;

/**
 * Walks through an RDB from its first to its last byte, without keeping anything of it: finds out
 * whether it is whole, and shows its keys.
 *
 * <p>Source of the format: {@code rdb.h} and {@code rdb.c} of Redis 6.2 to 8.
 */
final class RdbScanner {
  /** What is shown. */
  interface Visitor {
    /** A key that holds a string: true when {@link #onString} is to get the value. */
    boolean wants(int database, byte[] key);

    /** A value that was wanted. */
    void onString(int database, byte[] key, byte[] value);

    /** Each key, behind its value. */
    default void onKey(int database, byte[] key) {}
  }

  private static final String MAGIC = "REDIS";
  private static final int NEWEST_VERSION = 13;
  private static final int FIRST_WITH_CHECKSUM = 5;

  private static final int SLOT_INFO = 0xf4;
  private static final int FUNCTION = 0xf5;
  private static final int MODULE_AUX = 0xf7;
  private static final int IDLE = 0xf8;
  private static final int FREQUENCY = 0xf9;
  private static final int AUX = 0xfa;
  private static final int RESIZE = 0xfb;
  private static final int EXPIRE_MILLIS = 0xfc;
  private static final int EXPIRE_SECONDS = 0xfd;
  private static final int SELECT = 0xfe;
  private static final int END = 0xff;

  private final RdbInput in;
  private final Visitor visitor;

  RdbScanner(RdbInput in, Visitor visitor) {
    this.in = in;
    this.visitor = visitor;
  }

  /**
   * Reads all of it.
   *
   * @return the version of the format
   * @throws InvalidSnapshotException when it is damaged, ends too early or too late, or is newer
   *     than what is known here
   */
  int scan() throws IOException {
    String magic = new String(in.read(MAGIC.length()), StandardCharsets.ISO_8859_1);
    if (!magic.equals(MAGIC)) {
      throw new InvalidSnapshotException("this is no RDB: it does not begin with " + MAGIC);
    }
    int version = version();
    int database = 0;
    int opcode;
    while ((opcode = in.readByte()) != END) {
      switch (opcode) {
        case SELECT -> database = (int) in.readLength();
        case EXPIRE_SECONDS -> in.skip(4);
        case EXPIRE_MILLIS -> in.skip(8);
        case FREQUENCY -> in.skip(1);
        case IDLE -> in.readLength();
        case RESIZE -> lengths(2);
        case SLOT_INFO -> lengths(3);
        case AUX -> strings(2);
        case FUNCTION -> in.skipString();
        case MODULE_AUX -> {
          lengths(3);
          moduleValue();
        }
        default -> key(database, opcode);
      }
    }
    checksum(version);
    return version;
  }

  private int version() throws IOException {
    String digits = new String(in.read(4), StandardCharsets.ISO_8859_1);
    if (!digits.matches("[0-9]{4}")) {
      throw new InvalidSnapshotException("this is no RDB: its version is not a number");
    }
    int version = Integer.parseInt(digits);
    if (version > NEWEST_VERSION) {
      throw new InvalidSnapshotException(
          "RDB version "
              + version
              + " is newer than "
              + NEWEST_VERSION
              + ", the newest known here");
    }
    return version;
  }

  private void checksum(int version) throws IOException {
    long computed = in.crc();
    if (version >= FIRST_WITH_CHECKSUM) {
      long written = in.readLong();
      if (written != 0 && written != computed) { // 0: Redis was told to write none
        throw new InvalidSnapshotException(
            String.format(
                "the RDB is damaged: its checksum is %016x, it should be %016x",
                computed, written));
      }
    }
    if (!in.isAtEnd()) {
      throw new InvalidSnapshotException("there are bytes behind the end of the RDB");
    }
  }

  private void key(int database, int type) throws IOException {
    byte[] key = in.readString();
    if (type == 0 && visitor.wants(database, key)) {
      visitor.onString(database, key, in.readString());
    } else {
      value(type);
    }
    visitor.onKey(database, key);
  }

  private void lengths(int count) throws IOException {
    for (int i = 0; i < count; i++) {
      in.readLength();
    }
  }

  private void strings(long count) throws IOException {
    for (long i = 0; i < count; i++) {
      in.skipString();
    }
  }

  private void value(int type) throws IOException {
    switch (type) {
      case 0, 9, 10, 11, 12, 13, 16, 17, 20 -> in.skipString(); // string, or packed into one
      case 1, 2, 14 -> strings(in.readLength()); // list, set, quick list
      case 3 -> oldSortedSet();
      case 4 -> strings(2 * in.readLength()); // hash
      case 5 -> sortedSet();
      case 7 -> {
        in.readLength();
        moduleValue();
      }
      case 15 -> stream(0, false);
      case 18 -> quickList();
      case 19 -> stream(5, false);
      case 21 -> stream(5, true);
      case 24 -> hashWithDeadlines();
      case 25 -> {
        in.skip(8);
        in.skipString();
      }
      default ->
          throw new InvalidSnapshotException(
              "the RDB has a value of unknown type " + type + " at byte " + in.offset());
    }
  }

  private void oldSortedSet() throws IOException {
    long count = in.readLength();
    for (long i = 0; i < count; i++) {
      in.skipString();
      int length = in.readByte();
      if (length < 253) { // 253 to 255 stand for not a number and the infinities
        in.skip(length);
      }
    }
  }

  private void sortedSet() throws IOException {
    long count = in.readLength();
    for (long i = 0; i < count; i++) {
      in.skipString();
      in.skip(8);
    }
  }

  private void quickList() throws IOException {
    long count = in.readLength();
    for (long i = 0; i < count; i++) {
      in.readLength();
      in.skipString();
    }
  }

  private void hashWithDeadlines() throws IOException {
    in.skip(8);
    long count = in.readLength();
    for (long i = 0; i < count; i++) {
      in.readLength();
      strings(2);
    }
  }

  /**
   * @param newerLengths how many lengths later versions added
   * @param activeTime whether consumers have the time of their last success
   */
  private void stream(int newerLengths, boolean activeTime) throws IOException {
    strings(2 * in.readLength());
    lengths(3 + newerLengths);
    long groups = in.readLength();
    for (long i = 0; i < groups; i++) {
      in.skipString();
      lengths(newerLengths == 0 ? 2 : 3);
      long pending = in.readLength();
      for (long j = 0; j < pending; j++) {
        in.skip(16 + 8);
        in.readLength();
      }
      long consumers = in.readLength();
      for (long j = 0; j < consumers; j++) {
        in.skipString();
        in.skip(activeTime ? 16 : 8);
        in.skip(16 * in.readLength());
      }
    }
  }

  private void moduleValue() throws IOException {
    long part;
    while ((part = in.readLength()) != 0) {
      switch ((int) part) {
        case 1, 2 -> in.readLength();
        case 3 -> in.skip(4);
        case 4 -> in.skip(8);
        case 5 -> in.skipString();
        default ->
            throw new InvalidSnapshotException(
                "the RDB has an unknown part of a module's value at byte " + in.offset());
      }
    }
  }
}
