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
  /**
   * What is shown. An RDB is a header and then parts, each of which begins with a byte that says
   * what it is: an opcode, or the type of a key's value. Keys belong to the database that was
   * selected last, as do the parts that come before a key and are about it.
   */
  interface Visitor {
    /** The header was read. */
    default void onVersion(int version) {}

    /** A part begins with the byte that is read next. */
    default void beginPart(int opcode, int database) throws IOException {}

    /** The name of an auxiliary field was read; its value comes next. */
    default void onAux(byte[] name) throws IOException {}

    /** The source of a function library. */
    default void onFunction(byte[] source) throws IOException {}

    /** Data of a module follows, in the value that was begun or between the databases. */
    default void onModule(String module) throws IOException {}

    /** The next key expires then, in milliseconds since 1970. */
    default void onDeadline(long millis) throws IOException {}

    /** The time at which a consumer of a stream got an entry comes next, in eight bytes. */
    default void beforeDelivered() throws IOException {}

    /** That time, in milliseconds since 1970. */
    default void onDelivered(long millis) throws IOException {}

    /** The value of a key begins with the byte that is read next. */
    default void beginValue(int database, byte[] key, int type) throws IOException {}

    /** Whether the visitor itself reads the value of the key that was begun, to its last byte. */
    default boolean readsValue(int type) throws IOException {
      return false;
    }

    /** A key that holds a string: true when {@link #onString} is to get the value. */
    default boolean wants(int database, byte[] key) {
      return false;
    }

    /** A value that was wanted. */
    default void onString(int database, byte[] key, byte[] value) {}

    /** Each key, behind its value. */
    default void onKey(int database, byte[] key) throws IOException {}
  }

  private static final String MAGIC = "REDIS";
  static final int HEADER_BYTES = 9;
  private static final int NEWEST_VERSION = 13;
  static final int FIRST_WITH_CHECKSUM = 5;

  static final int SLOT_INFO = 0xf4;
  static final int FUNCTION = 0xf5;
  static final int MODULE_AUX = 0xf7;
  static final int IDLE = 0xf8;
  static final int FREQUENCY = 0xf9;
  static final int AUX = 0xfa;
  static final int RESIZE = 0xfb;
  static final int EXPIRE_MILLIS = 0xfc;
  static final int EXPIRE_SECONDS = 0xfd;
  static final int SELECT = 0xfe;
  static final int END = 0xff;

  /** In the order of their numbers, six bits each, in the id of a module. */
  private static final String MODULE_LETTERS =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

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
    int version = version(in);
    if (version > NEWEST_VERSION) {
      throw new InvalidSnapshotException(
          "RDB version "
              + version
              + " is newer than "
              + NEWEST_VERSION
              + ", the newest known here");
    }
    visitor.onVersion(version);
    int database = 0;
    int opcode;
    do {
      visitor.beginPart(in.peekByte(), database);
      opcode = in.readByte();
      switch (opcode) {
        case SELECT -> database = (int) in.readLength();
        case EXPIRE_SECONDS -> visitor.onDeadline(1000L * in.readInt());
        case EXPIRE_MILLIS -> visitor.onDeadline(in.readLong());
        case FREQUENCY -> in.skip(1);
        case IDLE -> in.readLength();
        case RESIZE -> lengths(2);
        case SLOT_INFO -> lengths(3);
        case AUX -> {
          visitor.onAux(in.readString());
          in.skipString();
        }
        case FUNCTION -> visitor.onFunction(in.readString());
        case MODULE_AUX -> {
          visitor.onModule(moduleName(in.readLength()));
          lengths(2);
          moduleValue();
        }
        case END -> {}
        default -> key(database, opcode);
      }
    } while (opcode != END);
    checksum(version);
    return version;
  }

  /**
   * Reads the header, of {@value #HEADER_BYTES} bytes.
   *
   * @return the version of the format
   * @throws InvalidSnapshotException when it is none
   */
  static int version(RdbInput in) throws IOException {
    String magic = new String(in.read(MAGIC.length()), StandardCharsets.ISO_8859_1);
    if (!magic.equals(MAGIC)) {
      throw new InvalidSnapshotException("this is no RDB: it does not begin with " + MAGIC);
    }
    String digits = new String(in.read(4), StandardCharsets.ISO_8859_1);
    if (!digits.matches("[0-9]{4}")) {
      throw new InvalidSnapshotException("this is no RDB: its version is not a number");
    }
    return Integer.parseInt(digits);
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
    visitor.beginValue(database, key, type);
    if (visitor.readsValue(type)) {
      // It has read it.
    } else if (type == 0 && visitor.wants(database, key)) {
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
        visitor.onModule(moduleName(in.readLength()));
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
        in.skip(16);
        visitor.beforeDelivered();
        visitor.onDelivered(in.readLong());
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

  /** The lowest ten bits are a version. */
  private static String moduleName(long id) {
    char[] name = new char[9];
    for (int i = 0; i < name.length; i++) {
      name[i] = MODULE_LETTERS.charAt((int) (id >>> 58 - 6 * i) & 0x3f);
    }
    return new String(name);
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
