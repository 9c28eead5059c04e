package io.ratissidecar.logstore;

import io.ratissidecar.statemachine.entry.Entry;
import io.ratissidecar.statemachine.entry.UnsupportedFormatException;
import java.io.Closeable;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.OptionalLong;
import java.util.UUID;
import java.util.concurrent.locks.ReentrantLock;

/**
 * The durable payloads of a node's log entries, by index. Indexes increase, with gaps.
 *
 * <p>Threads: "the appender" is whichever thread holds the Raft log's lock; its methods must never
 * run at the same time. One other thread may flush meanwhile; any number may read.
 *
 * <p>Errors: after a failed write or sync the log is stopped, and every later change or flush
 * throws an {@link IOException}: the kernel drops dirty pages after a failed sync, so that a second
 * sync would succeed without having written them. Entries can still be read. What was flushed
 * before is intact, and opening again, once there is room, cuts what is torn. Interrupting a thread
 * inside a change or flush counts as such a failure; an interrupt that is pending at the call does
 * not.
 */
public final class PayloadLog implements Closeable {
  private static final int KEPT_BUFFER_BYTES = 4 << 20;

  private final Path dir;
  private final Disk disk;
  private final LogOptions options;
  private final DirectoryLock lock;
  private final SegmentStore store;

  /** Held by everything that syncs, shortens or closes a file. Taken before the store's lock. */
  private final ReentrantLock maintenance = new ReentrantLock();

  private ByteBuffer encoded = ByteBuffer.allocateDirect(1 << 16);
  private volatile TruncationIntent intent;
  private volatile long truncations;
  private volatile long flushedIndex;
  private volatile SyncTimes syncTimes = new SyncTimes(0, 0, 0);
  private volatile IOException failure;
  private volatile boolean closed;

  private PayloadLog(
      Path dir, Disk disk, LogOptions options, DirectoryLock lock, SegmentStore store) {
    this.dir = dir;
    this.disk = disk;
    this.options = options;
    this.lock = lock;
    this.store = store;
  }

  /**
   * Opens the log in this directory, which is made if it is missing. After a crash this reads every
   * segment, about a second per gigabyte that is in the page cache.
   *
   * @throws LogDamagedException when entries that were flushed are damaged or missing
   * @throws UnsupportedFormatException when a newer version wrote a segment
   * @throws IOException when the directory belongs to another cluster or node, or is open elsewhere
   */
  public static PayloadLog open(Path dir, LogIdentity id, LogOptions o) throws IOException {
    return open(dir, id, o, 0);
  }

  /**
   * As {@link #open(Path, LogIdentity, LogOptions)}, for a caller that knows that the entry with
   * index {@code knownDurable} was flushed, say because its own log has it. Bytes that are broken
   * below it are then damage, and never cut as the torn tail of an unflushed write.
   */
  public static PayloadLog open(Path dir, LogIdentity id, LogOptions o, long knownDurable)
      throws IOException {
    return open(dir, id, o, knownDurable, new LocalDisk());
  }

  static PayloadLog open(Path dir, LogIdentity id, LogOptions o, long knownDurable, Disk disk)
      throws IOException {
    Files.createDirectories(dir);
    DirectoryLock lock =
        DirectoryLock.tryAcquire(dir)
            .orElseThrow(
                () ->
                    new IOException(dir + " is in use: another process has this payload log open"));
    try {
      Recovery.Recovered found = new Recovery(dir, id, disk, knownDurable).run();
      SegmentStore store = new SegmentStore(dir, id, disk, found, o.recentBytes());
      PayloadLog log = new PayloadLog(dir, disk, o, lock, store);
      log.intent = found.intent();
      log.flushedIndex = store.tailIndex();
      return log;
    } catch (IOException | RuntimeException e) {
      lock.close();
      throw e;
    }
  }

  /**
   * Writes an entry; any thread can read it as soon as this returns, but only {@link #flush} makes
   * it durable. The store keeps a reference to the payload for a while: its bytes must not change.
   * Appender only. Waits for a flush under way only when a segment is full.
   *
   * @throws IllegalArgumentException when the index is not above the last, the term is below the
   *     last, or the header does not describe the payload; nothing has happened then
   */
  public void append(Entry entry) throws IOException {
    requireUsable();
    check(entry);
    int length = RecordCodec.recordBytes(entry.header().payloadLength());
    try {
      Segment s = store.active();
      if (s != null && s.count == 0 && entry.index() < s.name) {
        s = dropEmptySegment();
      }
      if (s == null || (s.count > 0 && s.end + length > options.segmentBytes())) {
        s = startSegment(s, entry.index());
      }
      s.write(encode(entry, s.end, length), options.preallocateBytes());
      store.added(entry, length);
    } catch (IOException e) {
      throw stop(e);
    }
  }

  /** The entry with this index, or null when there is none. Any thread. */
  public Entry read(long index) throws IOException {
    Entry entry = store.recent(index);
    return entry != null ? entry : store.read(index);
  }

  /** As {@link #read}, but null unless it is in memory; never waits for a disk. Any thread. */
  public Entry recent(long index) {
    return store.recent(index);
  }

  /**
   * The entries from {@code from} to {@code toInclusive}, ascending, as many as have at most {@code
   * maxBytes} of payload together, but at least one if there is any. Any thread.
   */
  public List<Entry> readRange(long from, long toInclusive, int maxBytes) throws IOException {
    return store.range(from, toInclusive, maxBytes);
  }

  /**
   * Removes the entries from this index on, durably. The caller does the same to its own log
   * afterwards and then calls {@link #truncateDone(long)}; until then a restart reports {@link
   * #interruptedTruncation}. Entries appended in between are safe. Appender only.
   */
  public void truncateFrom(long index) throws IOException {
    requireUsable();
    maintenance.lock();
    try {
      if (index > store.lastIndex()) {
        return;
      }
      TruncationIntent pending = intent;
      long reported = pending == null ? index : Math.min(index, pending.index());
      TruncationIntent plan = store.planRemoval(index, reported);
      plan.write(disk, dir);
      truncations++;
      intent = plan;
      store.removeFrom(index, plan);
      flushedIndex = store.tailIndex();
    } catch (IOException e) {
      throw stop(e);
    } finally {
      maintenance.unlock();
    }
  }

  /** How many removals {@link #truncateFrom} has begun since the log was opened. Any thread. */
  public long truncations() {
    return truncations;
  }

  /**
   * The caller's own removals, all that were begun, are durable too. Appender only, since a removal
   * that begins meanwhile would be taken for done; {@link #truncateDone(long)} has no such rule.
   */
  public void truncateDone() throws IOException {
    truncateDone(truncations);
  }

  /**
   * The caller's own removals are durable up to the one that was the latest when {@link
   * #truncations} returned this number. Cheap when there is nothing to note. Any thread.
   */
  public void truncateDone(long latest) throws IOException {
    if (intent == null) {
      return;
    }
    maintenance.lock();
    try {
      requireUsable();
      if (intent != null && truncations <= latest) {
        TruncationIntent.remove(disk, dir);
        intent = null;
      }
    } catch (IOException e) {
      throw stop(e);
    } finally {
      maintenance.unlock();
    }
  }

  /**
   * The lowest index of a removal that is done here but of which {@link #truncateDone} was never
   * told: the caller's own log may still have entries from there on, and they may be removed. Any
   * thread.
   */
  public OptionalLong interruptedTruncation() {
    TruncationIntent pending = intent;
    return pending == null ? OptionalLong.empty() : OptionalLong.of(pending.index());
  }

  /**
   * Removes whole segments all of whose entries are below {@code firstKept}; some such entries
   * remain. Never removes the newest segment. Any thread; waits for a flush under way.
   */
  public void dropPrefix(long firstKept) throws IOException {
    maintenance.lock();
    try {
      requireUsable();
      store.removeBelow(firstKept);
    } catch (IOException e) {
      throw stop(e);
    } finally {
      maintenance.unlock();
    }
  }

  /**
   * Returns when every entry appended before the call is durable. Any thread; appends and reads go
   * on meanwhile.
   */
  public void flush() throws IOException {
    maintenance.lock();
    try {
      requireUsable();
      // In this order: if a segment is started in between, the old one has been synced already.
      long last = store.tailIndex();
      Segment s = store.active();
      if (s != null && last > flushedIndex) {
        long before = System.nanoTime();
        s.file.sync(false);
        flushedIndex = last;
        syncTimes = syncTimes.plus(System.nanoTime() - before);
      }
    } catch (IOException e) {
      throw stop(e);
    } finally {
      maintenance.unlock();
    }
  }

  private record SyncTimes(long count, long totalNanos, long longestNanos) {
    SyncTimes plus(long nanos) {
      return new SyncTimes(count + 1, totalNanos + nanos, Math.max(longestNanos, nanos));
    }

    long averageNanos() {
      return count == 0 ? 0 : totalNanos / count;
    }
  }

  /** What it did since it was opened. Any thread. */
  public LogStatistics statistics() {
    SyncTimes times = syncTimes;
    RecentEntries recent = store.recent();
    return new LogStatistics(
        recent.size(),
        recent.bytes(),
        times.count(),
        times.longestNanos() / 1000,
        times.averageNanos() / 1000);
  }

  /** The lowest index here; 0 when there is no entry. Any thread. */
  public long firstIndex() {
    return store.firstIndex();
  }

  /** The highest index here; 0 when there is no entry. Any thread. */
  public long lastIndex() {
    return store.lastIndex();
  }

  /** The lowest index from which on nothing was dropped; 1 as long as nothing was. Any thread. */
  public long startIndex() {
    return store.startIndex();
  }

  /**
   * The index that the next entry must be above: the last one, or the one that the log was {@link
   * #reset} to when there are no entries. Any thread.
   */
  public long tailIndex() {
    return store.tailIndex();
  }

  /** Bytes of the entries above this index. Any thread. */
  public long bytesAfter(long index) throws IOException {
    return store.bytesAfter(index);
  }

  /**
   * The lowest index from which on the entries have at most so many bytes, by whole segments; the
   * newest segment always counts. Any thread.
   */
  public long startOfNewest(long maxBytes) {
    return store.startOfNewest(maxBytes);
  }

  /** The term of the last entry; 0 when there is none. Appender only. */
  public long lastTerm() {
    return store.lastIndex() == 0 ? 0 : store.tailTerm();
  }

  /** Every entry up to this index is durable; perhaps some more are. Any thread. */
  public long flushedIndex() {
    return flushedIndex;
  }

  /** Bytes of all segments, without preallocated room. Any thread. */
  public long sizeBytes() {
    return store.sizeBytes();
  }

  /** The number of entries. Any thread. */
  public long entryCount() {
    return store.entryCount();
  }

  /**
   * Removes everything and starts anew behind the given term and index, from a snapshot. After a
   * crash meanwhile the log holds a suffix of what it held, or nothing: reset it again. Appender
   * only.
   */
  public void reset(long prevTerm, long prevIndex) throws IOException {
    maintenance.lock();
    try {
      requireUsable();
      store.removeAll();
      TruncationIntent.remove(disk, dir);
      intent = null;
      store.startSegment(prevIndex + 1, prevTerm, prevIndex);
      flushedIndex = prevIndex;
    } catch (IOException e) {
      throw stop(e);
    } finally {
      maintenance.unlock();
    }
  }

  /**
   * Makes everything durable and leaves a mark that lets the next open skip reading the segments. A
   * log that was stopped by an error is closed as it is. Not while the appender works; readers get
   * an {@link IOException} from then on.
   */
  @Override
  public void close() throws IOException {
    maintenance.lock();
    try {
      if (closed) {
        return;
      }
      closed = true;
      String token = failure == null ? UUID.randomUUID().toString() : null;
      try {
        if (token != null && store.active() != null) {
          store.active().seal();
        }
      } catch (IOException e) {
        token = null;
        throw e;
      } finally {
        store.close(token);
      }
      if (token != null) {
        CleanMark.write(disk, dir, token, store.segments());
      }
    } finally {
      lock.close();
      maintenance.unlock();
    }
  }

  /**
   * After a power loss, or a removal, the newest segment may be empty and named for an index that
   * now comes later; segments that are started before that one is reached would sort before it.
   */
  private Segment dropEmptySegment() throws IOException {
    maintenance.lock();
    try {
      store.removeActive();
      return store.active();
    } finally {
      maintenance.unlock();
    }
  }

  private Segment startSegment(Segment full, long index) throws IOException {
    maintenance.lock();
    try {
      if (full != null) {
        full.seal(); // so that only the newest segment can have a torn tail
        flushedIndex = full.lastIndex;
      }
      return store.startSegment(index, store.tailTerm(), store.tailIndex());
    } finally {
      maintenance.unlock();
    }
  }

  private void check(Entry entry) {
    if (entry.index() <= store.tailIndex() || entry.index() <= 0) {
      throw new IllegalArgumentException(
          "index " + entry.index() + " does not follow " + store.tailIndex());
    }
    if (entry.term() < store.tailTerm()) {
      throw new IllegalArgumentException(
          "term " + entry.term() + " is older than " + store.tailTerm());
    }
    if (entry.header().payloadLength() > RecordCodec.MAX_PAYLOAD_BYTES
        || !entry.header().describes(entry.payload())) {
      throw new IllegalArgumentException(
          "the header of index " + entry.index() + " does not describe its payload");
    }
  }

  private ByteBuffer encode(Entry entry, long offset, int length) {
    ByteBuffer buffer = encoded;
    if (length > buffer.capacity()) {
      buffer = ByteBuffer.allocateDirect(Math.max(length, 2 * buffer.capacity()));
      if (length <= KEPT_BUFFER_BYTES) {
        encoded = buffer;
      }
    }
    buffer.clear();
    RecordCodec.encode(entry, flushedIndex, offset, buffer);
    return buffer.flip();
  }

  private void requireUsable() throws IOException {
    if (closed) {
      throw new IOException("payload log in " + dir + " is closed");
    }
    IOException cause = failure;
    if (cause != null) {
      throw new IOException(
          "payload log in " + dir + " was stopped by an earlier error: " + cause.getMessage(),
          cause);
    }
  }

  private IOException stop(IOException e) {
    if (failure == null && !closed) {
      failure = e;
    }
    return e;
  }
}
