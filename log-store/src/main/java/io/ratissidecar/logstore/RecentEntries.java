package io.ratissidecar.logstore;

import io.ratissidecar.statemachine.entry.Entry;
import java.util.ArrayList;
import java.util.List;

/**
 * The newest entries, up to a number of payload bytes: always a run without holes at the end of the
 * log. Any thread; every method holds the monitor for well under a microsecond per entry it
 * returns.
 */
final class RecentEntries {
  /** What an entry takes besides its payload: five objects, and its place here. */
  private static final long ENTRY_BYTES = 256;

  private final long maxBytes;
  private Entry[] ring = new Entry[64];
  private int head;
  private int size;
  private long bytes;

  RecentEntries(long maxBytes) {
    this.maxBytes = maxBytes;
  }

  synchronized void add(Entry entry) {
    if (size == ring.length) {
      grow();
    }
    ring[slot(size++)] = entry;
    bytes += cost(entry);
    while (bytes > maxBytes || (maxBytes == 0 && size > 0)) {
      bytes -= cost(ring[head]);
      ring[head] = null;
      head = slot(1);
      size--;
    }
  }

  synchronized Entry get(long index) {
    int i = ceiling(index);
    return i < size && at(i).index() == index ? at(i) : null;
  }

  /**
   * The entries from {@code from} on, as {@link PayloadLog#readRange} wants them; null when older
   * ones than these may be in the range.
   */
  synchronized List<Entry> range(long from, long to, int maxPayloadBytes) {
    if (size == 0 || at(0).index() > from) {
      return null;
    }
    List<Entry> found = new ArrayList<>();
    long total = 0;
    for (int i = ceiling(from); i < size && at(i).index() <= to; i++) {
      total += at(i).header().payloadLength();
      if (!found.isEmpty() && total > maxPayloadBytes) {
        break;
      }
      found.add(at(i));
    }
    return found;
  }

  synchronized void removeFrom(long index) {
    for (int keep = ceiling(index); size > keep; size--) {
      int last = slot(size - 1);
      bytes -= cost(ring[last]);
      ring[last] = null;
    }
  }

  synchronized void removeBelow(long index) {
    while (size > 0 && ring[head].index() < index) {
      bytes -= cost(ring[head]);
      ring[head] = null;
      head = slot(1);
      size--;
    }
  }

  synchronized int size() {
    return size;
  }

  synchronized long bytes() {
    return bytes;
  }

  private static long cost(Entry entry) {
    return ENTRY_BYTES + entry.header().payloadLength();
  }

  private Entry at(int i) {
    return ring[slot(i)];
  }

  private int slot(int i) {
    return (head + i) & (ring.length - 1);
  }

  /** The place of the first entry with at least this index. */
  private int ceiling(long index) {
    int low = 0;
    int high = size;
    while (low < high) {
      int middle = (low + high) >>> 1;
      if (at(middle).index() < index) {
        low = middle + 1;
      } else {
        high = middle;
      }
    }
    return low;
  }

  private void grow() {
    Entry[] larger = new Entry[ring.length * 2];
    for (int i = 0; i < size; i++) {
      larger[i] = at(i);
    }
    ring = larger;
    head = 0;
  }
}
