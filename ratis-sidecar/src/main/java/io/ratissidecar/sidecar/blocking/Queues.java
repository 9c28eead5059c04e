package io.ratissidecar.sidecar.blocking;

import io.ratissidecar.statemachine.command.DatabaseKey;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;

/**
 * Who waits for which key, in the order in which they came, and what the key held when it was
 * looked at last. Confined to the front loop.
 */
final class Queues {
  private static final class Queue {
    private final LinkedHashSet<Waiter> waiters = new LinkedHashSet<>();
    private String heldLast = KeyWatch.NOTHING;
  }

  private final Map<DatabaseKey, Queue> queues = new HashMap<>();

  /** Puts the waiter behind whoever waits for the same keys. */
  void add(Waiter waiter) {
    for (DatabaseKey key : waiter.keys()) {
      queues.computeIfAbsent(key, k -> new Queue()).waiters.add(waiter);
    }
  }

  /**
   * Takes the waiter out, which need not be in.
   *
   * @return those of its keys for which it is the next one's turn
   */
  List<DatabaseKey> remove(Waiter waiter) {
    List<DatabaseKey> left = new ArrayList<>();
    for (DatabaseKey key : waiter.keys()) {
      Queue queue = queues.get(key);
      if (queue != null && queue.waiters.remove(waiter)) {
        if (queue.waiters.isEmpty()) {
          queues.remove(key);
        } else {
          left.add(key);
        }
      }
    }
    return left;
  }

  boolean isEmpty() {
    return queues.isEmpty();
  }

  /** Whether somebody waits for the key. */
  boolean has(DatabaseKey key) {
    return queues.containsKey(key);
  }

  /** The keys that somebody waits for, as they are now. */
  List<DatabaseKey> keys() {
    return List.copyOf(queues.keySet());
  }

  /** Who waits for the key now, first come first. */
  List<Waiter> at(DatabaseKey key) {
    Queue queue = queues.get(key);
    return queue == null ? List.of() : List.copyOf(queue.waiters);
  }

  /** The key was looked at, and holds this type, in Redis's words. */
  void holds(DatabaseKey key, String type) {
    Queue queue = queues.get(key);
    if (queue != null) {
      queue.heldLast = type;
    }
  }

  /** Whether the key, as it was last, does not hold another type than what the waiter can use. */
  boolean mayServe(DatabaseKey key, Waiter waiter) {
    Queue queue = queues.get(key);
    return queue == null
        || queue.heldLast.equals(KeyWatch.NOTHING)
        || waiter.canUse(queue.heldLast);
  }
}
