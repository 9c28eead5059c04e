package io.ratissidecar.statemachine.resp;

import io.netty.buffer.ByteBuf;

/**
 * Finds the ends of reply frames, RESP2 and RESP3, in raw bytes, without building values.
 *
 * <p>One per connection; not thread-safe. Resumable: every byte is looked at once, whatever the
 * chunks. Nesting costs no memory: what counts is only how many values are still due.
 */
public final class ReplyScanner {
  private static final int INCOMPLETE = -1;

  private long due = 1; // values still to come until the frame is complete
  private int position; // start of the value that comes next, from the readerIndex
  private int searched; // no line end from position up to here

  /**
   * The length in bytes of the first complete frame from the readerIndex, or -1 when more bytes are
   * needed. The caller moves the readerIndex by that length before the next call; between calls it
   * may append and compact, nothing else.
   *
   * <p>Newlines between frames, which Redis sends to keep a link alive, are skipped by moving the
   * readerIndex. Attributes ({@code |}) belong to the frame that they precede.
   *
   * @throws MalformedReplyException when the bytes are not RESP; drop the connection
   */
  public int scan(ByteBuf in) {
    if (position == 0 && due == 1) {
      skipKeepAlives(in);
    }
    int start = in.readerIndex();
    int readable = in.readableBytes();
    while (due > 0) {
      if (position >= readable) { // also in the middle of a bulk string: its end is known
        return INCOMPLETE;
      }
      int end = lineEnd(in, start, readable);
      if (end == INCOMPLETE) {
        return INCOMPLETE;
      }
      long next = value(in, start, end);
      if (next > Integer.MAX_VALUE) {
        throw new MalformedReplyException("reply frame longer than 2 GiB");
      }
      position = (int) next;
      searched = position;
    }
    if (position > readable) {
      return INCOMPLETE;
    }
    int length = position;
    reset();
    return length;
  }

  /**
   * Gives up what has come of an incomplete frame, by moving the readerIndex. Its end is found all
   * the same; the length will be that of what comes from now on.
   */
  public void giveUp(ByteBuf in) {
    int known = Math.min(position, in.readableBytes());
    in.skipBytes(known);
    position -= known;
    searched = Math.max(0, searched - known);
  }

  /** Forgets a frame that was begun; for a new connection. */
  public void reset() {
    due = 1;
    position = 0;
    searched = 0;
  }

  private static void skipKeepAlives(ByteBuf in) {
    while (in.isReadable()) {
      byte b = in.getByte(in.readerIndex());
      if (b != '\n' && b != '\r') {
        return;
      }
      in.skipBytes(1);
    }
  }

  /** Index of the CR that ends the line at position, once its LF has arrived as well. */
  private int lineEnd(ByteBuf in, int start, int readable) {
    int cr = in.indexOf(start + searched, start + readable, (byte) '\r');
    if (cr < 0) {
      searched = readable;
      return INCOMPLETE;
    }
    if (cr + 1 >= start + readable) {
      searched = cr - start;
      return INCOMPLETE;
    }
    if (in.getByte(cr + 1) != '\n') {
      throw new MalformedReplyException("CR without LF in a reply");
    }
    return cr - start;
  }

  /** Takes account of the value whose first line ends at {@code end}; returns where it ends. */
  private long value(ByteBuf in, int start, int end) {
    long next = end + 2L;
    byte type = in.getByte(start + position);
    switch (type) {
      case '+', '-', ':', '_', ',', '#', '(' -> due--;
      case '$', '!', '=' -> {
        due--;
        long length = size(in, start, end);
        if (length >= 0) {
          next += length + 2;
        }
      }
      case '*', '~', '>' -> due += Math.max(size(in, start, end), 0) - 1;
      case '%' -> due += 2 * Math.max(size(in, start, end), 0) - 1;
      case '|' -> due += 2 * Math.max(size(in, start, end), 0);
      default ->
          throw new MalformedReplyException("unknown reply type 0x" + Integer.toHexString(type));
    }
    return next;
  }

  private long size(ByteBuf in, int start, int end) {
    long size = Digits.parse(in, start + position + 1, end - position - 1);
    if (size < -1 || size > Integer.MAX_VALUE) {
      throw new MalformedReplyException("bad length in a reply");
    }
    return size;
  }
}
