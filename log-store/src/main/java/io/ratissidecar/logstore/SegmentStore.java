package io.ratissidecar.logstore;

import io.ratissidecar.logstore.IndexBlock.Location;
import io.ratissidecar.statemachine.entry.Entry;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentSkipListMap;
import java.util.concurrent.locks.Lock;
import java.util.concurrent.locks.ReadWriteLock;
import java.util.concurrent.locks.ReentrantReadWriteLock;

/**
 * The segments, their index and the recent entries, kept in step.
 *
 * <p>Readers hold the structure lock shared while they touch a file; whoever adds or removes files
 * or entries other than at the end holds it alone. Appending needs it only for a new segment.
 */
final class SegmentStore {
  private static final int SMALL_READ = 1 << 16;

  private final Path dir;
  private final LogIdentity identity;
  private final Disk disk;
  private final OffsetIndex index;
  private final RecentEntries recent;
  private final ConcurrentSkipListMap<Long, Segment> segments = new ConcurrentSkipListMap<>();
  private final ReadWriteLock structure = new ReentrantReadWriteLock();
  private volatile Segment active;
  private volatile long firstIndex;
  private volatile long lastIndex;
  private volatile long entries;
  private volatile boolean closed;

  SegmentStore(
      Path dir, LogIdentity identity, Disk disk, Recovery.Recovered found, long recentBytes) {
    this.dir = dir;
    this.identity = identity;
    this.disk = disk;
    this.index = found.index();
    this.recent = new RecentEntries(recentBytes);
    for (Segment s : found.segments()) {
      segments.put(s.name, s);
      entries += s.count;
    }
    noteEnds();
  }

  /** The segment that takes the next entry; null when there is none yet. */
  Segment active() {
    return active;
  }

  /** The last index, or the one that a new entry must follow when there are no entries. */
  long tailIndex() {
    Segment last = active;
    return last == null ? 0 : last.lastIndex;
  }

  long tailTerm() {
    Segment last = active;
    return last == null ? 0 : last.lastTerm;
  }

  long firstIndex() {
    return firstIndex;
  }

  long lastIndex() {
    return lastIndex;
  }

  long entryCount() {
    return entries;
  }

  long sizeBytes() {
    return segments.values().stream().mapToLong(s -> s.end).sum();
  }

  /** The lowest index from which on nothing was dropped. */
  long startIndex() {
    Map.Entry<Long, Segment> oldest = segments.firstEntry();
    return oldest == null ? 1 : oldest.getValue().header.prevIndex() + 1;
  }

  long bytesAfter(long wanted) throws IOException {
    Lock shared = structure.readLock();
    shared.lock();
    try {
      requireOpen();
      Location at = index.ceiling(wanted + 1);
      if (at == null) {
        return 0;
      }
      long bytes = segments.get(at.segment()).end - at.offset();
      for (Segment s : segments.tailMap(at.segment(), false).values()) {
        bytes += s.end - SegmentHeader.BYTES;
      }
      return bytes;
    } finally {
      shared.unlock();
    }
  }

  long startOfNewest(long maxBytes) {
    long left = maxBytes;
    long start = startIndex();
    for (Segment s : segments.descendingMap().values()) {
      left -= s.end;
      if (left < 0 && s != active) {
        return start;
      }
      start = s.header.prevIndex() + 1;
    }
    return start;
  }

  Collection<Segment> segments() {
    return segments.values();
  }

  /** Starts a segment whose entries have at least this index; the one before it must be durable. */
  Segment startSegment(long name, long prevTerm, long prevIndex) throws IOException {
    SegmentHeader header = new SegmentHeader(identity, prevTerm, prevIndex);
    Segment segment = Segment.create(disk, dir, name, header);
    structure.writeLock().lock();
    try {
      segments.put(name, segment);
      active = segment;
    } finally {
      structure.writeLock().unlock();
    }
    return segment;
  }

  /** Takes note of an entry whose record is in the active segment. */
  @SuppressWarnings("NonAtomicVolatileUpdate") // one appender
  void added(Entry entry, int recordBytes) throws IOException {
    Segment s = active;
    index.add(entry.index(), entry.term(), s.name, s.end, recordBytes);
    s.add(entry.index(), entry.term(), recordBytes);
    recent.add(entry);
    if (firstIndex == 0) {
      firstIndex = entry.index();
    }
    entries = entries + 1;
    lastIndex = entry.index(); // last: whoever sees it finds the entry
  }

  RecentEntries recent() {
    return recent;
  }

  Entry recent(long wanted) {
    return recent.get(wanted);
  }

  Entry read(long wanted) throws IOException {
    Lock shared = structure.readLock();
    shared.lock();
    try {
      requireOpen();
      Location at = index.find(wanted);
      if (at == null) {
        return null;
      }
      Segment s = segments.get(at.segment());
      ByteBuffer record = record(s, at);
      return RecordCodec.entry(record, 0, at.length());
    } finally {
      shared.unlock();
    }
  }

  List<Entry> range(long from, long to, int maxPayloadBytes) throws IOException {
    List<Entry> inMemory = recent.range(from, to, maxPayloadBytes);
    if (inMemory != null) {
      return inMemory;
    }
    Lock shared = structure.readLock();
    shared.lock();
    try {
      requireOpen();
      List<Entry> found = new ArrayList<>();
      long left = maxPayloadBytes;
      Location at = index.ceiling(from);
      while (at != null && at.index() <= to && left >= 0) {
        left = readSegment(at, to, left, found);
        at = index.ceiling(found.get(found.size() - 1).index() + 1);
      }
      return found;
    } finally {
      shared.unlock();
    }
  }

  /** Adds at least one entry if none is there yet; returns the bytes left, -1 when it is enough. */
  private long readSegment(Location at, long to, long maxPayloadBytes, List<Entry> found)
      throws IOException {
    Segment s = segments.get(at.segment());
    long end = s.end;
    long wanted = Math.max(at.length(), Math.min(maxPayloadBytes + SMALL_READ, 1 << 20));
    ByteBuffer buffer = ByteBuffer.allocate((int) Math.min(end - at.offset(), wanted));
    RecordScanner scanner = new RecordScanner(s.file, at.offset(), end, buffer);
    long left = maxPayloadBytes;
    while (scanner.next()) {
      if (scanner.index() > to) {
        return -1;
      }
      Entry entry = scanner.entry();
      left -= entry.header().payloadLength();
      if (left < 0 && !found.isEmpty()) {
        return -1;
      }
      found.add(entry);
    }
    if (scanner.offset() < end) {
      throw unreadable(s, scanner.offset(), scanner.offset() == at.offset() ? at.index() : 0);
    }
    return left;
  }

  private static ByteBuffer record(Segment s, Location at) throws IOException {
    ByteBuffer record = ByteBuffer.allocate(at.length());
    s.file.read(record, at.offset());
    record.flip();
    if (record.limit() != at.length()
        || RecordCodec.lengthAt(record, 0) != at.length()
        || !RecordCodec.isValid(record, 0, at.length(), at.offset())
        || RecordCodec.index(record, 0) != at.index()) {
      throw unreadable(s, at.offset(), at.index());
    }
    return record;
  }

  private static LogDamagedException unreadable(Segment s, long offset, long index) {
    return new LogDamagedException(
        s.path, offset, Math.max(index, s.firstIndex), "a record that was appended is not valid");
  }

  /** What removing the entries from this index on, of which there is at least one, would cut. */
  TruncationIntent planRemoval(long from, long reported) throws IOException {
    Location at = index.ceiling(from);
    ByteBuffer record = record(segments.get(at.segment()), at);
    int crc = RecordCodec.crc(record, 0, at.length());
    return new TruncationIntent(reported, at.segment(), at.offset(), crc);
  }

  /** Removes the entries from this index on, as planned; durable when it returns. */
  void removeFrom(long from, TruncationIntent plan) throws IOException {
    Segment cut = segments.get(plan.segment());
    List<Segment> later = List.copyOf(segments.tailMap(cut.name, false).values());
    boolean hasEarlier = segments.firstKey() < cut.name;
    structure.writeLock().lock();
    try {
      recent.removeFrom(from);
      long removed = index.removeFrom(from);
      entries -= removed;
      for (Segment s : later) {
        segments.remove(s.name);
        removed -= s.count;
        s.close();
      }
      Location last = index.floor(from);
      boolean emptied = last == null || last.segment() != cut.name;
      cut.cut(
          plan.offset(),
          removed,
          emptied ? cut.header.prevIndex() : last.index(),
          emptied ? cut.header.prevTerm() : last.term());
      if (emptied && hasEarlier) {
        segments.remove(cut.name);
        cut.close();
      }
      noteEnds();
    } finally {
      structure.writeLock().unlock();
    }
    List<Path> paths = later.stream().map(s -> s.path).toList();
    TruncationIntent.remove(disk, paths, cut.path, cut.file, plan.offset(), hasEarlier);
  }

  /** Removes whole segments, the active one excepted, that hold nothing from this index on. */
  void removeBelow(long firstKept) throws IOException {
    List<Segment> dropped = new ArrayList<>();
    structure.writeLock().lock();
    try {
      while (segments.size() > 1 && segments.firstEntry().getValue().lastIndex < firstKept) {
        Segment s = segments.pollFirstEntry().getValue();
        dropped.add(s);
        entries -= s.count;
        s.close();
      }
      if (!dropped.isEmpty()) {
        long kept = dropped.get(dropped.size() - 1).lastIndex + 1;
        recent.removeBelow(kept);
        index.removeBelow(kept);
        noteEnds();
      }
    } finally {
      structure.writeLock().unlock();
    }
    delete(dropped);
  }

  /** Removes the active segment, in which there must be no entry; durable when it returns. */
  void removeActive() throws IOException {
    Segment empty = active;
    structure.writeLock().lock();
    try {
      segments.remove(empty.name);
      empty.close();
      noteEnds();
    } finally {
      structure.writeLock().unlock();
    }
    delete(List.of(empty));
  }

  /** Removes everything. */
  void removeAll() throws IOException {
    List<Segment> dropped = List.copyOf(segments.values());
    structure.writeLock().lock();
    try {
      segments.clear();
      recent.removeBelow(Long.MAX_VALUE);
      index.removeFrom(0);
      entries = 0;
      for (Segment s : dropped) {
        s.close();
      }
      noteEnds();
    } finally {
      structure.writeLock().unlock();
    }
    delete(dropped);
  }

  /** Closes the files; {@code token}, if any, goes into the index, which is then stored. */
  void close(String token) throws IOException {
    structure.writeLock().lock();
    try {
      closed = true;
      if (token != null) {
        index.persist(token);
      }
    } finally {
      index.close();
      for (Segment s : segments.values()) {
        s.close();
      }
      structure.writeLock().unlock();
    }
  }

  /** Oldest first, each durable before the next: a crash must not leave a hole. */
  private void delete(List<Segment> dropped) throws IOException {
    for (Segment s : dropped) {
      disk.delete(s.path);
      disk.syncDirectory(dir);
    }
  }

  private void noteEnds() {
    active = segments.isEmpty() ? null : segments.lastEntry().getValue();
    long first = 0;
    long last = 0;
    for (Segment s : segments.values()) {
      if (s.count > 0) {
        first = first == 0 ? s.firstIndex : first;
        last = s.lastIndex;
      }
    }
    firstIndex = first;
    lastIndex = last;
  }

  private void requireOpen() throws IOException {
    if (closed) {
      throw new IOException("payload log in " + dir + " is closed");
    }
  }
}
