package io.ratissidecar.statemachine.resp;

import io.netty.buffer.ByteBuf;
import java.util.Arrays;

/**
 * Decodes client requests, incrementally: a request that arrives in many pieces is not scanned
 * again from its start.
 *
 * <p>One per connection; not thread-safe. All state is relative to the buffer's readerIndex, which
 * stays at the start of an unfinished request: the caller may compact the buffer between calls.
 * What is decoded does not depend on how the bytes were split.
 *
 * <p>Differences from Redis, which both make that independence possible: the limit on a line is
 * checked also when its end is already there, and a NUL byte is a byte like any other in an inline
 * request (Redis waits for ever).
 */
public final class RequestDecoder {
  private static final int UNKNOWN = -1;

  /** What somebody may send who has not said the password yet, as in Redis. */
  private static final int UNAUTHENTICATED_ELEMENTS = 10;

  private static final int UNAUTHENTICATED_BULK_BYTES = 16 * 1024;

  private final RespLimits limits;
  private int[] offsets = new int[16];
  private int argsExpected = UNKNOWN;
  private int argsDone;
  private int bulkLength = UNKNOWN;
  private int position; // start of the part that is being decoded
  private int searched; // no line end from position up to here
  private boolean canonical = true;
  private boolean authenticated = true;

  /**
   * @param limits what a request may cost
   */
  public RequestDecoder(RespLimits limits) {
    this.limits = limits;
  }

  /** Somebody who has to say a password first may send little before. */
  public void setAuthenticated(boolean yes) {
    authenticated = yes;
  }

  /**
   * Decodes the next request. Empty arrays and blank inline lines are skipped, as Redis does.
   *
   * @param into filled with the request; nothing in it may be relied on when this returns false
   * @return true if a request was decoded, with the readerIndex moved behind it; false if more
   *     bytes are needed, with the readerIndex left at the request's start
   * @throws ProtocolException when the bytes are no request; the decoder is of no use afterwards
   */
  public boolean decode(ByteBuf in, Request into) throws ProtocolException {
    while (in.isReadable()) {
      if (argsExpected == UNKNOWN) {
        if (in.getByte(in.readerIndex()) != '*') {
          byte[][] args = inlineArgs(in);
          if (args == null) {
            return false;
          }
          if (args.length > 0) {
            into.own(args, true);
            return true;
          }
          continue;
        }
        if (!arrayHeader(in)) {
          return false;
        }
        if (argsExpected <= 0) {
          in.skipBytes(position);
          reset();
          continue;
        }
      }
      return arguments(in, into);
    }
    return false;
  }

  private byte[][] inlineArgs(ByteBuf in) throws ProtocolException {
    int start = in.readerIndex();
    int end = lineEnd(in, (byte) '\n', "too big inline request");
    if (end == UNKNOWN) {
      return null;
    }
    int length = end;
    if (length > 0 && in.getByte(start + length - 1) == '\r') {
      length--;
    }
    byte[] line = new byte[length];
    in.getBytes(start, line);
    byte[][] args = InlineParser.split(line);
    in.skipBytes(end + 1);
    reset();
    return args;
  }

  private boolean arrayHeader(ByteBuf in) throws ProtocolException {
    int end = headerEnd(in, "too big mbulk count string");
    if (end == UNKNOWN) {
      return false;
    }
    long count = Digits.parse(in, in.readerIndex() + 1, end - 1);
    if (count == Digits.NOT_A_NUMBER || count > limits.maxArrayElements()) {
      throw new ProtocolException("invalid multibulk length");
    }
    if (!authenticated && count > UNAUTHENTICATED_ELEMENTS) {
      throw new ProtocolException("unauthenticated multibulk length");
    }
    argsExpected = (int) Math.max(count, 0);
    moveTo(end + 2);
    return true;
  }

  private boolean arguments(ByteBuf in, Request into) throws ProtocolException {
    int start = in.readerIndex();
    int readable = in.readableBytes();
    while (argsDone < argsExpected) {
      if (bulkLength == UNKNOWN && !bulkHeader(in)) {
        return false;
      }
      int end = position + bulkLength;
      if (end + 2 > readable) {
        return false;
      }
      canonical &= in.getByte(start + end) == '\r' && in.getByte(start + end + 1) == '\n';
      store(position, bulkLength);
      bulkLength = UNKNOWN;
      moveTo(end + 2);
    }
    offsets = into.point(in, start, start + position, argsDone, offsets);
    if (!canonical) {
      normalise(into);
    }
    in.skipBytes(position);
    reset();
    return true;
  }

  private boolean bulkHeader(ByteBuf in) throws ProtocolException {
    int end = headerEnd(in, "too big bulk count string");
    if (end == UNKNOWN) {
      return false;
    }
    int start = in.readerIndex() + position;
    int type = in.getUnsignedByte(start);
    if (type != '$') {
      char shown = type == '\r' || type == '\n' ? ' ' : (char) type;
      throw new ProtocolException("expected '$', got '" + shown + "'");
    }
    long length = Digits.parse(in, start + 1, end - position - 1);
    if (length < 0 || length > limits.maxBulkBytes()) {
      throw new ProtocolException("invalid bulk length");
    }
    if (!authenticated && length > UNAUTHENTICATED_BULK_BYTES) {
      throw new ProtocolException("unauthenticated bulk length");
    }
    if (end + 2 + length + 2 > limits.maxRequestBytes()) {
      throw new ProtocolException("too big request");
    }
    bulkLength = (int) length;
    moveTo(end + 2);
    return true;
  }

  /** The end of a header line: Redis looks for the CR only and takes any byte behind it. */
  private int headerEnd(ByteBuf in, String tooLong) throws ProtocolException {
    int end = lineEnd(in, (byte) '\r', tooLong);
    if (end == UNKNOWN) {
      return UNKNOWN;
    }
    if (end + 1 >= in.readableBytes()) {
      searched = end;
      return UNKNOWN;
    }
    canonical &= in.getByte(in.readerIndex() + end + 1) == '\n';
    return end;
  }

  private int lineEnd(ByteBuf in, byte mark, String tooLong) throws ProtocolException {
    int start = in.readerIndex();
    // A mark right at the limit is still allowed, so the search looks at one byte more.
    int to = (int) Math.min(in.readableBytes(), (long) position + limits.maxInlineBytes() + 1);
    int found = searched < to ? in.indexOf(start + searched, start + to, mark) : -1;
    if (found >= 0) {
      return found - start;
    }
    if (to - position > limits.maxInlineBytes()) {
      throw new ProtocolException(tooLong);
    }
    searched = to;
    return UNKNOWN;
  }

  private void store(int start, int length) {
    int at = argsDone << 1;
    if (at == offsets.length) {
      offsets = Arrays.copyOf(offsets, at << 1);
    }
    offsets[at] = start;
    offsets[at + 1] = length;
    argsDone++;
  }

  private static void normalise(Request request) {
    byte[][] args = new byte[request.argCount()][];
    for (int i = 0; i < args.length; i++) {
      args[i] = request.arg(i);
    }
    request.own(args, false);
  }

  private void moveTo(int next) {
    position = next;
    searched = next;
  }

  private void reset() {
    argsExpected = UNKNOWN;
    argsDone = 0;
    bulkLength = UNKNOWN;
    canonical = true;
    moveTo(0);
  }
}
