package io.ratissidecar.cli.importing;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.ratissidecar.statemachine.resp.ProtocolException;
import io.ratissidecar.statemachine.resp.Request;
import io.ratissidecar.statemachine.resp.RequestDecoder;
import io.ratissidecar.statemachine.resp.RespLimits;
import java.io.IOException;
import java.util.Locale;

/**
 * Decodes what a Redis sends to its replicas behind the RDB: commands, among them some that are not
 * about data. For one thread.
 */
final class CommandStream {
  private final RequestDecoder decoder = new RequestDecoder(RespLimits.defaults());
  private final Request request = new Request();
  private final ByteBuf in = Unpooled.buffer();
  private long offset;
  private int database;
  private boolean inTransaction;
  private boolean continues;
  private boolean acknowledgementWanted;

  /**
   * @param offset of the first byte that will come
   */
  CommandStream(long offset) {
    this.offset = offset;
  }

  /** Adds what has come. */
  void feed(byte[] bytes, int length) {
    in.discardReadBytes();
    in.writeBytes(bytes, 0, length);
  }

  /** Behind what {@link #next} has decoded, commands that it kept to itself included. */
  long offset() {
    return offset;
  }

  /** Whether the rest of a transaction is still to come. */
  boolean inTransaction() {
    return inTransaction;
  }

  /** Whether Redis has asked for an acknowledgement since this was asked last. */
  boolean takeAcknowledgementWanted() {
    boolean wanted = acknowledgementWanted;
    acknowledgementWanted = false;
    return wanted;
  }

  /** The next command that is about data; null when more has to come first. */
  SourceCommand next() throws IOException {
    while (decode()) {
      switch (request.argString(0).toUpperCase(Locale.ROOT)) {
        case "SELECT" -> database = (int) request.argLong(1);
        case "PING" -> {} // shows that the source lives
        case "REPLCONF" -> acknowledgementWanted = true; // GETACK is all that it says
        case "MULTI" -> {
          inTransaction = true;
          continues = false;
        }
        case "EXEC" -> {
          inTransaction = false;
          continues = false;
        }
        default -> {
          SourceCommand command =
              new SourceCommand(database, request.copyFrom(0), offset, continues);
          continues = inTransaction;
          return command;
        }
      }
    }
    return null;
  }

  private boolean decode() throws IOException {
    int before = in.readerIndex();
    try {
      return decoder.decode(in, request);
    } catch (ProtocolException e) {
      throw new IOException(
          "what the source sends at offset " + offset + " is no command: " + e.getMessage(), e);
    } finally {
      offset += in.readerIndex() - before;
    }
  }
}
