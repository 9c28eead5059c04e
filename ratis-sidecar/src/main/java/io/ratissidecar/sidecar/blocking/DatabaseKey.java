package io.ratissidecar.sidecar.blocking;

import java.nio.ByteBuffer;

/** A key of a database. */
record DatabaseKey(int database, ByteBuffer key) {
  static DatabaseKey of(int database, byte[] key) {
    return new DatabaseKey(database, ByteBuffer.wrap(key));
  }
}
