package io.ratissidecar.snapshot;

import io.ratissidecar.statemachine.command.LogicalTime;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.function.UnaryOperator;

/**
 * Copies an RDB without one of its databases, and moves the deadlines of keys and the times at
 * which entries of streams were delivered. All else of keys and values is copied byte for byte, as
 * are the hints on how many there are in each database, since a database is kept whole or not at
 * all.
 *
 * <p>The place in the source's replication stream is left out: the copy is no state of that stream,
 * so that nobody may continue it from here.
 */
class RdbCopier implements RdbScanner.Visitor {
  /** How deadlines go from the one to the other. */
  enum Deadlines {
    AS_THEY_ARE,
    /** From the users' to those that a cluster's nodes keep. */
    TO_REDIS,
    /** The other way. */
    FROM_REDIS
  }

  /** Fields that tell of replication: {@code repl-id}, {@code repl-offset} and so on. */
  private static final String REPLICATION = "repl-";

  private final RdbInput in;
  private final RdbOutput out;
  private final int dropped;
  private final Deadlines deadlines;
  private final UnaryOperator<byte[]> functions;
  private final ByteArrayOutputStream aux = new ByteArrayOutputStream();
  private final long nowMillis = System.currentTimeMillis();
  private int selected = -1;
  private boolean inDropped;

  /**
   * @param dropped the database that is left out; -1 for none
   * @param functions changes the code of a function library
   */
  RdbCopier(
      RdbInput in,
      RdbOutput out,
      int dropped,
      Deadlines deadlines,
      UnaryOperator<byte[]> functions) {
    this.deadlines = deadlines;
    this.functions = functions;
    this.in = in;
    this.out = out;
    this.dropped = dropped;
  }

  /**
   * Copies all of it, but for the end: what was read is known to be undamaged when this returns.
   *
   * @return the version of the format
   */
  int copy() throws IOException {
    in.copyTo(out);
    return new RdbScanner(in, this).scan();
  }

  @Override
  public void beginPart(int opcode, int database) throws IOException {
    switch (opcode) {
      case RdbScanner.SELECT, RdbScanner.END -> in.copyTo(null);
      case RdbScanner.AUX -> {
        aux.reset();
        in.copyTo(aux);
      }
      case RdbScanner.MODULE_AUX -> in.copyTo(out);
      case RdbScanner.FUNCTION -> in.copyTo(null); // it is written anew
      case RdbScanner.EXPIRE_SECONDS, RdbScanner.EXPIRE_MILLIS -> {
        inDatabase(database);
        in.copyTo(null); // it is written anew
      }
      default -> inDatabase(database);
    }
  }

  @Override
  public void onFunction(byte[] source) throws IOException {
    out.function(functions.apply(source));
  }

  @Override
  public void onDeadline(long millis) throws IOException {
    if (!inDropped) {
      out.deadline(moved(millis));
    }
  }

  @Override
  public void beforeDelivered() throws IOException {
    if (!inDropped) {
      in.copyTo(null); // it is written anew
    }
  }

  @Override
  public void onDelivered(long millis) throws IOException {
    if (!inDropped) {
      out.number(
          switch (deadlines) {
            case AS_THEY_ARE -> millis;
            case TO_REDIS -> LogicalTime.deliveredToRedis(millis);
            case FROM_REDIS -> LogicalTime.deliveredFromRedis(millis, nowMillis);
          });
      in.copyTo(out);
    }
  }

  private long moved(long millis) {
    return switch (deadlines) {
      case AS_THEY_ARE -> millis;
      case TO_REDIS -> LogicalTime.toRedis(millis);
      // Others were set past the log, and are the users' already.
      case FROM_REDIS -> LogicalTime.isLogical(millis) ? LogicalTime.fromRedis(millis) : millis;
    };
  }

  private void inDatabase(int database) throws IOException {
    inDropped = database == dropped;
    if (inDropped) {
      in.copyTo(null);
      return;
    }
    if (database != selected) {
      in.copyTo(null);
      out.select(database);
      selected = database;
    }
    in.copyTo(out);
  }

  @Override
  public void onAux(byte[] name) throws IOException {
    in.copyTo(null);
    if (!new String(name, StandardCharsets.ISO_8859_1).startsWith(REPLICATION)) {
      aux.writeTo(out);
      in.copyTo(out);
    }
  }
}
