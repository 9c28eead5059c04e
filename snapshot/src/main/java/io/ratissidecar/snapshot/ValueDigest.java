package io.ratissidecar.snapshot;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;

/**
 * The hash of one value as users see it: however Redis has packed it, and in whatever order a hash
 * table has it. Not part of it is when a consumer of a stream was last seen, which each Redis notes
 * by its own clock.
 *
 * <p>Source of the format: {@code rdb.c} of Redis 6.2 to 8.
 */
final class ValueDigest {
  private final RdbInput in;
  private final MessageDigest value = Sha256.create();
  private final MessageDigest element = Sha256.create();

  ValueDigest(RdbInput in) {
    this.in = in;
  }

  /** A piece of a value. */
  private interface Part {
    void addTo(MessageDigest digest) throws IOException;
  }

  /**
   * Reads a value.
   *
   * @return its hash; null for a type that is not known here, of which nothing was read
   * @throws InvalidSnapshotException when it is damaged
   */
  byte[] read(int type) throws IOException {
    try {
      if (!digest(type)) {
        return null;
      }
      return value.digest();
    } catch (IndexOutOfBoundsException | IllegalArgumentException e) {
      throw new InvalidSnapshotException(
          "a value that ends at byte " + in.offset() + " of the RDB is damaged: " + e.getMessage());
    }
  }

  private boolean digest(int type) throws IOException {
    switch (type) {
      case 0 -> {
        kind('s');
        in.digestString(value);
      }
      case 1 -> {
        kind('l');
        long count = in.readLength();
        for (long i = 0; i < count; i++) {
          in.digestString(value);
        }
      }
      case 10 -> list(PackedElements.zipList(in.readString()));
      case 14, 18 -> quickList(type == 18);
      case 2 -> {
        kind('t');
        unordered(in.readLength(), 1);
      }
      case 11 -> set(PackedElements.intSet(in.readString()));
      case 20 -> set(PackedElements.listPack(in.readString()));
      case 4 -> {
        kind('h');
        unordered(in.readLength(), 2);
      }
      case 13 -> hash(PackedElements.zipList(in.readString()), false);
      case 16 -> hash(PackedElements.listPack(in.readString()), false);
      case 24 -> hashWithDeadlines();
      case 25 -> {
        in.readLong(); // the earliest deadline
        hash(PackedElements.listPack(in.readString()), true);
      }
      case 3, 5 -> sortedSet(type == 5);
      case 12 -> sortedSet(PackedElements.zipList(in.readString()));
      case 17 -> sortedSet(PackedElements.listPack(in.readString()));
      case 15, 19, 21 -> stream(type);
      default -> {
        return false;
      }
    }
    return true;
  }

  private void kind(char kind) {
    value.update((byte) kind);
  }

  private byte[] hashOf(Part part) throws IOException {
    part.addTo(element);
    return element.digest();
  }

  private void list(PackedElements elements) {
    kind('l');
    listElements(elements);
  }

  private void listElements(PackedElements elements) {
    while (elements.hasNext()) {
      Sha256.add(value, elements.next());
    }
  }

  private void quickList(boolean withContainers) throws IOException {
    kind('l');
    long nodes = in.readLength();
    for (long i = 0; i < nodes; i++) {
      if (withContainers && in.readLength() == 1) {
        in.digestString(value); // one long element by itself
      } else {
        byte[] packed = in.readString();
        listElements(
            withContainers ? PackedElements.listPack(packed) : PackedElements.zipList(packed));
      }
    }
  }

  /** Members of a set, or fields of a hash with their values. */
  private void unordered(long count, int strings) throws IOException {
    byte[] sum = new byte[Sha256.BYTES];
    for (long i = 0; i < count; i++) {
      Sha256.xor(
          sum,
          hashOf(
              digest -> {
                for (int j = 0; j < strings; j++) {
                  in.digestString(digest);
                }
              }));
    }
    value.update(sum);
  }

  private void set(PackedElements elements) throws IOException {
    kind('t');
    byte[] sum = new byte[Sha256.BYTES];
    while (elements.hasNext()) {
      Sha256.xor(sum, hashOf(digest -> Sha256.add(digest, elements.next())));
    }
    value.update(sum);
  }

  private void hash(PackedElements elements, boolean withDeadlines) throws IOException {
    kind('h');
    byte[] sum = new byte[Sha256.BYTES];
    while (elements.hasNext()) {
      Sha256.xor(
          sum,
          hashOf(
              digest -> {
                Sha256.add(digest, elements.next());
                Sha256.add(digest, elements.next());
                if (withDeadlines) {
                  fieldDeadline(digest, elements.nextNumber(), 0);
                }
              }));
    }
    value.update(sum);
  }

  private void hashWithDeadlines() throws IOException {
    kind('h');
    long earliest = in.readLong();
    long count = in.readLength();
    byte[] sum = new byte[Sha256.BYTES];
    for (long i = 0; i < count; i++) {
      long deadline = in.readLength();
      Sha256.xor(
          sum,
          hashOf(
              digest -> {
                in.digestString(digest);
                in.digestString(digest);
                fieldDeadline(digest, deadline, earliest - 1);
              }));
    }
    value.update(sum);
  }

  /** A field that has none is hashed as in a hash that has none. */
  private static void fieldDeadline(MessageDigest digest, long deadline, long from) {
    if (deadline != 0) {
      Sha256.add(digest, from + deadline);
    }
  }

  private void sortedSet(boolean binary) throws IOException {
    kind('z');
    long count = in.readLength();
    byte[] sum = new byte[Sha256.BYTES];
    for (long i = 0; i < count; i++) {
      Sha256.xor(
          sum,
          hashOf(
              digest -> {
                in.digestString(digest);
                score(digest, binary ? Double.longBitsToDouble(in.readLong()) : textScore());
              }));
    }
    value.update(sum);
  }

  private double textScore() throws IOException {
    int length = in.readByte();
    return switch (length) {
      case 253 -> Double.NaN;
      case 254 -> Double.POSITIVE_INFINITY;
      case 255 -> Double.NEGATIVE_INFINITY;
      default -> Double.parseDouble(new String(in.read(length), StandardCharsets.US_ASCII));
    };
  }

  private void sortedSet(PackedElements elements) throws IOException {
    kind('z');
    byte[] sum = new byte[Sha256.BYTES];
    while (elements.hasNext()) {
      Sha256.xor(
          sum,
          hashOf(
              digest -> {
                Sha256.add(digest, elements.next());
                score(digest, score(new String(elements.next(), StandardCharsets.US_ASCII)));
              }));
    }
    value.update(sum);
  }

  private static double score(String text) {
    return switch (text) {
      case "inf" -> Double.POSITIVE_INFINITY;
      case "-inf" -> Double.NEGATIVE_INFINITY;
      case "nan", "-nan" -> Double.NaN;
      default -> Double.parseDouble(text);
    };
  }

  private static void score(MessageDigest digest, double score) {
    Sha256.add(digest, Double.doubleToLongBits(score == 0 ? 0.0 : score)); // -0 equals 0
  }

  private void stream(int type) throws IOException {
    kind('x');
    long nodes = in.readLength();
    for (long i = 0; i < nodes; i++) {
      byte[] master = in.readString();
      entries(
          bigEndian(master, 0),
          bigEndian(master, Long.BYTES),
          PackedElements.listPack(in.readString()));
    }
    value.update((byte) 0);
    numbers(value, 3); // length, last id
    if (type >= 19) {
      numbers(value, 5); // first id, highest id that was deleted, entries that were ever added
    }
    groups(type);
  }

  private static long bigEndian(byte[] bytes, int at) {
    long number = 0;
    for (int i = 0; i < Long.BYTES; i++) {
      number = number << 8 | bytes[at + i] & 0xff;
    }
    return number;
  }

  private void numbers(MessageDigest digest, int count) throws IOException {
    for (int i = 0; i < count; i++) {
      Sha256.add(digest, in.readLength());
    }
  }

  /** The entries of one list pack. The first element tells what most of them have in common. */
  private void entries(long millis, long sequence, PackedElements pack) {
    final int deletedFlag = 1;
    final int sameFieldsFlag = 2;
    pack.next(); // how many there are
    pack.next(); // how many are deleted
    byte[][] common = new byte[(int) pack.nextNumber()][];
    for (int i = 0; i < common.length; i++) {
      common[i] = pack.next();
    }
    pack.next(); // 0
    while (pack.hasNext()) {
      long flags = pack.nextNumber();
      long id = millis + pack.nextNumber();
      long number = sequence + pack.nextNumber();
      boolean same = (flags & sameFieldsFlag) != 0;
      int count = same ? common.length : (int) pack.nextNumber();
      boolean there = (flags & deletedFlag) == 0;
      if (there) {
        value.update((byte) 1);
        Sha256.add(value, id);
        Sha256.add(value, number);
        Sha256.add(value, count);
      }
      for (int i = 0; i < count; i++) {
        byte[] field = same ? common[i] : pack.next();
        byte[] content = pack.next();
        if (there) {
          Sha256.add(value, field);
          Sha256.add(value, content);
        }
      }
      pack.next(); // how many elements it was
    }
  }

  /** Groups, what is pending in them, and consumers come in the order of their names. */
  private void groups(int type) throws IOException {
    long groups = in.readLength();
    for (long i = 0; i < groups; i++) {
      in.digestString(value);
      numbers(value, type >= 19 ? 3 : 2); // last id that was delivered, entries read
      long pending = in.readLength();
      Sha256.add(value, pending);
      for (long j = 0; j < pending; j++) {
        value.update(in.read(16)); // id
        Sha256.add(value, in.readLong()); // delivered at
        Sha256.add(value, in.readLength()); // how often
      }
      long consumers = in.readLength();
      Sha256.add(value, consumers);
      for (long j = 0; j < consumers; j++) {
        in.digestString(value);
        in.skip(type >= 21 ? 16 : 8); // last seen, last active
        long own = in.readLength();
        Sha256.add(value, own);
        for (long k = 0; k < own; k++) {
          value.update(in.read(16));
        }
      }
    }
  }
}
