package io.ratissidecar.logstore;

import static java.nio.charset.StandardCharsets.US_ASCII;

import io.ratissidecar.logstore.IndexBlock.Location;
import java.io.Closeable;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import org.rocksdb.BlockBasedTableConfig;
import org.rocksdb.CompressionType;
import org.rocksdb.FlushOptions;
import org.rocksdb.InfoLogLevel;
import org.rocksdb.LRUCache;
import org.rocksdb.Options;
import org.rocksdb.RocksDB;
import org.rocksdb.RocksDBException;
import org.rocksdb.RocksIterator;
import org.rocksdb.WriteOptions;

/**
 * From index to segment, offset, length and term, in RocksDB: one key per block of up to 128
 * entries, so that appending costs one put in 128 and an entry a few bytes. The block that is being
 * filled is in memory.
 *
 * <p>Never the source of truth: nothing here is durable before {@link #persist}, and whatever does
 * not carry the token of the last clean close is thrown away.
 *
 * <p>One thread changes it; any thread looks things up, but not during a removal (the log's
 * structure lock sees to that).
 */
final class OffsetIndex implements Closeable {
  /** Before every block's key, which starts with a later letter. */
  private static final byte[] TOKEN_KEY = "token".getBytes(US_ASCII);

  private static final long MIB = 1 << 20;

  private final LRUCache cache;
  private final Options options;
  private final WriteOptions unlogged;
  private final RocksDB db;
  private volatile IndexBlock open;

  static {
    RocksDB.loadLibrary();
  }

  private OffsetIndex(LRUCache cache, Options options, RocksDB db) {
    this.cache = cache;
    this.options = options;
    this.db = db;
    this.unlogged = new WriteOptions().setDisableWAL(true);
  }

  /** Opens or makes the index in this directory. */
  static OffsetIndex open(Path dir) throws IOException {
    LRUCache cache = new LRUCache(2 * MIB);
    Options options =
        new Options()
            .setCreateIfMissing(true)
            .setWriteBufferSize(2 * MIB)
            .setMaxWriteBufferNumber(2)
            .setMaxOpenFiles(64)
            .setMaxBackgroundJobs(2) // one flush and one compaction; the entries need few of either
            .setCompressionType(CompressionType.NO_COMPRESSION) // varints hardly compress
            .setInfoLogLevel(InfoLogLevel.WARN_LEVEL)
            .setKeepLogFileNum(1)
            .setStatsDumpPeriodSec(0)
            .setTableFormatConfig(new BlockBasedTableConfig().setBlockCache(cache));
    try {
      return new OffsetIndex(cache, options, RocksDB.open(options, dir.toString()));
    } catch (RocksDBException e) {
      options.close();
      cache.close();
      throw failed("open " + dir, e);
    }
  }

  void add(long index, long term, long segment, long offset, int length) throws IOException {
    IndexBlock block = open;
    if (block == null || !block.takes(segment)) {
      if (block != null) {
        put(block); // stored before it leaves memory, so that readers always find it
      }
      block = new IndexBlock(segment);
      block.add(index, term, (int) offset, length);
      open = block;
    } else {
      block.add(index, term, (int) offset, length);
    }
  }

  /** The entry with exactly this index, or null. */
  Location find(long index) throws IOException {
    Location found = floor(index);
    return found != null && found.index() == index ? found : null;
  }

  /** The entry with the highest index that is at most this, or null. */
  Location floor(long index) throws IOException {
    IndexBlock block = open;
    if (block == null || block.firstIndex() > index) {
      block = storedFloor(index);
    }
    return block == null ? null : block.floor(index);
  }

  /** The entry with the lowest index that is at least this, or null. */
  Location ceiling(long index) throws IOException {
    IndexBlock newest = open; // taken first: if it is stored meanwhile, this copy still serves
    if (newest != null && newest.firstIndex() <= index) {
      return newest.ceiling(index);
    }
    IndexBlock block = storedFloor(index);
    Location found = block == null ? null : block.ceiling(index);
    if (found == null) {
      block = storedCeiling(index);
      found = block == null ? null : block.ceiling(index);
    }
    return found == null && newest != null ? newest.ceiling(index) : found;
  }

  /** Removes the entries from this index on; returns how many. */
  long removeFrom(long index) throws IOException {
    long removed = 0;
    IndexBlock newest = open;
    if (newest != null) {
      IndexBlock rest = newest.below(index);
      removed += newest.count() - rest.count();
      open = rest.count() == 0 ? null : rest;
    }
    try (RocksIterator i = db.newIterator()) {
      for (i.seekToLast(); isBlock(i); i.prev()) {
        IndexBlock block = parse(i);
        IndexBlock rest = block.below(index);
        removed += block.count() - rest.count();
        if (rest.count() == block.count()) {
          break;
        }
        db.delete(unlogged, i.key());
        if (rest.count() > 0) {
          open = rest;
          break;
        }
      }
      i.status();
    } catch (RocksDBException e) {
      throw failed("remove from " + index, e);
    }
    return removed;
  }

  /** Removes the blocks that are wholly below this index, where a segment starts. */
  void removeBelow(long index) throws IOException {
    try (RocksIterator i = db.newIterator()) {
      for (i.seek(key(0)); isBlock(i) && keyOf(i) < index; i.next()) {
        db.delete(unlogged, i.key());
      }
      i.status();
      IndexBlock newest = open;
      if (newest != null && newest.firstIndex() < index) {
        open = null;
      }
    } catch (RocksDBException e) {
      throw failed("remove below " + index, e);
    }
  }

  /** Stores everything durably under this token. */
  void persist(String token) throws IOException {
    IndexBlock block = open;
    try (FlushOptions wait = new FlushOptions().setWaitForFlush(true)) {
      if (block != null) {
        put(block);
        open = null;
      }
      db.put(unlogged, TOKEN_KEY, token.getBytes(US_ASCII));
      db.flush(wait);
    } catch (RocksDBException e) {
      throw failed("flush", e);
    }
  }

  /** What the last {@link #persist} left, or null. */
  String token() throws IOException {
    try {
      byte[] token = db.get(TOKEN_KEY);
      return token == null ? null : new String(token, US_ASCII);
    } catch (RocksDBException e) {
      throw failed("read", e);
    }
  }

  @Override
  public void close() {
    db.close();
    unlogged.close();
    options.close();
    cache.close();
  }

  private void put(IndexBlock block) throws IOException {
    try {
      db.put(unlogged, key(block.firstIndex()), block.toBytes());
    } catch (RocksDBException e) {
      throw failed("store a block", e);
    }
  }

  private IndexBlock storedFloor(long index) throws IOException {
    try (RocksIterator i = db.newIterator()) {
      i.seekForPrev(key(index));
      return found(i);
    }
  }

  private IndexBlock storedCeiling(long index) throws IOException {
    try (RocksIterator i = db.newIterator()) {
      i.seek(key(index));
      return found(i);
    }
  }

  private static IndexBlock found(RocksIterator i) throws IOException {
    try {
      IndexBlock block = isBlock(i) ? parse(i) : null;
      i.status();
      return block;
    } catch (RocksDBException e) {
      throw failed("read", e);
    }
  }

  private static boolean isBlock(RocksIterator i) {
    return i.isValid() && i.key().length == Long.BYTES + 1;
  }

  private static IndexBlock parse(RocksIterator i) {
    return IndexBlock.parse(keyOf(i), i.value());
  }

  private static long keyOf(RocksIterator i) {
    return ByteBuffer.wrap(i.key()).getLong(1);
  }

  /** Big-endian behind a letter that comes after the token's, so that keys sort as indexes do. */
  private static byte[] key(long index) {
    return ByteBuffer.allocate(Long.BYTES + 1).put((byte) 'u').putLong(index).array();
  }

  private static IOException failed(String what, RocksDBException e) {
    return new IOException("offset index: cannot " + what + ": " + e.getMessage(), e);
  }
}
