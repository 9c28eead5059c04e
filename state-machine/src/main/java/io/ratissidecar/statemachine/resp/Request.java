package io.ratissidecar.statemachine.resp;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/**
 * One client request: its arguments are offsets into the buffer it was decoded from.
 *
 * <p>A flyweight that {@link RequestDecoder} fills again and again: valid until that buffer is read
 * on, compacted or released. What has to live longer is taken with {@link #copyFrom}. Not
 * thread-safe.
 *
 * <p>Invariant: the bytes from {@link #frameStart} to {@link #frameEnd} are the request as a RESP
 * array of bulk strings in canonical form. Requests that come otherwise (inline, or with a sloppy
 * line end that Redis lets pass) are encoded anew into a buffer of their own, so that what is
 * copied raw into the log is always well-formed.
 */
public final class Request {
  /** What {@link #argLong} returns for an argument that Redis would not take as an integer. */
  public static final long NOT_A_NUMBER = Digits.NOT_A_NUMBER;

  /** An offset array longer than this is not kept for the next request. */
  private static final int KEPT_OFFSETS = 2048;

  private static final int FEWEST_OFFSETS = 16;

  private ByteBuf buffer = Unpooled.EMPTY_BUFFER;
  private int frameStart;
  private int frameEnd;
  private int argCount;

  /** Of each argument its start, counted from the frame's, and its length. */
  private int[] offsets = new int[FEWEST_OFFSETS];

  private boolean inline;

  /** A request for these arguments, in a buffer of its own. */
  public static Request of(byte[]... args) {
    Request request = new Request();
    request.own(args, false);
    return request;
  }

  /** A request for these arguments in UTF-8, in a buffer of its own. */
  public static Request of(String... args) {
    byte[][] bytes = new byte[args.length][];
    for (int i = 0; i < args.length; i++) {
      bytes[i] = args[i].getBytes(StandardCharsets.UTF_8);
    }
    return of(bytes);
  }

  /** The number of arguments, the command's name included. */
  public int argCount() {
    return argCount;
  }

  /** Where argument {@code i} starts in {@link #buffer}: an absolute index. */
  public int argStart(int i) {
    return frameStart + offsets[check(i) << 1];
  }

  /** The length in bytes of argument {@code i}. */
  public int argLength(int i) {
    return offsets[(check(i) << 1) + 1];
  }

  /** The buffer that the indexes belong to. */
  public ByteBuf buffer() {
    return buffer;
  }

  /** A copy of argument {@code i}. */
  public byte[] arg(int i) {
    byte[] copy = new byte[argLength(i)];
    buffer.getBytes(argStart(i), copy);
    return copy;
  }

  /** The arguments from {@code first} on, each copied. */
  public byte[][] args(int first) {
    byte[][] copies = new byte[argCount - first][];
    for (int i = 0; i < copies.length; i++) {
      copies[i] = arg(first + i);
    }
    return copies;
  }

  /** Argument {@code i} as UTF-8 text; for slow paths. */
  public String argString(int i) {
    return buffer.toString(argStart(i), argLength(i), StandardCharsets.UTF_8);
  }

  /** Argument {@code i} as Redis reads an integer, or {@link #NOT_A_NUMBER}. */
  public long argLong(int i) {
    return Digits.parse(buffer, argStart(i), argLength(i));
  }

  /** Whether argument {@code i} is this word in any case; allocation-free. */
  public boolean argIs(int i, String asciiUpperCase) {
    int length = argLength(i);
    if (length != asciiUpperCase.length()) {
      return false;
    }
    int start = argStart(i);
    for (int k = 0; k < length; k++) {
      int b = buffer.getByte(start + k);
      if (b >= 'a' && b <= 'z') {
        b -= 'a' - 'A';
      }
      if (b != asciiUpperCase.charAt(k)) {
        return false;
      }
    }
    return true;
  }

  /** Where the whole request starts in {@link #buffer}. */
  public int frameStart() {
    return frameStart;
  }

  /** Behind the last byte of the whole request in {@link #buffer}. */
  public int frameEnd() {
    return frameEnd;
  }

  /** Whether the client sent an inline request; its frame is the RESP form of it. */
  public boolean inline() {
    return inline;
  }

  /**
   * Appends the arguments from {@code firstArg} on as a RESP array of bulk strings: a header, and
   * the remaining bytes in one copy.
   */
  public void writeFrom(int firstArg, ByteBuf out) {
    if (firstArg == 0) {
      out.writeBytes(buffer, frameStart, frameEnd - frameStart);
      return;
    }
    int previous = firstArg - 1;
    int start = argStart(previous) + argLength(previous) + 2; // behind its line end
    Resp.writeArrayHeader(out, argCount - firstArg);
    out.writeBytes(buffer, start, frameEnd - start);
  }

  /** A copy, with a heap buffer of its own, whose first argument is {@code firstArg} here. */
  public Request copyFrom(int firstArg) {
    Request copy = new Request();
    ByteBuf bytes = Unpooled.buffer(frameEnd - frameStart);
    writeFrom(firstArg, bytes);
    copy.argCount = argCount - firstArg;
    copy.offsets = Arrays.copyOfRange(offsets, firstArg << 1, argCount << 1);
    // Everything moved by the same distance: only the array header before it changed its length.
    int moved = frameEnd - frameStart - bytes.writerIndex();
    for (int i = 0; i < copy.offsets.length; i += 2) {
      copy.offsets[i] -= moved;
    }
    copy.buffer = bytes;
    copy.frameEnd = bytes.writerIndex();
    copy.inline = inline;
    return copy;
  }

  @Override
  public String toString() {
    StringBuilder text = new StringBuilder("Request[");
    for (int i = 0; i < Math.min(argCount, 8); i++) {
      text.append(i == 0 ? "" : " ").append(argString(i));
    }
    return text.append(argCount > 8 ? " …]" : "]").toString();
  }

  /**
   * Points this request at a decoded frame. The arrays change owners, so nothing is copied.
   *
   * @return the array that this request had before, for the decoder to fill next
   */
  int[] point(ByteBuf in, int start, int end, int count, int[] decodedOffsets) {
    boolean keep = offsets.length >= FEWEST_OFFSETS && offsets.length <= KEPT_OFFSETS;
    int[] spare = keep ? offsets : new int[FEWEST_OFFSETS];
    buffer = in;
    frameStart = start;
    frameEnd = end;
    argCount = count;
    offsets = decodedOffsets;
    inline = false;
    return spare;
  }

  /** Encodes the arguments into a buffer that belongs to this request alone. */
  void own(byte[][] args, boolean fromInline) {
    int[] starts = new int[args.length << 1];
    ByteBuf bytes = Unpooled.buffer();
    Resp.writeArrayHeader(bytes, args.length);
    for (int i = 0; i < args.length; i++) {
      Resp.writeBulk(bytes, args[i]);
      starts[i << 1] = bytes.writerIndex() - 2 - args[i].length;
      starts[(i << 1) + 1] = args[i].length;
    }
    point(bytes, 0, bytes.writerIndex(), args.length, starts);
    inline = fromInline;
  }

  private int check(int i) {
    if (i < 0 || i >= argCount) {
      throw new IndexOutOfBoundsException("argument " + i + " of " + argCount);
    }
    return i;
  }
}
