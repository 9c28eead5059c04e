package io.ratissidecar.snapshot;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;

/**
 * Copies an RDB without one of its databases. Keys and values are copied byte for byte, as are the
 * hints on how many there are in each database, since a database is kept whole or not at all.
 *
 * <p>The place in the source's replication stream is left out: the copy is no state of that stream,
 * so that nobody may continue it from here.
 */
class RdbCopier implements RdbScanner.Visitor {
  /** Fields that tell of replication: {@code repl-id}, {@code repl-offset} and so on. */
  private static final String REPLICATION = "repl-";

  private final RdbInput in;
  private final RdbOutput out;
  private final int dropped;
  private final ByteArrayOutputStream aux = new ByteArrayOutputStream();
  private int selected = -1;

  /**
   * @param dropped the database that is left out; -1 for none
   */
  RdbCopier(RdbInput in, RdbOutput out, int dropped) {
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
      case RdbScanner.FUNCTION, RdbScanner.MODULE_AUX -> in.copyTo(out);
      default -> inDatabase(database);
    }
  }

  private void inDatabase(int database) throws IOException {
    if (database == dropped) {
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
