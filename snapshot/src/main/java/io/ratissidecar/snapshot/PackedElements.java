package io.ratissidecar.snapshot;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/**
 * Walks through the elements of the formats into which Redis packs small values. What they hold as
 * a number is given as its decimal text, so that equal elements are equal however they are packed.
 *
 * <p>Source of the formats: {@code listpack.c}, {@code ziplist.c} and {@code intset.c} of Redis.
 */
abstract class PackedElements {
  private final byte[] packed;
  private int at;

  private PackedElements(byte[] packed, int first) {
    this.packed = packed;
    this.at = first;
  }

  /** A list pack: six bytes of header, the elements, and an end mark. */
  static PackedElements listPack(byte[] packed) {
    return new ListPack(packed);
  }

  /** A zip list, which list packs have replaced in Redis 7. */
  static PackedElements zipList(byte[] packed) {
    return new ZipList(packed);
  }

  /** Whole numbers of one width. */
  static PackedElements intSet(byte[] packed) {
    return new IntSet(packed);
  }

  /** Whether there is another element. */
  abstract boolean hasNext();

  abstract byte[] next();

  /** The next element, which is a number. */
  long nextNumber() {
    return Long.parseLong(new String(next(), StandardCharsets.US_ASCII));
  }

  int unsigned() {
    return packed[at++] & 0xff;
  }

  int peek() {
    return packed[at] & 0xff;
  }

  void skip(int bytes) {
    at += bytes;
  }

  /** How many bytes there are. */
  int length() {
    return packed.length;
  }

  int position() {
    return at;
  }

  byte[] bytes(long length) {
    if (length < 0 || length > packed.length - at) {
      throw new ArrayIndexOutOfBoundsException("an element of " + length + " bytes at byte " + at);
    }
    at += (int) length;
    return Arrays.copyOfRange(packed, at - (int) length, at);
  }

  /** A signed number, the lowest byte first. */
  byte[] number(int bytes) {
    long value = 0;
    for (int i = 0; i < bytes; i++) {
      value |= (long) unsigned() << 8 * i;
    }
    int unused = 64 - 8 * bytes;
    return text(value << unused >> unused);
  }

  static byte[] text(long number) {
    return Long.toString(number).getBytes(StandardCharsets.US_ASCII);
  }

  private static final class ListPack extends PackedElements {
    private static final int HEADER_BYTES = 6;
    private static final int END = 0xff;

    ListPack(byte[] packed) {
      super(packed, HEADER_BYTES);
    }

    @Override
    boolean hasNext() {
      return peek() != END;
    }

    @Override
    byte[] next() {
      int start = position();
      byte[] element = element(unsigned());
      skip(bytesOfLength(position() - start));
      return element;
    }

    private byte[] element(int first) {
      if (first < 0x80) {
        return text(first);
      }
      if (first < 0xc0) {
        return bytes(first & 0x3f);
      }
      if (first < 0xe0) {
        int value = (first & 0x1f) << 8 | unsigned();
        return text(value << 19 >> 19); // 13 bits, signed
      }
      if (first < 0xf0) {
        return bytes((first & 0x0f) << 8 | unsigned());
      }
      return switch (first) {
        case 0xf0 ->
            bytes(unsigned() | unsigned() << 8 | unsigned() << 16 | (long) unsigned() << 24);
        case 0xf1 -> number(2);
        case 0xf2 -> number(3);
        case 0xf3 -> number(4);
        case 0xf4 -> number(8);
        default -> throw new IllegalArgumentException("an element of unknown kind " + first);
      };
    }

    /** Behind each element stands its length, seven bits a byte. */
    private static int bytesOfLength(int length) {
      int bytes = 1;
      for (int rest = length >>> 7; rest > 0; rest >>>= 7) {
        bytes++;
      }
      return bytes;
    }
  }

  private static final class ZipList extends PackedElements {
    private static final int HEADER_BYTES = 10;
    private static final int END = 0xff;
    private static final int LONG_PREVIOUS = 0xfe;

    ZipList(byte[] packed) {
      super(packed, HEADER_BYTES);
    }

    @Override
    boolean hasNext() {
      return peek() != END;
    }

    @Override
    byte[] next() {
      if (unsigned() == LONG_PREVIOUS) {
        skip(4);
      }
      int first = unsigned();
      switch (first >> 6) {
        case 0:
          return bytes(first & 0x3f);
        case 1:
          return bytes((first & 0x3f) << 8 | unsigned());
        case 2:
          return bytes((long) unsigned() << 24 | unsigned() << 16 | unsigned() << 8 | unsigned());
        default:
          return switch (first) {
            case 0xc0 -> number(2);
            case 0xd0 -> number(4);
            case 0xe0 -> number(8);
            case 0xf0 -> number(3);
            case 0xfe -> number(1);
            default -> text((first & 0x0f) - 1); // 0 to 12 stand in the byte itself
          };
      }
    }
  }

  private static final class IntSet extends PackedElements {
    private static final int HEADER_BYTES = 8;
    private final int width;

    IntSet(byte[] packed) {
      super(packed, HEADER_BYTES);
      this.width = packed[0];
    }

    @Override
    boolean hasNext() {
      return position() < length();
    }

    @Override
    byte[] next() {
      return number(width);
    }
  }
}
