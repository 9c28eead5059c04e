package io.ratissidecar.statemachine.command;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/**
 * A key of one database.
 *
 * @param name not to be changed
 */
public record DatabaseKey(int database, byte[] name) {
  @Override
  public boolean equals(Object other) {
    return other instanceof DatabaseKey key
        && database == key.database
        && Arrays.equals(name, key.name);
  }

  @Override
  public int hashCode() {
    return 31 * Arrays.hashCode(name) + database;
  }

  @Override
  public String toString() {
    return database + ":" + new String(name, StandardCharsets.UTF_8);
  }
}
