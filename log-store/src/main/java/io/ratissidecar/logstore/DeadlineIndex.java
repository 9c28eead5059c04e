package io.ratissidecar.logstore;

import java.io.Closeable;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.stream.Stream;
import org.rocksdb.BlockBasedTableConfig;
import org.rocksdb.CompressionType;
import org.rocksdb.InfoLogLevel;
import org.rocksdb.LRUCache;
import org.rocksdb.Options;
import org.rocksdb.RocksDB;
import org.rocksdb.RocksDBException;
import org.rocksdb.RocksIterator;
import org.rocksdb.WriteOptions;

/**
 * Which keys may expire when, ordered by deadline, in RocksDB, so that it needs little memory for
 * any number of them.
 *
 * <p>Nothing in it is durable or lasting: it begins empty, and is filled anew from Redis. Entries
 * are hints: a key may have another deadline meanwhile, or be gone, or stand here several times.
 *
 * <p>Confined to one thread.
 */
public final class DeadlineIndex implements Closeable {
  /** What {@link #earliestMillis} tells of an empty index. */
  public static final long NONE = Long.MAX_VALUE;

  /** Gets what is taken out. */
  public interface Taker {
    void take(int database, byte[] key, long deadlineMillis);
  }

  private static final long MIB = 1 << 20;
  private static final int PREFIX_BYTES = Long.BYTES + Integer.BYTES;
  private static final byte[] NOTHING = {};

  private final LRUCache cache;
  private final Options options;
  private final WriteOptions unlogged;
  private final RocksDB db;
  private long earliestMillis = NONE;

  /** No key is before it; what was taken is, and need not be stepped over. */
  private byte[] floor = NOTHING;

  static {
    RocksDB.loadLibrary();
  }

  private DeadlineIndex(LRUCache cache, Options options, RocksDB db) {
    this.cache = cache;
    this.options = options;
    this.db = db;
    this.unlogged = new WriteOptions().setDisableWAL(true);
  }

  /** Makes an empty one in this directory, whatever was there. */
  public static DeadlineIndex create(Path dir) throws IOException {
    delete(dir);
    Files.createDirectories(dir);
    LRUCache cache = new LRUCache(2 * MIB);
    Options options =
        new Options()
            .setCreateIfMissing(true)
            .setWriteBufferSize(4 * MIB)
            .setMaxWriteBufferNumber(2)
            .setMaxOpenFiles(64)
            .setMaxBackgroundJobs(2)
            .setCompressionType(CompressionType.LZ4_COMPRESSION) // deadlines share most of a prefix
            .setInfoLogLevel(InfoLogLevel.WARN_LEVEL)
            .setKeepLogFileNum(1)
            .setStatsDumpPeriodSec(0)
            .setTableFormatConfig(new BlockBasedTableConfig().setBlockCache(cache));
    try {
      return new DeadlineIndex(cache, options, RocksDB.open(options, dir.toString()));
    } catch (RocksDBException e) {
      options.close();
      cache.close();
      throw new IOException("deadline index " + dir + ": " + e.getMessage(), e);
    }
  }

  private static void delete(Path dir) throws IOException {
    if (!Files.exists(dir)) {
      return;
    }
    List<Path> all;
    try (Stream<Path> files = Files.walk(dir)) {
      all = files.sorted(Comparator.reverseOrder()).toList();
    }
    for (Path file : all) {
      Files.delete(file);
    }
  }

  /**
   * Notes that the key may have this deadline.
   *
   * @param deadlineMillis in milliseconds; any number
   */
  public void add(int database, byte[] key, long deadlineMillis) throws IOException {
    byte[] entry = entry(database, key, deadlineMillis);
    try {
      db.put(unlogged, entry, NOTHING);
    } catch (RocksDBException e) {
      throw failed("add to", e);
    }
    if (Arrays.compareUnsigned(entry, floor) < 0) {
      floor = entry;
    }
    earliestMillis = Math.min(earliestMillis, deadlineMillis);
  }

  /** Whether just that is noted already. */
  public boolean contains(int database, byte[] key, long deadlineMillis) throws IOException {
    try {
      return db.get(entry(database, key, deadlineMillis)) != null;
    } catch (RocksDBException e) {
      throw failed("read", e);
    }
  }

  /** The earliest deadline, milliseconds; {@link #NONE} when there is none. Costs nothing. */
  public long earliestMillis() {
    return earliestMillis;
  }

  /** Takes out up to so many entries whose deadline is at this time or before, in order. */
  public void takeUpTo(long millis, int most, Taker taker) throws IOException {
    int taken = 0;
    try (RocksIterator i = db.newIterator()) {
      for (i.seek(floor); i.isValid(); i.next()) {
        byte[] entry = i.key();
        floor = entry;
        ByteBuffer fields = ByteBuffer.wrap(entry);
        long deadline = fields.getLong() ^ Long.MIN_VALUE;
        earliestMillis = deadline;
        if (deadline > millis || taken == most) {
          return;
        }
        db.delete(unlogged, entry);
        int database = fields.getInt();
        taker.take(database, Arrays.copyOfRange(entry, PREFIX_BYTES, entry.length), deadline);
        taken++;
      }
      i.status();
    } catch (RocksDBException e) {
      throw failed("take from", e);
    }
    earliestMillis = NONE;
  }

  /** Forgets everything. */
  public void clear() throws IOException {
    try (RocksIterator i = db.newIterator()) {
      i.seekToLast();
      if (i.isValid()) {
        byte[] last = i.key();
        db.deleteRange(unlogged, NOTHING, last);
        db.delete(unlogged, last);
      }
    } catch (RocksDBException e) {
      throw failed("clear", e);
    }
    floor = NOTHING;
    earliestMillis = NONE;
  }

  /** Sorts by deadline, negative ones first, then by database and key. */
  private static byte[] entry(int database, byte[] key, long deadlineMillis) {
    return ByteBuffer.allocate(PREFIX_BYTES + key.length)
        .putLong(deadlineMillis ^ Long.MIN_VALUE)
        .putInt(database)
        .put(key)
        .array();
  }

  private static IOException failed(String what, RocksDBException e) {
    return new IOException("can't " + what + " the deadline index: " + e.getMessage(), e);
  }

  @Override
  public void close() {
    db.close();
    unlogged.close();
    options.close();
    cache.close();
  }
}
