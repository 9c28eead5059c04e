package io.ratissidecar.sidecar.expiry;

import io.ratissidecar.statemachine.command.DatabaseKey;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Keys whose deadline may have passed, until they are gone or it is known that it has not. Confined
 * to the front loop.
 */
final class DueKeys {
  /** How long something takes at most that was asked for or proposed, before it is done again. */
  private static final long PATIENCE_NANOS = 1_000_000_000;

  private static final class Due {
    private final long deadlineMillis;
    private boolean checked;
    private long sinceNanos;

    Due(long deadlineMillis, long nowNanos) {
      this.deadlineMillis = deadlineMillis;
      this.sinceNanos = nowNanos - PATIENCE_NANOS; // it is its turn
    }
  }

  private final Map<DatabaseKey, Due> keys = new LinkedHashMap<>();

  boolean isEmpty() {
    return keys.isEmpty();
  }

  int size() {
    return keys.size();
  }

  boolean contains(DatabaseKey key) {
    return keys.containsKey(key);
  }

  Collection<DatabaseKey> all() {
    return keys.keySet();
  }

  void add(DatabaseKey key, long deadlineMillis, long nowNanos) {
    keys.merge(
        key,
        new Due(deadlineMillis, nowNanos),
        (former, added) -> former.deadlineMillis >= added.deadlineMillis ? former : added);
  }

  /** It is gone, if its deadline was then or before. */
  void expired(DatabaseKey key, long upToMillis) {
    Due due = keys.get(key);
    if (due != null && due.deadlineMillis <= upToMillis) {
      keys.remove(key);
    }
  }

  void remove(DatabaseKey key) {
    keys.remove(key);
  }

  /** Redis has said that its deadline has passed. */
  void confirm(DatabaseKey key) {
    Due due = keys.get(key);
    if (due != null && !due.checked) {
      due.checked = true;
      due.sinceNanos -= PATIENCE_NANOS;
    }
  }

  /**
   * Those that are to be asked for, or to be proposed if they are confirmed; each comes again after
   * a while.
   */
  List<DatabaseKey> next(boolean confirmed, int most, long nowNanos) {
    List<DatabaseKey> next = new ArrayList<>();
    Iterator<Map.Entry<DatabaseKey, Due>> all = keys.entrySet().iterator();
    while (all.hasNext() && next.size() < most) {
      Map.Entry<DatabaseKey, Due> entry = all.next();
      Due due = entry.getValue();
      if (due.checked == confirmed && nowNanos - due.sinceNanos >= PATIENCE_NANOS) {
        due.sinceNanos = nowNanos;
        next.add(entry.getKey());
      }
    }
    return next;
  }

  /** Nothing is known any more of those that were confirmed a while ago and are not gone. */
  void doubt(long nowNanos) {
    for (Due due : keys.values()) {
      if (due.checked && nowNanos - due.sinceNanos >= PATIENCE_NANOS) {
        due.checked = false;
      }
    }
  }

  void clear() {
    keys.clear();
  }
}
