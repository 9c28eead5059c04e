package io.ratissidecar.sidecar.expiry;

import io.ratissidecar.statemachine.command.DatabaseKey;
import java.util.Collection;
import java.util.HashMap;
import java.util.Map;

/**
 * Keys that commands under way may give a deadline which nobody knows yet. Confined to the front
 * loop.
 */
final class MovingKeys {
  private record Moves(int count, long lastNanos) {}

  private final long patienceNanos;
  private final Map<DatabaseKey, Moves> keys = new HashMap<>();

  /**
   * @param patienceNanos when a command counts as lost
   */
  MovingKeys(long patienceNanos) {
    this.patienceNanos = patienceNanos;
  }

  boolean isEmpty() {
    return keys.isEmpty();
  }

  boolean contains(DatabaseKey key) {
    return keys.containsKey(key);
  }

  Collection<DatabaseKey> all() {
    return keys.keySet();
  }

  /** A command with this key was put on its way. */
  void departed(DatabaseKey key, long nowNanos) {
    keys.merge(key, new Moves(1, nowNanos), (moves, one) -> new Moves(moves.count + 1, nowNanos));
  }

  /** A command with this key was applied, and the key's deadline is known. */
  void arrived(DatabaseKey key) {
    keys.computeIfPresent(
        key, (k, moves) -> moves.count == 1 ? null : new Moves(moves.count - 1, moves.lastNanos));
  }

  /** Forgets those whose commands came to nothing. */
  void expire(long nowNanos) {
    keys.values().removeIf(moves -> nowNanos - moves.lastNanos > patienceNanos);
  }
}
